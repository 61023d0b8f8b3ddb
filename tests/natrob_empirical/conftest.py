"""What the tests share: real data, a trained network, where MNIST lies, and a way past the type checks."""

import os
from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.datasets import Dataset, load_dataset
from natrob_empirical.random_streams import RandomStreams


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Switch the run-time type checks off, to see the library's own message for a value of the wrong type."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


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
