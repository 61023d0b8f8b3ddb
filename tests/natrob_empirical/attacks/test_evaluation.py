from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import FGSM, PGD, AbstractAttack, RandomNoise, attack_accuracy
from natrob_empirical.threat_models import L2Ball, LinfBall

Images = tuple[Tensor, Tensor]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize(
    "attack", [PGD(LinfBall(0.08), steps=6), RandomNoise(L2Ball(1.0), 2), FGSM(L2Ball(0.4))], ids=str
)
def test_the_batch_size_does_not_matter(attack: AbstractAttack, digits_net: nn.Module, digit_images: Images) -> None:
    results = [
        attack_accuracy(attack, digits_net, *digit_images, generator=generator(), batch_size=size)
        for size in (1000, 60, 17, 1)
    ]
    for result in results:
        assert torch.equal(result.success, results[0].success)
        assert result.accuracy == results[0].accuracy
        assert result.mean_queries == results[0].mean_queries
        assert result.largest_distance == pytest.approx(results[0].largest_distance, rel=1e-5)


def test_the_numbers_are_those_of_the_attack(digits_net: nn.Module, digit_images: Images) -> None:
    x, y = digit_images
    attack = PGD(LinfBall(0.05), steps=4)
    evaluation = attack_accuracy(attack, digits_net, x, y, generator=generator())
    result = attack(digits_net, x, y, generator=generator())
    clean = digits_net(x).argmax(dim=1) == y
    assert torch.equal(evaluation.success, result.success)
    assert evaluation.accuracy == pytest.approx(1 - float(result.success.double().mean()))
    assert evaluation.clean_accuracy == pytest.approx(float(clean.double().mean()))
    assert 0 < evaluation.accuracy < evaluation.clean_accuracy < 1
    assert evaluation.num_samples == 60
    assert evaluation.largest_distance == float(attack.ball.distance(result.adversarial, x).max()) <= 0.05
    assert evaluation.mean_queries == pytest.approx(float(result.queries.double().mean()))
    assert evaluation.mean_gradient_calls == pytest.approx(float(result.gradient_calls.double().mean()))
    assert 4 * evaluation.accuracy < evaluation.mean_gradient_calls < 4 * evaluation.clean_accuracy


def test_progress_is_reported_after_every_batch(digits_net: nn.Module, digit_images: Images) -> None:
    seen: list[int] = []
    attack_accuracy(
        FGSM(LinfBall(0.1)), digits_net, *digit_images, generator=generator(), batch_size=25, progress=seen.append
    )
    assert seen == [25, 50, 60]


def test_tracked_images_are_no_problem(digits_net: nn.Module, digit_images: Images) -> None:
    x = digit_images[0].clone().requires_grad_()
    attack_accuracy(FGSM(LinfBall(0.1)), digits_net, x, digit_images[1], generator=generator())
    assert x.grad is None


def test_clean_accuracy_does_not_depend_on_the_attack(digits_net: nn.Module, digit_images: Images) -> None:
    attacks = [FGSM(LinfBall(0.0)), PGD(LinfBall(0.5), steps=3), RandomNoise(LinfBall(0.1))]
    evaluations = [attack_accuracy(attack, digits_net, *digit_images, generator=generator()) for attack in attacks]
    assert len({evaluation.clean_accuracy for evaluation in evaluations}) == 1
    assert evaluations[0].accuracy == evaluations[0].clean_accuracy


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"attack": "pgd"}, TypeError, r"`attack` must be an attack such as PGD\(LinfBall\(8/255\)\), got str"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be at least 1, got 0"),
        (
            {"y": torch.zeros(70).long(), "batch_size": 20},
            ValueError,
            r"`y` must have shape \(60,\), one label per image, got \(70,\)",
        ),
        ({"generator": 3}, TypeError, "`generator` must be a torch.Generator"),
    ],
)
def test_wrong_arguments_are_refused(
    changes: dict[str, Any], error: type[Exception], message: str, digits_net: nn.Module, digit_images: Images
) -> None:
    arguments: dict[str, Any] = {
        "attack": FGSM(LinfBall(0.1)),
        "model": digits_net,
        "x": digit_images[0],
        "y": digit_images[1],
        "generator": generator(),
    }
    with pytest.raises(error, match=message):
        attack_accuracy(**(arguments | changes))
