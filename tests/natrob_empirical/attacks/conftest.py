"""A linear model, for which the strongest attack is known; networks that peers leave as they found them."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.threat_models import AbstractBall, LinfBall


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearModel:
    """Logits `(0, ⟨w, x⟩ + b)`; in a ball of radius ε no image has a margin below `margin(x) − ε‖w‖*`."""

    weight: Tensor
    bias: float

    def __call__(self, x: Tensor) -> Tensor:
        score = x.flatten(1) @ self.weight + self.bias
        return torch.stack([torch.zeros_like(score), score], dim=1)

    def margin(self, x: Tensor, y: Tensor) -> Tensor:
        """Positive where the answer is right."""
        return self(x)[:, 1] * (2 * y - 1)

    def smallest_margin(self, x: Tensor, y: Tensor, ball: AbstractBall) -> Tensor:
        """The closed form: the dual of the ball's norm is the 1-norm for L∞ and the 2-norm for L2."""
        dual = torch.linalg.vector_norm(self.weight, ord=1 if isinstance(ball, LinfBall) else 2)
        return self.margin(x, y) - ball.epsilon * dual


@pytest.fixture
def linear_case() -> tuple[LinearModel, Tensor, Tensor]:
    """A linear model and 12 images, far from black and white, that it classifies correctly."""
    source = torch.Generator().manual_seed(3)
    weight = torch.randn(18, generator=source, dtype=torch.float64)
    x = 0.4 + 0.2 * torch.rand(12, 2, 3, 3, generator=source, dtype=torch.float64)
    model = LinearModel(weight=weight, bias=-float((x.flatten(1) @ weight).median()) + 0.01)
    return model, x, model(x).argmax(dim=1)


class _ForeignBall(AbstractBall):
    """A ball of a norm that no attack knows; nothing of it is ever called."""

    distance = random_point = steepest_ascent = _around = None  # pyright: ignore[reportAssignmentType]


@pytest.fixture
def foreign_ball() -> AbstractBall:
    """For attacks that know L∞ and L2 only."""
    return _ForeignBall(0.1)


@pytest.fixture(autouse=True)
def no_gradients_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Public peers leave gradients on the parameters of a network; all tests share the trained ones."""
    yield
    for name in request.fixturenames:
        net = request.node.funcargs.get(name) if isinstance(request.node, pytest.Function) else None
        if isinstance(net, nn.Module):
            net.zero_grad()
