"""What the tests share: real data, trained networks, and where MNIST lies."""

import os
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import PGD
from natrob_empirical.datasets import Dataset, load_dataset
from natrob_empirical.models import initialised_with
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.threat_models import LinfBall


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load_dataset("digits")


@pytest.fixture(scope="session")
def digits_net(digits: Dataset) -> nn.Module:
    """A network of two layers, trained on the digits to well over 90 %; every run gives the same one."""
    generator = RandomStreams(0).generator("init")
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 48), nn.ReLU(), nn.Dropout(0.2), nn.Linear(48, 10))
    for parameter in net.parameters():
        parameter.data = 0.15 * torch.randn(parameter.shape, generator=generator)
    images, labels = digits.to_images(digits.train_x), digits.train_y
    net.eval()  # dropout is there to be switched off: training without it keeps the fixture deterministic
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(150):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()
    net.zero_grad()
    return net


@pytest.fixture(scope="session")
def digit_images(digits: Dataset) -> tuple[Tensor, Tensor]:
    """The first 60 test images, as float32 pixels, and their labels."""
    return digits.to_images(digits.test_x[:60]), digits.test_y[:60]


@pytest.fixture(scope="session")
def mnist_root() -> Path:
    """The data root for tests marked `mnist`, which are skipped where MNIST is not under it."""
    return Path(os.environ["NATROB_DATA"])


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
