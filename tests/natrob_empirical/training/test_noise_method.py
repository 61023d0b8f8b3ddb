import math

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.training import (
    AbstractTrainingMethod,
    MarginTraining,
    NoiseTraining,
    PGDAdversarialTraining,
    StandardTraining,
)


class Noting(nn.Module):
    """A linear classifier that keeps what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(400, 2, dtype=torch.float64)
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.detach())
        return self.linear(x.flatten(1))


def shown(method: AbstractTrainingMethod, seed: int = 0) -> Tensor:
    model, images = Noting(), torch.full((50, 1, 20, 20), 0.5, dtype=torch.float64)
    outcome = method.backward(model, images, torch.arange(50) % 2, generator=torch.Generator().manual_seed(seed))
    assert model.linear.weight.grad is not None
    assert 0 <= int(outcome.correct) <= 50
    return model.seen[0] - images


def test_the_model_sees_gaussian_noise_that_is_not_clipped() -> None:
    noise = shown(NoiseTraining(sigma=0.5))
    assert float(noise.mean()) == pytest.approx(0.0, abs=5 * 0.5 / math.sqrt(noise.numel()))
    assert float(noise.std()) == pytest.approx(0.5, rel=0.03)
    assert float(noise.max()) > 1.0
    assert torch.equal(noise, shown(NoiseTraining(sigma=0.5)))
    assert not torch.equal(noise, shown(NoiseTraining(sigma=0.5), seed=1))


def test_the_loss_is_that_of_the_method_inside() -> None:
    noise = shown(NoiseTraining(sigma=0.5, method=MarginTraining()))
    assert torch.equal(noise, shown(NoiseTraining(sigma=0.5)))
    assert not bool(shown(StandardTraining()).any())


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan])
def test_there_must_be_noise(sigma: float) -> None:
    with pytest.raises(ValueError, match="`sigma` must be"):
        NoiseTraining(sigma=sigma)


def test_a_method_that_perturbs_by_itself_is_refused() -> None:
    with pytest.raises(TypeError, match="`method` must be StandardTraining or MarginTraining"):
        NoiseTraining(method=PGDAdversarialTraining())
