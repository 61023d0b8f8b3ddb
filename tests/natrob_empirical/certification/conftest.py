"""Small dense classifiers, trained on the digits for a second each."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

from natrob_empirical.datasets import Dataset
from natrob_empirical.models import IntegratorClassifier, initialised_with
from natrob_empirical.random_streams import RandomStreams
from natrob_theory import (
    BackwardEulerNet,
    DissipativeField,
    EulerNet,
    GradientFlowField,
    SkewSymmetricField,
    SumField,
    dense_field,
)

Trunk = Callable[[], nn.Module]

TRUNKS: dict[str, Trunk] = {
    "gradient flow": lambda: EulerNet([GradientFlowField.dense(64, 24) for _ in range(2)], 0.5),
    "plain": lambda: EulerNet([dense_field(64, 64) for _ in range(3)], 0.3),
    "dissipative": lambda: EulerNet(
        [DissipativeField(SumField([GradientFlowField.dense(64, 24), SkewSymmetricField.dense(64)]), 0.2)], 0.3
    ),
    "backward Euler": lambda: BackwardEulerNet([GradientFlowField.dense(64, 24)], 1.0),
}


def trained_classifier(trunk: Trunk, digits: Dataset) -> IntegratorClassifier:
    streams = RandomStreams(0)
    with initialised_with(streams.generator("init")):
        model = IntegratorClassifier(nn.Flatten(), trunk(), nn.Flatten(), nn.Linear(64, 10))  # type: ignore[arg-type]
    images, labels = digits.to_images(digits.train_x), digits.train_y
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    order = streams.generator("train")
    for _ in range(4):
        for rows in torch.randperm(len(images), generator=order).split(128):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images[rows]), labels[rows]).backward()
            optimizer.step()
    return model.eval()


@pytest.fixture(scope="session")
def trained_once(digits: Dataset) -> dict[str, IntegratorClassifier]:
    return {name: trained_classifier(trunk, digits) for name, trunk in TRUNKS.items()}


@pytest.fixture
def trained(trained_once: dict[str, IntegratorClassifier]) -> dict[str, IntegratorClassifier]:
    """Copies: a test may change what it is given."""
    return copy.deepcopy(trained_once)
