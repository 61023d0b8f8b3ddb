"""Adaptive solves of orthonormal gradient flows are trained by their exact flow, and certified as they are solved."""

import pytest
import torch
from torch import Tensor

from natrob_empirical import build_classifier, certified_accuracy, train
from natrob_empirical.benchmarks import PresetModel, TrainedModels
from natrob_empirical.datasets import Dataset
from natrob_empirical.models import (
    ContractiveSpecification,
    IntegratorClassifier,
    ModelSpecification,
    model_cost,
    trained_form,
)
from natrob_empirical.training import MarginTraining, TrainingSpecification, field_sample
from natrob_theory import EulerNet, StackedNeuralODE

ADAPTIVE = ContractiveSpecification(
    label="stacked", network="gradient_flow", method="adaptive", hidden=24, num_steps=3, constraint="orthogonal"
)
SHAPE = (1, 8, 8)


def built(specification: ContractiveSpecification, seed: int = 0) -> IntegratorClassifier:
    draw = torch.Generator().manual_seed(seed)
    return build_classifier(specification, image_shape=SHAPE, num_classes=10, generator=draw)


@pytest.fixture
def images() -> Tensor:
    return torch.rand((16, *SHAPE), generator=torch.Generator().manual_seed(0))


def test_the_trained_form_is_the_exact_flow_of_the_same_weights(images: Tensor) -> None:
    classifier = built(ADAPTIVE)
    form = trained_form(classifier, ADAPTIVE)
    assert isinstance(form, IntegratorClassifier)
    assert isinstance(form.trunk, EulerNet)
    assert isinstance(classifier.trunk, StackedNeuralODE)
    assert {id(p) for p in form.parameters()} == {id(p) for p in classifier.parameters()}
    for part in classifier.trunk.parts:
        part.rtol = part.atol = 1e-6
        part.max_step_size = 0.05
    with torch.no_grad():
        torch.testing.assert_close(form(images), classifier(images), rtol=0.0, atol=2e-5)


@pytest.mark.parametrize(
    "specification",
    [
        ContractiveSpecification(label="wide", network="gradient_flow", method="adaptive", hidden=80, num_steps=1),
        ContractiveSpecification(label="gram", network="gradient_flow", method="adaptive", constraint="gram"),
        ContractiveSpecification(label="euler", network="gradient_flow"),
    ],
)
def test_other_networks_are_trained_as_they_are(specification: ContractiveSpecification) -> None:
    classifier = built(specification)
    assert trained_form(classifier, specification) is classifier
    assert trained_form(classifier, ModelSpecification(label="m", network="euler")) is classifier


def test_a_run_trains_the_form_and_keeps_the_solver(digits: Dataset, tmp_path: object) -> None:
    training = TrainingSpecification(method=MarginTraining(offset=0.5, temperature=0.1), epochs=3, learning_rate=1e-2)
    model = PresetModel(specification=ADAPTIVE, training=training)
    models = TrainedModels(digits, tmp_path, torch.device("cpu"))  # type: ignore[arg-type]
    classifier, _ = models.get(model, 0)
    again, _ = models.get(model, 0)
    assert isinstance(classifier, IntegratorClassifier)
    assert isinstance(classifier.trunk, StackedNeuralODE)
    x, y = digits.to_images(digits.test_x)[:50], digits.test_y[:50]
    with torch.no_grad():
        assert torch.equal(classifier(x), again(x))
    result = certified_accuracy(classifier, x, y, (0.05,))
    assert result.clean_accuracy > 0.8
    assert result.accuracies[0] > 0.6
    assert set(result.routes) <= {"affine bound in L2", "none"}


def test_its_cost_and_its_field_samples_are_those_of_its_parts(images: Tensor) -> None:
    classifier = built(ADAPTIVE).eval()
    cost = model_cost(ADAPTIVE, image_shape=SHAPE, num_classes=10)
    assert cost.parameters == sum(p.numel() for p in classifier.parameters())
    drawn = field_sample(classifier, images, generator=torch.Generator().manual_seed(0))
    assert drawn.points.shape == (16, 64)


def test_other_adaptive_solves_are_trained_through_the_solver(digits: Dataset) -> None:
    specification = ContractiveSpecification(
        label="g", network="gradient_flow", method="adaptive", hidden=8, num_steps=1, constraint="gram", part_time=0.5
    )
    classifier = built(specification)
    before = [parameter.detach().clone() for parameter in classifier.trunk.parameters()]
    training = TrainingSpecification(epochs=1, learning_rate=1e-2)
    train(trained_form(classifier, specification), digits, training, generator=torch.Generator().manual_seed(0))
    after = list(classifier.trunk.parameters())
    assert all(not torch.equal(old, new) for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "dissipative"}, "dense gradient flows"),
        ({"layout": "convolutional", "constraint": "gram"}, "dense gradient flows"),
        ({"step_share": 0.5}, "step_share"),
        ({"max_step_size": 0.0}, "max_step_size"),
        ({"tolerance": -1.0}, "tolerance"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, object], message: str) -> None:
    settings = {"label": "m", "network": "gradient_flow", "method": "adaptive", "constraint": "orthogonal", **changes}
    with pytest.raises(ValueError, match=message):
        ContractiveSpecification(**settings)  # type: ignore[arg-type]
