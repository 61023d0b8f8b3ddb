"""The images of the diagnoses, and a Neural ODE."""

import pytest
from torch import Tensor

from natrob_empirical.datasets import Dataset
from natrob_empirical.models import IntegratorClassifier, ModelSpecification, build_classifier
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.training import TrainingSpecification, train

Images = tuple[Tensor, Tensor]


@pytest.fixture(scope="session")
def hundred_digits(digits: Dataset) -> Images:
    return digits.to_images(digits.test_x[:100]), digits.test_y[:100]


@pytest.fixture(scope="session")
def neural_ode(digits: Dataset) -> IntegratorClassifier:
    """A small Neural ODE trained on the digits."""
    streams = RandomStreams(0)
    specification = ModelSpecification(
        label="Neural ODE", network="neural_ode", channels=4, hidden=4, stem_stride=2, pool_size=4
    )
    model = build_classifier(specification, image_shape=(1, 8, 8), num_classes=10, generator=streams.generator("init"))
    train(
        model, digits, TrainingSpecification(epochs=3, batch_size=128, learning_rate=0.02),
        generator=streams.generator("train"),
    )  # fmt: skip
    return model
