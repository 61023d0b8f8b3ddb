from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import (
    APGD,
    FAB,
    AutoAttack,
    AveragedModel,
    CrossEntropy,
    Margin,
    PartReport,
    ProbabilitiesWarning,
    RandomisedModelError,
    RandomNoise,
    Square,
    TargetedAPGD,
    attack_accuracy,
)
from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models import AbstractBall, L2Ball, LinfBall

Images = tuple[Tensor, Tensor]
QUICK: dict[str, Any] = {"steps": 10, "targets": 3, "queries": 100}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("ball", [LinfBall(0.1), L2Ball(0.5)], ids=str)
def test_the_parts_are_those_of_the_standard_version(ball: AbstractBall) -> None:
    assert AutoAttack(ball).parts == (
        APGD(ball, loss=CrossEntropy(), steps=100),
        TargetedAPGD(ball, steps=100, targets=9),
        FAB(ball, steps=100, targets=9),
        Square(ball, queries=5000),
    )
    for few in (2, 3):
        assert AutoAttack(ball).parts_for(few)[1] == APGD(ball, loss=Margin(), steps=100, restarts=9)


@pytest.mark.parametrize("ball", [LinfBall(0.1), L2Ball(0.7)], ids=str)
def test_each_part_works_on_what_the_ones_before_it_left(
    ball: AbstractBall, digits_cnn: nn.Module, digit_images: Images
) -> None:
    reports: list[PartReport] = []
    attack = AutoAttack(ball, on_part=reports.append, **QUICK)
    result = attack(digits_cnn, *digit_images, generator=generator())
    x, y = digit_images
    with torch.no_grad():
        correct = digits_cnn(x).argmax(dim=1) == y
    assert tuple(report.part for report in reports) == attack.parts
    assert reports[0].name == "APGD-CE"
    assert [report.name for report in reports[1:]] == ["Targeted APGD", "FAB", "Square"]
    assert reports[0].attacked == int(correct.sum()) == reports[0].of
    for before, after in pairwise(reports):
        assert before.left == after.attacked > 0
    assert reports[-1].left == int((~result.success).sum())
    assert reports[0].left > reports[1].left  # the parts differ in what they fool


def test_the_first_part_is_the_attack_itself(digits_cnn: nn.Module, digit_images: Images) -> None:
    """Whoever the first part fools gets the very image that the part alone gives, and is spared the other parts."""
    x, y = digit_images
    ball = L2Ball(0.7)
    whole = AutoAttack(ball, **QUICK).run(digits_cnn, x, y, streams=SampleStreams(generator(), len(x)))
    first = APGD(ball, steps=10).run(digits_cnn, x, y, streams=SampleStreams(generator(), len(x)))
    fooled = first.success & (first.queries > 1)
    assert int(fooled.sum()) > 5
    assert torch.allclose(whole.adversarial[fooled], first.adversarial[fooled], rtol=0, atol=1e-5)
    assert torch.equal(whole.queries[fooled], first.queries[fooled] + 2)  # the two looks at the model


@pytest.mark.parametrize(("ball", "lead"), [(LinfBall(0.1), 0.3), (L2Ball(0.5), 0.2)], ids=str)
def test_it_beats_random_noise_and_each_of_its_parts(
    ball: AbstractBall, lead: float, digits_cnn: nn.Module, digit_images: Images
) -> None:
    attack = AutoAttack(ball, **QUICK)
    whole, noise, *parts = (
        float(one(digits_cnn, *digit_images, generator=generator()).success.double().mean())
        for one in (attack, RandomNoise(ball, 100), *attack.parts)
    )
    assert whole > noise + lead
    assert whole >= max(parts)


def test_the_optimum_of_a_linear_model_is_reached(linear_case: Any) -> None:
    model, x, y = linear_case
    for ball in (LinfBall(0.01), L2Ball(0.04)):
        result = AutoAttack(ball, steps=30, targets=2, queries=20)(model, x, y, generator=generator())
        optimum = model.smallest_margin(x, y, ball)
        assert torch.equal(result.success, optimum < 0)
        assert 0 < int(result.success.sum()) < len(x)
        kept = ~result.success
        assert torch.allclose(model.margin(result.adversarial, y)[kept], optimum[kept], rtol=0, atol=1e-7)


@pytest.mark.parametrize("few", [2, 3])
def test_models_of_few_classes_are_attacked(few: int, digits_cnn: nn.Module, digit_images: Images) -> None:
    """Digits by their remainder: the best logit of each group."""

    def model(x: Tensor) -> Tensor:
        logits = digits_cnn(x)
        return torch.stack([logits[:, rest::few].amax(dim=1) for rest in range(few)], dim=1)

    x, y = digit_images
    reports: list[PartReport] = []
    attack = AutoAttack(LinfBall(0.12), on_part=reports.append, **QUICK)
    result = attack(model, x, y % few, generator=generator())
    assert reports[1].name == "APGD-margin"
    assert 0.3 < float(result.success.double().mean()) < 1


def test_a_model_without_useful_gradients_falls_to_the_black_box_part(
    digits_cnn: nn.Module, digit_images: Images
) -> None:
    """Pixels in 17 levels: the gradient is zero wherever it is defined."""

    def model(x: Tensor) -> Tensor:
        return digits_cnn((x * 16).round() / 16 + 0 * x)

    reports: list[PartReport] = []
    AutoAttack(LinfBall(0.12), on_part=reports.append, steps=5, targets=2, queries=300)(
        model, *digit_images, generator=generator()
    )
    assert reports[-1].name == "Square"
    assert reports[-1].attacked - reports[-1].left > 5


def test_a_batch_without_correct_samples_costs_one_query(digits_cnn: nn.Module, digit_images: Images) -> None:
    x = digit_images[0]
    wrong = (digits_cnn(x).argmax(dim=1) + 1) % 10
    result = AutoAttack(LinfBall(0.1))(digits_cnn, x, wrong, generator=generator())
    assert torch.equal(result.adversarial, x)
    assert bool(result.success.all())
    assert result.queries.tolist() == [1] * 60


def noisy(net: nn.Module) -> Any:
    return lambda x: net(x) + 0.3 * torch.randn(len(x), 10)


def test_a_random_model_is_refused_until_it_is_averaged(digits_cnn: nn.Module, digit_images: Images) -> None:
    model, attack = noisy(digits_cnn), AutoAttack(LinfBall(0.1), **QUICK)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        with pytest.raises(RandomisedModelError, match="`model` must answer the same images alike"):
            attack(model, *digit_images, generator=generator())

    def attacked() -> Any:
        averaged = AveragedModel(model, samples=5, generator=generator(1))
        return attack(averaged, *digit_images, generator=generator())

    first, second = attacked(), attacked()
    assert torch.equal(first.adversarial, second.adversarial)
    plain = attack(digits_cnn, *digit_images, generator=generator())
    assert float(first.success.double().mean()) == pytest.approx(float(plain.success.double().mean()), abs=0.1)


def test_probabilities_are_warned_of(digits_cnn: nn.Module, digit_images: Images) -> None:
    with pytest.warns(ProbabilitiesWarning, match="without the last softmax"):
        AutoAttack(LinfBall(0.05), steps=2, targets=1, queries=2)(
            lambda x: torch.softmax(digits_cnn(x), dim=1), *digit_images, generator=generator()
        )


def test_progress_over_batches_adds_up(digits_cnn: nn.Module, digit_images: Images) -> None:
    reports: list[PartReport] = []
    attack = AutoAttack(LinfBall(0.1), on_part=reports.append, **QUICK)
    evaluation = attack_accuracy(attack, digits_cnn, *digit_images, generator=generator(), batch_size=25)
    last = [report for report in reports if report.part == attack.parts[-1]]
    assert sum(report.left for report in last) == round(60 * evaluation.accuracy)
    assert sum(report.of for report in last) == round(60 * evaluation.clean_accuracy)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"steps": 0}, ValueError, "`steps` must be at least 1, got 0"),
        ({"targets": 2.0}, TypeError, "`targets` must be an integer, got 2.0"),
        ({"queries": -1}, ValueError, "`queries` must be at least 1, got -1"),
        ({"on_part": 3}, TypeError, "`on_part` must be callable or None, got 3"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        AutoAttack(LinfBall(0.1), **settings)
