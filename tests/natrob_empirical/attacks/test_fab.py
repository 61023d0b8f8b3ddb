import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import FAB, RandomNoise
from natrob_empirical.threat_models import AbstractBall, L2Ball, LinfBall

Images = tuple[Tensor, Tensor]
each_ball = pytest.mark.parametrize("ball", [LinfBall(0.1), L2Ball(0.7)], ids=str)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def distances(model: Any, x: Tensor, y: Tensor, ball: AbstractBall) -> Tensor:
    """The closed form for a linear model: |margin|/‖w‖ in the dual norm."""
    dual = torch.linalg.vector_norm(model.weight, ord=1 if isinstance(ball, LinfBall) else 2)
    return model.margin(x, y) / dual


@each_ball
def test_the_distance_of_a_linear_model_is_the_closed_form(ball: AbstractBall, linear_case: Any) -> None:
    """No pixel bound acts: every image is further from black and white than from the boundary."""
    model, x, y = linear_case
    result = (
        FAB(ball, steps=5)(model, x, y, generator=generator()),
        FAB(ball, steps=5).minimise(model, x, y, generator=generator()),
    )
    exact = distances(model, x, y, ball)
    assert bool(result[1].found.all())
    assert torch.allclose(result[1].distance, exact, rtol=0, atol=1e-6)
    assert bool((result[1].distance >= exact - 1e-12).all())
    assert torch.equal(result[0].success, exact < ball.epsilon)


@each_ball
def test_a_call_succeeds_just_beyond_the_distance_and_not_before(ball: AbstractBall, linear_case: Any) -> None:
    model, x, y = linear_case
    for row, exact in enumerate(distances(model, x, y, ball).tolist()):
        for factor, success in ((1 + 1e-5, True), (1 - 1e-5, False)):
            attack = FAB(type(ball)(factor * exact), steps=5)
            assert bool(attack(model, x[row : row + 1], y[row : row + 1], generator=generator()).success) == success


@each_ball
def test_it_beats_random_noise(ball: AbstractBall, digits_net: nn.Module, digit_images: Images) -> None:
    shares = [
        float(attack(digits_net, *digit_images, generator=generator()).success.float().mean())
        for attack in (FAB(ball, steps=20), RandomNoise(ball, 400))
    ]
    assert shares[0] > shares[1] + 0.3


@each_ball
def test_minimise_disregards_the_radius(ball: AbstractBall, digits_net: nn.Module, digit_images: Images) -> None:
    found = [
        FAB(type(ball)(epsilon), steps=10).minimise(digits_net, *digit_images, generator=generator())
        for epsilon in (ball.epsilon, 0.0)
    ]
    assert bool(found[0].found.all())
    assert torch.equal(found[0].adversarial, found[1].adversarial)
    assert torch.equal(found[0].distance, ball.distance(found[0].adversarial, digit_images[0]))
    with torch.no_grad():
        assert torch.equal(found[0].found, digits_net(found[0].adversarial).argmax(dim=1) != digit_images[1])


@each_ball
def test_a_call_fools_whoever_has_a_near_image(ball: AbstractBall, digits_cnn: nn.Module, digit_images: Images) -> None:
    """Stopping early inside the ball loses nobody whom the search to the end finds inside it."""
    result = FAB(ball, steps=15)(digits_cnn, *digit_images, generator=generator())
    nearest = FAB(ball, steps=15).minimise(digits_cnn, *digit_images, generator=generator())
    assert 0.2 < float(result.success.float().mean()) < 1
    assert torch.equal(result.success, nearest.distance <= ball.epsilon)
    assert int(result.queries.sum()) < int(nearest.queries.sum())


@each_ball
def test_more_targets_and_restarts_are_never_further(
    ball: AbstractBall, digits_cnn: nn.Module, digit_images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the last queries, on the segment to what is nearest by then: they gain more or less."""
    monkeypatch.setattr("natrob_empirical.attacks.fab._LAST_QUERIES", 0)
    previous = torch.full(digit_images[1].shape, math.inf, dtype=torch.float64)
    for targets, restarts in ((1, 1), (3, 1), (9, 1), (9, 2)):
        attack = FAB(ball, steps=8, targets=targets, restarts=restarts)
        found = attack.minimise(digits_cnn, *digit_images, generator=generator())
        assert bool((found.distance <= previous).all())
        previous = found.distance


@each_ball
def test_restarts_are_random(ball: AbstractBall, digits_cnn: nn.Module, digit_images: Images) -> None:
    one, same, other, alone = (
        FAB(ball, steps=20, targets=2, restarts=restarts)
        .minimise(digits_cnn, *digit_images, generator=generator(seed))
        .distance
        for restarts, seed in ((3, 0), (3, 0), (3, 1), (1, 0))
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert float(one.mean()) < float(alone.mean())


def test_targets_are_the_likeliest_wrong_classes_of_each_sample() -> None:
    """Only one class is within reach, a different one for each image; it is the second likeliest."""
    towards = torch.tensor([[1, 2], [2, 3], [3, 1]])

    def model(x: Tensor) -> Tensor:
        value = x.flatten(1)
        logits = torch.full((len(x), 4), -9.0) + 0 * value
        logits[:, 0] = 0
        rows = (value.detach()[:, 0] * 10).long().clamp(max=2)
        every = torch.arange(len(x))
        logits[every, towards[rows, 0]] = -1.0 - 0 * value[:, 0]
        logits[every, towards[rows, 1]] = -2 + 40 * (value[:, 0] * 10 - rows - 0.5)
        return logits

    x = torch.tensor([0.05, 0.15, 0.25]).reshape(3, 1, 1, 1)
    y = torch.zeros(3, dtype=torch.int64)
    one, two = (FAB(LinfBall(0.02), steps=5, targets=targets)(model, x, y, generator=generator()) for targets in (1, 2))
    assert one.success.tolist() == [False, False, False]
    assert two.success.tolist() == [True, True, True]


@each_ball
@pytest.mark.parametrize("slope", [0.0, 1e-3], ids=["no gradient", "out of reach"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32)], ids=str)
def test_a_model_that_never_changes_its_mind(ball: AbstractBall, slope: float, shape: tuple[int, int, int]) -> None:
    def model(x: Tensor) -> Tensor:
        score = slope * x.flatten(1).mean(dim=1)
        return torch.stack([1 - score, score, 0 * score - 1], dim=1)

    x, y = torch.rand(3, *shape, generator=generator()), torch.tensor([0, 1, 0])
    attack = FAB(ball, steps=4, restarts=2)
    result = attack(model, x, y, generator=generator())
    assert result.success.tolist() == [False, True, False]
    assert result.queries.tolist() == [10 + 2 * 4 * 2 * 2, 1, 10 + 2 * 4 * 2 * 2]
    assert result.gradient_calls.tolist() == [16, 0, 16]
    assert bool(ball.contains(result.adversarial, x).all())
    nearest = attack.minimise(model, x, y, generator=generator())
    assert nearest.found.tolist() == [False, True, False]
    assert nearest.distance.tolist() == [math.inf, 0.0, math.inf]
    assert torch.equal(nearest.adversarial, x)


def test_a_saturated_loss_stops_one_target_only() -> None:
    """One difference has no gradient, the other leads out."""

    def model(x: Tensor) -> Tensor:
        value = x.flatten(1).mean(dim=1)
        return torch.stack([0 * value, 0 * value - 0.1, 10 * (value - 0.55)], dim=1)

    x = torch.full((2, 1, 4, 4), 0.5)
    result = FAB(LinfBall(0.06), steps=3)(model, x, torch.zeros(2, dtype=torch.int64), generator=generator())
    assert bool(result.success.all())
    assert float((result.adversarial - x).max()) == pytest.approx(0.0525, abs=1e-4)  # η = 1.05 times the distance


def test_a_batch_without_a_correct_image_costs_one_query(digits_net: nn.Module, digit_images: Images) -> None:
    x, _ = digit_images
    with torch.no_grad():
        wrong = (digits_net(x).argmax(dim=1) + 1) % 10
    found = FAB(LinfBall(0.1)).minimise(digits_net, x, wrong, generator=generator())
    assert found.queries.tolist() == [1] * len(x)
    assert bool(found.found.all())
    assert float(found.distance.max()) == 0


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"steps": 0}, ValueError, "`steps` must be at least 1, got 0"),
        ({"targets": 0}, ValueError, "`targets` must be at least 1, got 0"),
        ({"restarts": 1.5}, TypeError, "`restarts` must be an integer, got 1.5"),
        ({"alpha_max": 0}, ValueError, "`alpha_max` must be greater than 0, got 0.0"),
        ({"alpha_max": 1.1}, ValueError, "`alpha_max` must be at most 1, got 1.1"),
        ({"eta": 0.9}, ValueError, "`eta` must be at least 1, so that a step reaches the boundary, got 0.9"),
        ({"beta": 1}, ValueError, "`beta` must be less than 1, got 1.0"),
        ({"beta": math.nan}, ValueError, "`beta` must be finite, got nan"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        FAB(LinfBall(0.1), **settings)


def test_another_norm_is_refused(foreign_ball: AbstractBall) -> None:
    with pytest.raises(TypeError, match="`ball` must be a LinfBall or an L2Ball, as projections differ by norm"):
        FAB(foreign_ball)
