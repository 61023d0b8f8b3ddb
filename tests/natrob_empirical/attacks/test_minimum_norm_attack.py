"""Every attack that looks for the nearest misclassified image keeps its guarantees."""

from dataclasses import dataclass
from typing import Any, final

import pytest
import torch
from torch import Tensor

from natrob_empirical.attacks import AbstractMinimumNormAttack, MinimumNormResult, NearestSearch
from natrob_empirical.threat_models import L2Ball, LinfBall


@final
@dataclass(frozen=True)
class Brighten(AbstractMinimumNormAttack):
    """Shows every sample brighter and brighter images, from `first` on."""

    first: float = 0.5

    def _approach(self, search: NearestSearch) -> None:
        for amount in (self.first, 0.3, 0.2):
            point = (search.active.x + amount).clamp(0, 1)
            search.settle(point, search.active.model.logits(point))
            if search.over:
                return


def bright(x: Tensor) -> Tensor:
    mean = x.flatten(1).mean(dim=1)
    return torch.stack([0.5 - mean, mean - 0.5], dim=1)


X = torch.tensor([0.1, 0.25, 0.4, 0.6]).reshape(-1, 1, 1, 1).repeat(1, 1, 2, 2)
Y = torch.zeros(4, dtype=torch.int64)  # the last is misclassified


def minimise(attack: AbstractMinimumNormAttack, model: Any = bright, x: Any = X, y: Any = Y) -> MinimumNormResult:
    return attack.minimise(model, x, y, generator=torch.Generator())


def test_the_nearest_image_wherever_it_lies() -> None:
    for ball, scale in ((LinfBall(0.0), 1), (L2Ball(1e-3), 2)):
        result = minimise(Brighten(ball))
        assert result.found.tolist() == [True, True, True, True]
        assert result.distance.tolist() == pytest.approx([0.5 * scale, 0.3 * scale, 0.2 * scale, 0])
        assert torch.equal(result.distance, ball.distance(result.adversarial, X))


def test_a_sample_without_one_keeps_its_image() -> None:
    result = minimise(Brighten(LinfBall(0.1), first=0.39))
    assert result.found.tolist() == [False, True, True, True]
    assert float(result.distance[0]) == torch.inf
    assert torch.equal(result.adversarial[0], X[0])


def test_a_misclassified_image_has_distance_zero_and_costs_one_query() -> None:
    result = minimise(Brighten(LinfBall(0.1)))
    assert torch.equal(result.adversarial[3], X[3])
    assert float(result.distance[3]) == 0
    assert result.queries.tolist() == [5, 5, 5, 1]
    assert result.gradient_calls.tolist() == [0] * 4


def test_a_batch_without_correct_samples() -> None:
    result = minimise(Brighten(LinfBall(0.1)), x=X[3:], y=Y[3:])
    assert (bool(result.found), float(result.distance), int(result.queries)) == (True, 0, 1)


def test_a_call_stops_inside_the_ball() -> None:
    result = Brighten(LinfBall(0.35))(bright, X, Y, generator=torch.Generator())
    assert result.success.tolist() == [False, True, True, True]
    assert result.queries.tolist() == [5, 4, 4, 1]  # the first look, what it was shown, the verdict
    assert torch.equal(result.adversarial[1:3], X[1:3] + 0.3)


def test_success_is_judged_in_full_precision() -> None:
    def model(x: Tensor) -> Tensor:
        seems = torch.is_autocast_enabled("cpu")
        return torch.tensor([[0.0, 1.0]] if seems else [[1.0, 0.0]]).repeat(len(x), 1) + 0 * x.sum()

    result = minimise(Brighten(LinfBall(0.1), mixed_precision=True), model)
    assert not bool(result.found.any())
    assert torch.equal(result.adversarial, X)


def test_the_images_and_the_mode_stay_as_they_were() -> None:
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2)).train()
    before = X.clone()
    minimise(Brighten(LinfBall(0.1)), model)
    assert torch.equal(X, before)
    assert all(module.training for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.usefixtures("unchecked")
def test_wrong_arguments_are_refused() -> None:
    attack = Brighten(LinfBall(0.1))
    with pytest.raises(ValueError, match=r"`x` must lie in the pixel range \[0, 1\]"):
        minimise(attack, x=X * 255)
    with pytest.raises(ValueError, match="`y` must hold labels from 0 to 1, as the model has 2 logits, got 2"):
        minimise(attack, y=Y + 2)
    with pytest.raises(TypeError, match=r"`generator` must be a torch\.Generator"):
        attack.minimise(bright, X, Y, generator=0)  # pyright: ignore[reportArgumentType] - the error is the point
