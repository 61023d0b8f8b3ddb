"""APGD and TargetedAPGD."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import APGD, DLR, PGD, CrossEntropy, Margin, RandomNoise, TargetedAPGD
from natrob_empirical.datasets import Dataset
from natrob_empirical.threat_models import AbstractBall, L2Ball, LinfBall

Images = tuple[Tensor, Tensor]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def share(attack: Any, net: Any, images: Images, seed: int = 0) -> float:
    return float(attack(net, *images, generator=generator(seed)).success.double().mean())


@pytest.mark.parametrize("loss", [CrossEntropy(), Margin()], ids=str)
@pytest.mark.parametrize(
    ("ball", "tolerance"),
    [(LinfBall(0.01), 1e-12), (L2Ball(0.04), 1e-9)],
    ids=str,
)
def test_it_is_exact_for_a_linear_model(ball: AbstractBall, tolerance: float, loss: Any, linear_case: Any) -> None:
    model, x, y = linear_case
    result = APGD(ball, loss=loss)(model, x, y, generator=generator())
    optimum = model.smallest_margin(x, y, ball)
    assert torch.equal(result.success, optimum < 0)  # whoever can be fooled is, and then leaves
    kept = ~result.success
    assert 0 < int(kept.sum()) < len(kept)
    assert torch.allclose(model.margin(result.adversarial, y)[kept], optimum[kept], rtol=0, atol=tolerance)


@pytest.mark.parametrize(("ball", "tolerance"), [(LinfBall(0.01), 1e-12), (L2Ball(0.04), 1e-7)], ids=str)
@pytest.mark.parametrize("attack_type", ["dlr", "targeted"])
def test_the_ratio_losses_are_exact_for_a_linear_model(
    attack_type: str, ball: AbstractBall, tolerance: float, linear_case: Any
) -> None:
    """Two classes far below the others make the ratio's denominator all but constant: its optimum is the margin's."""
    case, x, _ = linear_case

    def model(images: Tensor) -> Tensor:
        logits = case(images)
        return torch.cat([logits, torch.full_like(logits, -1e6)], dim=1)

    y = case(x).argmax(dim=1)
    attack = APGD(ball, loss=DLR()) if attack_type == "dlr" else TargetedAPGD(ball, targets=1)
    result = attack(model, x, y, generator=generator())
    optimum = case.smallest_margin(x, y, ball)
    assert torch.equal(result.success, optimum < 0)
    kept = ~result.success
    assert 0 < int(kept.sum()) < len(kept)
    assert torch.allclose(case.margin(result.adversarial, y)[kept], optimum[kept], rtol=0, atol=tolerance)


@pytest.mark.parametrize(("ball", "lead"), [(LinfBall(0.1), 0.3), (L2Ball(0.5), 0.2)], ids=str)
@pytest.mark.parametrize("kind", [APGD, lambda ball: APGD(ball, loss=DLR()), TargetedAPGD])
def test_it_beats_random_noise(
    kind: Any, ball: AbstractBall, lead: float, digits_net: nn.Module, digit_images: Images
) -> None:
    attack = replace(kind(ball), steps=20)
    assert share(attack, digits_net, digit_images) > share(RandomNoise(ball, 22), digits_net, digit_images) + lead


def test_it_finds_its_own_step_size(digits_cnn: nn.Module, digits: Dataset) -> None:
    """PGD with the step that APGD starts with is weaker, and so is PGD with the step of its source."""
    images = digits.to_images(digits.test_x[:200]), digits.test_y[:200]
    ball = L2Ball(0.7)
    ours = share(APGD(ball, steps=40), digits_cnn, images)
    assert ours > share(PGD(ball, step_size=2 * ball.epsilon, steps=40), digits_cnn, images) + 0.01
    assert ours > share(PGD(ball, steps=40), digits_cnn, images) + 0.01


def test_a_stalled_sample_alone_halves_its_step() -> None:
    """One image has a sharp optimum inside its ball, which long steps jump over; the other climbs to the edge."""

    def model(images: Tensor) -> Tensor:
        first, second = images[:, 0, 0, 0], images[:, 0, 0, 1]
        score = torch.where(second > 0.5, -((first - 0.52) ** 2), first) - 1
        return torch.stack([torch.zeros_like(score), score], dim=1)

    x = torch.tensor([[0.5, 0.9], [0.5, 0.1]], dtype=torch.float64).reshape(2, 1, 1, 2)
    result = APGD(LinfBall(0.1), loss=Margin())(model, x, torch.zeros(2, dtype=torch.int64), generator=generator())
    assert float(result.adversarial[0, 0, 0, 0]) == pytest.approx(0.52, abs=1e-3)
    assert float(result.adversarial[1, 0, 0, 0]) == pytest.approx(0.6)


def waves(a: float, b: float) -> tuple[float, tuple[float, float]]:
    """A loss with many optima, and its gradient."""
    return math.sin(40 * a) + math.cos(30 * b), (40 * math.cos(40 * a), -30 * math.sin(30 * b))


def path_of_the_paper(start: list[float], epsilon: float, steps: int, rho: float) -> list[list[float]]:
    """Algorithm 1 for one image of two pixels around 0.5, step by step in plain numbers."""

    def clip(values: list[float]) -> list[float]:
        return [min(max(value, 0.5 - epsilon), 0.5 + epsilon) for value in values]

    ends = {math.ceil(share * steps / 100) for share in (22, 41, 57, 70, 80, 87, 93, 99)}
    eta, point, previous, path = 2 * epsilon, start, start, [start]
    value = best_value = best_value_before = waves(*start)[0]
    best, rises, last_end, halved = start, 0, 0, True
    for k in range(steps):
        if k in ends:
            too_few = rises < rho * (k - last_end)
            halve = too_few or (not halved and best_value == best_value_before)
            if halve:
                eta, point, value = eta / 2, best, best_value
            best_value_before, rises, last_end, halved = best_value, 0, k, halve
        gradient = waves(*point)[1]
        reached = clip([x + eta * math.copysign(1, g) for x, g in zip(point, gradient, strict=True)])
        weight = 1.0 if k == 0 else 0.75
        moved = [
            x + weight * (z - x) + (1 - weight) * (x - old) for x, z, old in zip(point, reached, previous, strict=True)
        ]
        previous, point = point, clip(moved)
        path.append(point)
        rises += waves(*point)[0] > value
        value = waves(*point)[0]
        if value > best_value:
            best, best_value = point, value
    return path


@pytest.mark.parametrize("rho", [0.75, 0.5, 0.2])
def test_every_sample_takes_the_steps_of_the_paper(rho: float) -> None:
    seen: list[Tensor] = []

    def model(images: Tensor) -> Tensor:
        if len(images) == 40:  # a smaller batch only tells whether the model depends on it
            seen.append(images.detach().flatten(1).clone())
        score = torch.sin(40 * images[:, 0, 0, 0]) + torch.cos(30 * images[:, 0, 0, 1])
        return torch.stack([torch.full_like(score, 5), score], dim=1)

    x, steps, epsilon = torch.full((40, 1, 1, 2), 0.5, dtype=torch.float64), 100, 0.2
    attack = APGD(LinfBall(epsilon), loss=Margin(), steps=steps, rho=rho)
    attack(model, x, torch.zeros(40, dtype=torch.int64), generator=generator())
    path = torch.stack(seen[1:-1])  # but for the first look and the verdict
    for row in range(40):
        expected = path_of_the_paper(path[0, row].tolist(), epsilon, steps, rho)
        assert torch.allclose(path[:, row], torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-9)


def saturated(net: nn.Module) -> Any:
    """Keeps the labels, with logits so far apart that the cross-entropy has no gradient in float32."""
    return lambda x: 1000 * net(x)


def test_the_ratio_is_not_hidden_by_large_logits(digits_net: nn.Module, digit_images: Images) -> None:
    model, ball = saturated(digits_net), LinfBall(0.08)
    honest = share(APGD(ball, loss=DLR(), steps=20), digits_net, digit_images)
    assert share(APGD(ball, loss=DLR(), steps=20), model, digit_images) == pytest.approx(honest, abs=0.02)
    assert share(TargetedAPGD(ball, steps=20), model, digit_images) >= honest - 0.02
    assert share(APGD(ball, steps=20), model, digit_images) < honest - 0.1  # the reason why there is a DLR loss


def test_more_restarts_or_targets_are_never_weaker(digits_cnn: nn.Module, digits: Dataset) -> None:
    images = digits.to_images(digits.test_x[:200]), digits.test_y[:200]
    ball = L2Ball(0.7)
    for fewer, more in (
        (APGD(ball, steps=6), APGD(ball, steps=6, restarts=4)),
        (TargetedAPGD(ball, steps=6, targets=1), TargetedAPGD(ball, steps=6, targets=9)),
    ):
        before, after = (attack(digits_cnn, *images, generator=generator()) for attack in (fewer, more))
        assert bool((after.success >= before.success).all())
        assert int(after.success.sum()) > int(before.success.sum())


def test_all_other_classes_are_targets_where_there_are_fewer() -> None:
    """Four classes have three rivals, so nine targets cost what three do."""

    def model(x: Tensor) -> Tensor:
        brightness = x.flatten(1).mean(dim=1)
        return torch.stack([10 + brightness, brightness**2, brightness, -brightness], dim=1)

    x, y = torch.full((2, 1, 2, 2), 0.5), torch.zeros(2, dtype=torch.int64)
    result = TargetedAPGD(LinfBall(0.1), steps=4)(model, x, y, generator=generator())
    assert result.gradient_calls.tolist() == [3 * 4] * 2
    assert result.queries.tolist() == [3 + 3 * 5] * 2


def test_models_of_few_classes_are_refused(linear_case: Any) -> None:
    model, x, y = linear_case

    def three(images: Tensor) -> Tensor:
        logits = model(images)
        return torch.cat([logits, logits[:, :1] - 5], dim=1)

    with pytest.raises(ValueError, match="at least 3 classes for the DLR loss, got 2"):
        APGD(LinfBall(0.01), loss=DLR())(model, x, y, generator=generator())
    with pytest.raises(ValueError, match="at least 4 classes for the targeted DLR loss, got 3"):
        TargetedAPGD(LinfBall(0.01))(three, x, y, generator=generator())


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("kind", "settings", "error", "message"),
    [
        (APGD, {"loss": "dlr"}, TypeError, r"`loss` must be a loss such as CrossEntropy\(\) or DLR\(\), got 'dlr'"),
        (APGD, {"steps": 0}, ValueError, "`steps` must be at least 1, got 0"),
        (APGD, {"restarts": 1.5}, TypeError, "`restarts` must be an integer, got 1.5"),
        (APGD, {"rho": 0.0}, ValueError, "`rho` must be above 0 and at most 1, got 0.0"),
        (APGD, {"rho": math.nan}, ValueError, "`rho` must be finite, got nan"),
        (TargetedAPGD, {"targets": 0}, ValueError, "`targets` must be at least 1, got 0"),
        (TargetedAPGD, {"rho": 1.1}, ValueError, "`rho` must be above 0 and at most 1, got 1.1"),
        (TargetedAPGD, {"steps": True}, TypeError, "`steps` must be an integer, got True"),
    ],
)
def test_wrong_settings_are_refused(kind: Any, settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        kind(LinfBall(0.1), **settings)
