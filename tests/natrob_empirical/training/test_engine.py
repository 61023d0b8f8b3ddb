import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from natrob_empirical.datasets import Dataset
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.training import TrainingDivergedError, TrainingProgress, TrainingSpecification, accuracy, train


class Linear(nn.Module):
    """Logits = W·pixels + b."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.layer = nn.Linear(64, classes)
        generator = torch.Generator().manual_seed(0)
        self.layer.weight.data = 0.05 * torch.randn((classes, 64), generator=generator)
        self.layer.bias.data.zero_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x.flatten(1))


class Oracle(nn.Module):
    """Answers with the labels it was given, whatever the images."""

    def __init__(self, labels: torch.Tensor) -> None:
        super().__init__()
        self.labels = labels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.one_hot(self.labels[: len(x)], 10).float()


def test_training_learns_the_digits(digits: Dataset) -> None:
    model = Linear()
    images, labels = digits.to_images(digits.test_x), digits.test_y
    before = accuracy(model, images, labels)
    train(model, digits, TrainingSpecification(epochs=10), generator=RandomStreams(0).generator("train"))
    assert not model.training
    assert accuracy(model, images, labels) > max(0.9, before)


def test_the_same_generator_trains_the_same_weights(digits: Dataset) -> None:
    small = digits.subset(train=200)
    weights = []
    for seed in (0, 0, 1):
        model = Linear()
        train(model, small, TrainingSpecification(epochs=1), generator=RandomStreams(seed).generator("train"))
        weights.append(model.layer.weight.detach().clone())
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_progress_counts_every_step_and_the_rate_ends_at_zero(digits: Dataset) -> None:
    small = digits.subset(train=130)
    seen: list[TrainingProgress] = []
    specification = TrainingSpecification(epochs=2, batch_size=64)
    train(Linear(), small, specification, generator=RandomStreams(0).generator("train"), progress=seen.append)
    assert [step.step for step in seen] == [1, 2, 3, 4, 5, 6]
    assert {step.steps for step in seen} == {6}
    assert [step.epoch for step in seen] == [1, 1, 1, 2, 2, 2]
    assert all(math.isfinite(step.loss) for step in seen)


def test_a_loss_that_is_not_finite_stops_at_once(digits: Dataset) -> None:
    model = Linear()
    model.layer.weight.data[0, 0] = math.inf
    with pytest.raises(TrainingDivergedError, match=r"the loss became (nan|inf) at step 1; lower the learning rate"):
        train(model, digits, TrainingSpecification(epochs=1), generator=RandomStreams(0).generator("train"))


def test_labels_without_a_logit_are_named(digits: Dataset) -> None:
    model = Linear(classes=3)
    with pytest.raises(ValueError, match="labels must be below the number of logits, 3, got 9"):
        train(model, digits, TrainingSpecification(epochs=1), generator=RandomStreams(0).generator("train"))


def test_accuracy_counts_every_image_once(digits: Dataset) -> None:
    images, labels = digits.to_images(digits.test_x[:50]), digits.test_y[:50]
    right = Oracle(labels)
    assert accuracy(right, images, labels, batch_size=50) == 1.0
    wrong_half = labels.clone()
    wrong_half[:25] = (wrong_half[:25] + 1) % 10
    assert accuracy(right, images, wrong_half, batch_size=50) == 0.5


def test_bad_settings_are_named() -> None:
    good = TrainingSpecification()
    for change, message in (
        ({"epochs": 0}, "`epochs` must be at least 1, got 0"),
        ({"learning_rate": -1.0}, "`learning_rate` must be greater than 0, got -1.0"),
        ({"milestones": (3, 2)}, r"`milestones` must be ascending epochs of at least 1, got \(3, 2\)"),
    ):
        with pytest.raises(ValueError, match=message):
            replace(good, **change)
