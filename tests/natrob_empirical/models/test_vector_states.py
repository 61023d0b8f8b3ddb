"""Steps on vectors behind a stem of convolutions with activations."""

from typing import Any

import pytest
import torch
from torch import nn

from natrob_empirical.benchmarks import PresetModel, preset_named
from natrob_empirical.benchmarks.cells import fitted_to_images
from natrob_empirical.models import IntegratorClassifier, ModelSpecification, build_classifier
from natrob_empirical.training import TrainingSpecification
from natrob_theory.relaxation import RelaxedNetwork


def specified(**settings: Any) -> ModelSpecification:
    defaults: dict[str, Any] = {
        "label": "vectors",
        "network": "euler",
        "channels": 6,
        "hidden": 5,
        "num_steps": 3,
        "weights": "per_step",
        "stem_convolutions": 2,
        "stem_width": 3,
    }
    return ModelSpecification(**(defaults | settings))


def built(**settings: Any) -> IntegratorClassifier:
    generator = torch.Generator().manual_seed(0)
    return build_classifier(specified(**settings), image_shape=(1, 8, 9), num_classes=4, generator=generator)


def test_the_classifier_is_its_formula() -> None:
    model, image = built(step_size=0.25), torch.rand((2, 1, 8, 9))
    first, second, last = [layer for layer in model.stem.children() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    state = last(second(first(image).relu()).relu().flatten(1))
    assert (first.out_channels, second.out_channels, state.shape) == (3, 6, (2, 6))
    for field in next(model.trunk.children()).children():
        inner, outer = [layer for layer in field.modules() if isinstance(layer, nn.Linear)]
        assert inner.out_features == 5
        state = state + 0.25 * outer(inner(state).relu())
    torch.testing.assert_close(model(image), model.head(state))


@pytest.mark.parametrize("network", ["heun", "backward_euler", "revnet", "neural_ode", "polynet"])
def test_other_networks_have_such_states_too(network: str) -> None:
    model = built(network=network, weights="shared")
    assert model(torch.rand((2, 1, 8, 9))).shape == (2, 4)


def test_settings_keep_the_identity_of_specifications_from_before() -> None:
    before = ModelSpecification(label="a", network="euler")
    assert (before.stem_convolutions, before.stem_width, before.initialisation) == (0, 16, "torch")


def test_no_pooled_side_is_looked_for() -> None:
    model = PresetModel(specification=specified(), training=TrainingSpecification())
    assert fitted_to_images(model, (1, 7, 7)) == model


def test_the_network_of_the_preset_has_linear_relaxations() -> None:
    model = preset_named("cpu", "certified-linf").models[0]
    generator = torch.Generator().manual_seed(0)
    classifier = build_classifier(model.specification, image_shape=(1, 28, 28), num_classes=10, generator=generator)
    parts = [classifier.stem, classifier.trunk, classifier.pool, nn.Flatten(), classifier.head]
    assert isinstance(model.specification, ModelSpecification)
    assert len(RelaxedNetwork(parts, (1, 28, 28)).graph.activations) == model.specification.num_steps


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"`stem_convolutions` = 4 halve the sides of the images \(1, 8, 9\) too often"
    ):
        built(stem_convolutions=4)
    with pytest.raises(ValueError, match="`pool_size` must be 4 beside `stem_convolutions` = 2, got 7"):
        specified(pool_size=7)
    with pytest.raises(ValueError, match="`stem_width` must be 16 beside `stem_convolutions` = 0, got 3"):
        specified(stem_convolutions=0)
    with pytest.raises(ValueError, match="`channels` must be even for RevNet, got 5"):
        built(network="revnet", channels=5, weights="shared")
