from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import (
    DI2FGSM,
    FAB,
    FGSM,
    PGD,
    SPSA,
    AbstractAttack,
    ActiveSet,
    RandomNoise,
    Square,
    TransferAttack,
)
from natrob_empirical.threat_models import L2Ball, LinfBall

Images = tuple[Tensor, Tensor]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("ball", [LinfBall(0.1), L2Ball(0.8)], ids=str)
def test_another_network_gives_more_than_random_noise(
    ball: Any, digits_net: nn.Module, digits_cnn: nn.Module, digit_images: Images
) -> None:
    noise = RandomNoise(ball, 9)(digits_cnn, *digit_images, generator=generator())
    result = TransferAttack(ball, source=digits_net)(digits_cnn, *digit_images, generator=generator())
    assert int(result.success.sum()) > int(noise.success.sum()) + 6
    assert bool(ball.contains(result.adversarial, digit_images[0]).all())


@pytest.mark.parametrize("inner", [PGD(LinfBall(0.08)), FGSM(LinfBall(0.08))], ids=str)
def test_from_the_same_model_it_is_as_strong_as_the_attack(
    inner: AbstractAttack, digits_cnn: nn.Module, digit_images: Images
) -> None:
    white_box = inner(digits_cnn, *digit_images, generator=generator())
    transfer = TransferAttack(inner.ball, source=digits_cnn, attack=inner)
    result = transfer(digits_cnn, *digit_images, generator=generator())
    assert 5 < int(white_box.success.sum()) < 55
    assert torch.equal(result.success, white_box.success)


def test_on_a_linear_model_it_reaches_the_optimum(linear_case: Any) -> None:
    model, x, y = linear_case
    ball = LinfBall(0.05)
    result = TransferAttack(ball, source=model, attack=PGD(ball, random_start=False))(
        model, x, y, generator=generator()
    )
    assert torch.equal(result.success, model.smallest_margin(x, y, ball) < 0)


def test_the_source_is_attacked_beyond_its_first_misclassified_image() -> None:
    """The source's border lies at a mean of 0.5, the target's at 0.55."""

    def model(border: float) -> Any:
        def logits(x: Tensor) -> Tensor:
            mean = x.flatten(1).mean(dim=1)
            return torch.stack([border - mean, mean - border], dim=1)

        return logits

    x, y = torch.full((3, 1, 2, 2), 0.46), torch.zeros(3, dtype=torch.int64)
    ball = LinfBall(0.1)
    source_attack = PGD(ball, steps=20, random_start=False)
    assert float(source_attack(model(0.5), x, y, generator=generator()).adversarial.mean()) < 0.55
    result = TransferAttack(ball, source=model(0.5), attack=source_attack)(model(0.55), x, y, generator=generator())
    assert bool(result.success.all())


@dataclass(frozen=True)
class Wandering(AbstractAttack):
    """Asks about points at 0.01, 0.02, … from the image."""

    points: int = 9

    def _perturb(self, active: ActiveSet) -> None:
        for number in range(1, self.points + 1):
            point = active.x + 0.01 * number
            active.settle(point, active.model.logits(point))


def test_points_on_the_way_are_shown_too_and_the_strongest_first() -> None:
    asked: list[float] = []

    def target(x: Tensor) -> Tensor:
        asked.append(round(100 * float(x.mean()) - 40))
        return torch.tensor([[1.0, 0.0]]).repeat(len(x), 1)

    def source(x: Tensor) -> Tensor:
        mean = x.flatten(1).mean(dim=1)
        return torch.stack([-mean, mean], dim=1)

    ball = LinfBall(0.2)
    attack = TransferAttack(ball, source=source, attack=Wandering(ball))
    result = attack(target, torch.full((2, 1, 2, 2), 0.4), torch.zeros(2, dtype=torch.int64), generator=generator())
    assert [point for point in asked if point][:-1] == [9, 1, 2, 4, 8]  # at 0 the model itself is looked at
    assert result.queries.tolist() == [7, 7]
    assert result.gradient_calls.tolist() == [0, 0]


@pytest.mark.parametrize(
    "inner",
    [
        DI2FGSM(LinfBall(0.15)),
        Square(LinfBall(0.15), queries=80),
        SPSA(LinfBall(0.15), steps=10, learning_rate=0.03),
        FAB(LinfBall(0.15), steps=10),
    ],
    ids=str,
)
def test_any_attack_may_run_on_the_source(
    inner: AbstractAttack, digits_net: nn.Module, digits_cnn: nn.Module, digit_images: Images
) -> None:
    attack = TransferAttack(inner.ball, source=digits_net, attack=inner)
    result = attack(digits_cnn, *digit_images, generator=generator())
    noise = RandomNoise(inner.ball, 9)(digits_cnn, *digit_images, generator=generator())
    assert int(result.success.sum()) > int(noise.success.sum()) + 4
    assert bool(inner.ball.contains(result.adversarial, digit_images[0]).all())


def test_the_source_gets_its_mode_back_and_no_gradient(digits_net: nn.Module, digit_images: Images) -> None:
    source = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10)).train()
    attack = TransferAttack(LinfBall(0.1), source=source)
    first, second = (attack(digits_net, *digit_images, generator=generator()) for _ in range(2))
    assert torch.equal(first.adversarial, second.adversarial)  # no dropout
    assert source[1].training
    assert all(parameter.grad is None and parameter.requires_grad for parameter in source.parameters())


def test_a_model_without_gradients_is_attacked(digits_net: nn.Module, digit_images: Images) -> None:
    def target(x: Tensor) -> Tensor:
        return digits_net(x.detach())

    ball = LinfBall(0.1)
    attack = TransferAttack(ball, source=digits_net, attack=DI2FGSM(ball))
    assert int(attack(target, *digit_images, generator=generator()).success.sum()) > 20


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({}, TypeError, "source"),
        ({"source": 3}, TypeError, "`source` must be a model, images to logits, got int"),
        ({"source": print, "attack": "pgd"}, TypeError, r"`attack` must be an attack such as PGD\(.*, got str"),
        (
            {"source": print, "attack": PGD(LinfBall(0.2))},
            ValueError,
            r"`attack` must have the ball LinfBall\(epsilon=0.1\), got LinfBall\(epsilon=0.2\)",
        ),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        TransferAttack(LinfBall(0.1), **settings)


@pytest.mark.usefixtures("unchecked")
def test_a_source_of_fewer_classes_is_refused(digits_net: nn.Module, digit_images: Images) -> None:
    def source(x: Tensor) -> Tensor:
        return x.flatten(1)[:, :5]

    with pytest.raises(ValueError, match="labels from 0 to 4, as the model has 5 logits, got 9"):
        TransferAttack(LinfBall(0.1), source=source)(digits_net, *digit_images, generator=generator())
