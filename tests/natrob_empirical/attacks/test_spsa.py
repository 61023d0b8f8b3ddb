import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import PGD, SPSA, ActiveSet, CountedModel, RandomNoise
from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models import AbstractBall, L2Ball, LinfBall

Images = tuple[Tensor, Tensor]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def estimate(attack: SPSA, model: Any, x: Tensor, y: Tensor) -> Tensor:
    """In the model's own logits: the attack counts in a power of two near the first ones."""
    active = ActiveSet(CountedModel(model, len(x), x.device), x, y, SampleStreams(generator(), len(x)), attack.ball)
    gradient, unit = attack._estimate(active, x, torch.zeros(len(x), dtype=x.dtype))
    return gradient * unit.view(-1, 1, 1, 1)


def test_the_estimate_of_a_linear_model_s_gradient_has_its_signs(linear_case: Any) -> None:
    """With n vectors an entry's standard deviation is ‖w‖₂/√n: entries of four times that have the right sign."""
    model, x, y = linear_case
    found = estimate(SPSA(LinfBall(0.1), samples=2000), model, x, y)
    gradient = (2 * y - 1).double()[:, None] * model.weight
    deviation = float(model.weight.norm()) / 2000**0.5
    clear = gradient.abs() > 4 * deviation
    assert float(clear.double().mean()) >= 0.5
    assert torch.equal(found.flatten(1).sign()[clear], gradient.sign()[clear])
    assert float((found.flatten(1) - gradient).abs().max()) < 4.5 * deviation


def test_a_single_pixel_s_gradient_is_exact() -> None:
    x, y = torch.rand(5, 1, 1, 1, generator=generator(), dtype=torch.float64), torch.zeros(5, dtype=torch.int64)
    found = estimate(SPSA(LinfBall(0.1), samples=1), lambda x: torch.cat([3 * x, -x], dim=1).flatten(1), x, y)
    assert torch.allclose(found, torch.full_like(found, 4.0), rtol=0, atol=1e-10)


def test_no_query_leaves_the_pixel_range() -> None:
    def model(x: Tensor) -> Tensor:
        assert float(x.min()) >= 0
        assert float(x.max()) <= 1
        return torch.stack([1 + 0 * x[:, 0, 0, 0], x.flatten(1).mean(dim=1)], dim=1)

    x = torch.rand(8, 3, 4, 4, generator=generator()).round()
    for delta in (0.01, 0.3, 0.5):
        SPSA(LinfBall(0.3), steps=3, samples=8, delta=delta)(
            model, x, torch.zeros(8, dtype=torch.int64), generator=generator()
        )


def test_a_linear_model_is_attacked_as_well_as_with_its_gradient(linear_case: Any) -> None:
    model, x, y = linear_case
    ball = LinfBall(0.02)
    result = SPSA(ball, steps=60, samples=64)(model, x, y, generator=generator())
    exact = PGD(ball)(model, x, y, generator=generator())
    kept = ~result.success
    assert torch.equal(result.success, exact.success)
    optimum = model.smallest_margin(x, y, ball)[kept]
    missed = (model.margin(result.adversarial, y)[kept] - optimum) / (model.margin(x, y)[kept] - optimum)
    assert float(missed.max()) < 0.05


@pytest.mark.parametrize("ball", [LinfBall(0.1), L2Ball(0.7)], ids=str)
def test_it_beats_random_noise_with_as_many_queries(
    ball: AbstractBall, digits_net: nn.Module, digit_images: Images
) -> None:
    attack = SPSA(ball, steps=15, samples=16, learning_rate=0.02)
    shares = [
        float(one(digits_net, *digit_images, generator=generator()).success.float().mean())
        for one in (attack, RandomNoise(ball, 15 * 33))
    ]
    assert shares[0] > shares[1] + 0.3


@pytest.mark.parametrize("label", [0, 1])
def test_its_step_is_that_of_adam(label: int, linear_case: Any) -> None:
    """The optimiser of torch, given the same estimates, walks the same way."""
    model, x, y = linear_case
    x, y = x[y == label], y[y == label]
    attack = SPSA(L2Ball(100.0), steps=4, samples=500, learning_rate=0.003)

    def never_fooled(images: Tensor) -> Tensor:
        logits = model(images)
        return logits + 20 * nn.functional.one_hot(torch.tensor(label), 2)

    found = attack(never_fooled, x, y, generator=generator()).adversarial
    streams = SampleStreams(generator(), len(x))
    walker = x.clone()
    optimizer = torch.optim.Adam([walker], lr=0.003)
    active = ActiveSet(CountedModel(never_fooled, len(x), x.device), x, y, streams, attack.ball)
    unit = torch.zeros(len(x), dtype=x.dtype)
    for _ in range(4):
        walker.grad, unit = attack._estimate(active, walker, unit)
        optimizer.step()
    # the strongest image is the last, where every step has lowered the margin
    assert torch.allclose(found, walker, rtol=0, atol=1e-9)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"steps": 0}, ValueError, "`steps` must be at least 1, got 0"),
        ({"samples": 0}, ValueError, "`samples` must be at least 1, got 0"),
        ({"samples_at_once": 0.5}, TypeError, "`samples_at_once` must be an integer, got 0.5"),
        ({"delta": 0}, ValueError, "`delta` must be greater than 0, got 0.0"),
        ({"delta": 0.6}, ValueError, "`delta` must be at most 0.5, for queries in the pixel range, got 0.6"),
        ({"learning_rate": -1}, ValueError, "`learning_rate` must be greater than 0, got -1.0"),
        ({"learning_rate": math.inf}, ValueError, "`learning_rate` must be finite, got inf"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        SPSA(LinfBall(0.1), **settings)
