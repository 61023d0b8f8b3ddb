"""The models that attacks are tried on: a linear one, whose optimum is known, and small CNNs trained on real images."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import PGD
from natrob_empirical.datasets import Dataset, load_dataset
from natrob_empirical.models import initialised_with
from natrob_empirical.random_streams import RandomStreams
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


def _small_cnn(channels: int = 8) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, channels, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(32 * channels, 10),
    )


def _fitted(x: Tensor, y: Tensor, *, epochs: int, epsilon: float = 0.0) -> nn.Module:
    """A small CNN; with `epsilon` trained on adversarial images in an L∞ ball that grows to it."""
    streams = RandomStreams(0)
    with initialised_with(streams.generator("init")):
        net = _small_cnn()
    order, noise = streams.generator("train"), streams.generator("attack")
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    for epoch in range(epochs):
        radius = epsilon * min(1.0, 2 * (epoch + 1) / epochs)
        attack = PGD(LinfBall(radius), steps=5, compaction=False)
        for rows in torch.randperm(len(x), generator=order).split(64):
            images = attack(net, x[rows], y[rows], generator=noise).adversarial if epsilon else x[rows]
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(images), y[rows]).backward()
            optimizer.step()
    net.zero_grad()
    return net.eval()


@pytest.fixture(scope="session")
def digits_cnn(digits: Dataset) -> nn.Module:
    """A small CNN trained plainly on the digits."""
    return _fitted(digits.to_images(digits.train_x), digits.train_y, epochs=10)


@pytest.fixture(scope="session")
def robust_digits_cnn(digits: Dataset) -> nn.Module:
    """The same network trained against PGD in an L∞ ball of radius 0.1."""
    return _fitted(digits.to_images(digits.train_x), digits.train_y, epochs=12, epsilon=0.1)


@pytest.fixture(scope="session")
def mnist(mnist_root: Path) -> Dataset:
    """For tests marked `mnist` only."""
    return load_dataset("mnist", data_root=mnist_root, download=False)


@pytest.fixture(scope="session")
def mnist_cnn(mnist: Dataset) -> nn.Module:
    """A small CNN trained on 4,000 images of MNIST; for tests marked `mnist` only."""
    return _fitted(mnist.to_images(mnist.train_x[:4000]), mnist.train_y[:4000], epochs=4)


@pytest.fixture(scope="session")
def mnist_images(mnist: Dataset) -> tuple[Tensor, Tensor]:
    """The first 200 test images of MNIST and their labels; for tests marked `mnist` only."""
    return mnist.to_images(mnist.test_x[:200]), mnist.test_y[:200]
