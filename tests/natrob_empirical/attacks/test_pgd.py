import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import FGSM, PGD, AttackResult, RandomNoise
from natrob_empirical.threat_models import AbstractBall, L1Ball, L2Ball, LinfBall

Images = tuple[Tensor, Tensor]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def loss(net: nn.Module, result: AttackResult, y: Tensor) -> Tensor:
    with torch.no_grad():
        return nn.functional.cross_entropy(net(result.adversarial), y, reduction="none")


@pytest.mark.parametrize("random_start", [True, False])
@pytest.mark.parametrize("epsilon", [0.05, 0.01])
def test_linf_is_exact_for_a_linear_model(epsilon: float, random_start: bool, linear_case: Any) -> None:
    model, x, y = linear_case
    ball = LinfBall(epsilon)
    result = PGD(ball, random_start=random_start)(model, x, y, generator=generator())
    optimum = model.smallest_margin(x, y, ball)
    assert torch.equal(result.success, optimum < 0)  # whoever can be fooled is, and then leaves
    kept = ~result.success
    assert torch.allclose(model.margin(result.adversarial, y)[kept], optimum[kept], rtol=0, atol=1e-12)


@pytest.mark.parametrize("epsilon", [0.3, 0.02])
def test_l2_is_exact_for_a_linear_model(epsilon: float, linear_case: Any) -> None:
    model, x, y = linear_case
    ball = L2Ball(epsilon)
    result = PGD(ball, random_start=False)(model, x, y, generator=generator())
    optimum = model.smallest_margin(x, y, ball)
    assert torch.equal(result.success, optimum < 0)
    kept = ~result.success
    assert torch.allclose(model.margin(result.adversarial, y)[kept], optimum[kept], rtol=0, atol=1e-12)


def test_l2_approaches_the_optimum_from_a_random_start(linear_case: Any) -> None:
    """Steps along the sphere shrink the angle to the optimum geometrically, so more of them come closer."""
    case, x, _ = linear_case
    model = replace(case, bias=case.bias + 5.0)  # no sample can be fooled, so that none leaves before the optimum
    y = model(x).argmax(dim=1)
    ball = L2Ball(0.3)
    gaps = []
    for steps in (20, 60):
        result = PGD(ball, step_size=0.1, steps=steps)(model, x, y, generator=generator())
        gaps.append(float((model.margin(result.adversarial, y) - model.smallest_margin(x, y, ball)).max()))
    assert 0 <= gaps[1] < 1e-9 < gaps[0] < 1e-3


@pytest.mark.parametrize("ball", [LinfBall(0.08), L2Ball(0.5)], ids=str)
def test_more_steps_or_restarts_are_never_weaker(
    ball: AbstractBall, digits_net: nn.Module, digit_images: Images
) -> None:
    """With a step that overshoots, the last iterate alone would often be weaker."""
    y = digit_images[1]
    previous: AttackResult | None = None
    for steps, restarts in ((1, 1), (2, 1), (3, 1), (8, 1), (8, 2), (8, 4)):
        attack = PGD(ball, step_size=2 * ball.epsilon, steps=steps, restarts=restarts)
        result = attack(digits_net, *digit_images, generator=generator())
        if previous is not None:
            assert bool((result.success >= previous.success).all())
            kept = result.success == previous.success
            assert bool((loss(digits_net, result, y)[kept] >= loss(digits_net, previous, y)[kept] - 1e-5).all())
        previous = result


def test_a_misclassified_iterate_beats_a_later_one_of_higher_loss() -> None:
    """At 0.02 one rival leads by a little; at 0.08 no rival leads, but fifty come close: the loss is higher."""

    def model(x: Tensor) -> Tensor:
        moved = x.flatten(1) - 0.5
        bump = 0.2 * torch.exp(-(((moved - 0.02) / 0.005) ** 2))
        rivals = (3.09 * moved / 0.08 - 3).clamp(max=0.09).repeat(1, 50)
        return torch.cat([torch.full_like(moved, 0.1), bump, rivals], dim=1)

    x, y = torch.full((1, 1, 1, 1), 0.5, dtype=torch.float64), torch.tensor([0])
    losses = [float(nn.functional.cross_entropy(model(x + offset), y)) for offset in (0.02, 0.08)]
    assert losses[0] < losses[1]
    attack = PGD(LinfBall(0.1), step_size=0.02, steps=4, random_start=False)
    result = attack(model, x, y, generator=generator())
    assert bool(result.success)
    assert float(result.adversarial - x) == pytest.approx(0.02)


@pytest.mark.parametrize(("ball", "lead"), [(LinfBall(0.1), 0.3), (L2Ball(0.5), 0.2)], ids=str)
def test_it_beats_random_noise_and_is_no_weaker_than_fgsm(
    ball: AbstractBall, lead: float, digits_net: nn.Module, digit_images: Images
) -> None:
    shares = [
        float(attack(digits_net, *digit_images, generator=generator()).success.float().mean())
        for attack in (PGD(ball), RandomNoise(ball, 42), FGSM(ball))
    ]
    assert shares[0] > shares[1] + lead
    assert shares[0] >= shares[2]


def test_the_default_step_size_is_that_of_the_source(linear_case: Any) -> None:
    model, x, y = linear_case
    ball = L2Ball(0.3)  # not converged after ten steps, so that the step size shows
    stated = PGD(ball, step_size=2.5 * 0.3 / 10, steps=10)(model, x, y, generator=generator())
    default = PGD(ball, steps=10)(model, x, y, generator=generator())
    assert torch.equal(stated.adversarial, default.adversarial)


def test_samples_do_not_influence_each_other(digits_net: nn.Module, digit_images: Images) -> None:
    """A mean of the losses, or a norm over the batch, would change an L2 step with the neighbours."""
    x, y = digit_images[0].double(), digit_images[1]
    weight = torch.randn(10, 64, generator=generator(), dtype=torch.float64)

    def model(images: Tensor) -> Tensor:
        return torch.tanh(images.flatten(1) @ weight.T)

    y = model(x).argmax(dim=1)
    attack = PGD(L2Ball(0.4), steps=10, random_start=False)
    together = attack(model, x, y, generator=generator()).adversarial
    alone = torch.cat([attack(model, x[i : i + 1], y[i : i + 1], generator=generator()).adversarial for i in range(9)])
    assert torch.allclose(together[:9], alone, rtol=0, atol=1e-9)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"step_size": 0}, ValueError, "`step_size` must be greater than 0, got 0.0"),
        ({"step_size": math.nan}, ValueError, "`step_size` must be finite, got nan"),
        ({"step_size": "big"}, TypeError, "`step_size` must be a real number, got 'big' of type str"),
        ({"steps": 0}, ValueError, "`steps` must be at least 1, got 0"),
        ({"steps": 2.0}, TypeError, "`steps` must be an integer, got 2.0"),
        ({"restarts": 0}, ValueError, "`restarts` must be at least 1, got 0"),
        ({"random_start": 1}, TypeError, "`random_start` must be True or False, got 1"),
        ({"restarts": 2, "random_start": False}, ValueError, "`restarts` must be 1 without `random_start`.*got 2"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        PGD(LinfBall(0.1), **settings)


@pytest.mark.usefixtures("unchecked")
def test_settings_are_keyword_only() -> None:
    with pytest.raises(TypeError, match="positional"):
        PGD(LinfBall(0.1), 0.01)  # pyright: ignore[reportCallIssue] - the error is the point


def test_in_l1_sparse_steps_fool_far_more_digits_than_steps_of_one_pixel(
    digits_net: nn.Module, digit_images: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steepest ascent goes back to a pixel that is at 0 or 1 already, and stands still."""

    def left() -> int:
        generator = torch.Generator().manual_seed(0)
        return int((~PGD(L1Ball(2.0), steps=40)(digits_net, *digit_images, generator=generator).success).sum())

    sparse = left()
    monkeypatch.setattr(L1Ball, "ascent_step", lambda ball, gradient, _: ball.steepest_ascent(gradient))
    assert 3 * sparse < left()
