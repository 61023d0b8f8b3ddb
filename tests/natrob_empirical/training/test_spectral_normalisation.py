"""Norms within their bound, scaled and not otherwise changed, and a training that can be interrupted."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from training_subjects import demanding, everything_of, same, small_network, trained

from natrob_empirical.certification import classifier_bounds
from natrob_empirical.datasets import Dataset
from natrob_empirical.models import (
    AbstractClassifier,
    IntegratorClassifier,
    ModelSpecification,
    build_classifier,
    initialised_with,
)
from natrob_empirical.training import (
    MarginTraining,
    SpectralNormalisation,
    StandardTraining,
    TrainingProgress,
)
from natrob_empirical.training.spectral_normalisation import norm_found
from natrob_theory import LinearField, lipschitz_upper_bound

SHAPE = (1, 8, 8)


def network(name: str = "euler", **settings: Any) -> AbstractClassifier:
    described = ModelSpecification(label="small", network=name, channels=4, hidden=6, num_steps=2, **settings)
    generator = torch.Generator().manual_seed(1)
    return build_classifier(described, image_shape=SHAPE, num_classes=10, generator=generator)


def specification(method: SpectralNormalisation, **changes: Any) -> Any:
    return demanding(method=method, epochs=2, optimiser="adamw", learning_rate=0.02, augmentation="none", **changes)


def layer_norms(model: nn.Module) -> dict[str, float]:
    """Of stem, both convolutions of the field, and head, by the library's upper bound."""
    shapes = {"stem": SHAPE, "trunk.fields.0.module.0": (4, 8, 8), "trunk.fields.0.module.2": (6, 8, 8), "head": (64,)}
    return {
        name: float(lipschitz_upper_bound(model.get_submodule(name), input_shape=shape))
        for name, shape in shapes.items()
    }


@pytest.fixture
def few_digits(digits: Dataset) -> Dataset:
    return digits.subset(train=80)


@pytest.mark.parametrize("bound", [0.5, 1.0])
def test_the_trained_model_has_the_norms_that_were_asked_for(bound: float, few_digits: Dataset) -> None:
    plain, held = network(), network()
    trained(plain, few_digits, demanding(method=StandardTraining(), epochs=2, optimiser="adamw", learning_rate=0.02))
    trained(held, few_digits, specification(SpectralNormalisation(bound=bound)))
    assert max(layer_norms(plain).values()) > 1.2
    norms = layer_norms(held)
    assert all(norm <= bound for norm in norms.values())
    assert max(norms.values()) > 0.99 * bound
    assert float(classifier_bounds(held, SHAPE).field) <= bound**2 * (1 + 1e-12)
    assert type(held) is IntegratorClassifier
    assert not any(part._forward_pre_hooks for part in held.modules())
    assert held.state_dict().keys() == plain.state_dict().keys()


def test_a_layer_above_the_bound_is_scaled_and_one_below_is_left_alone() -> None:
    with initialised_with(torch.Generator().manual_seed(0)):
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Linear(8, 10))
    large, small = (layer for layer in model if isinstance(layer, nn.Linear))
    large.weight.data = 3.0 * torch.eye(8, 64)
    small.weight.data = 0.5 * torch.eye(10, 8)
    before = small.weight.detach().clone()
    constraint = SpectralNormalisation(bound=2.0).constraint(model, SHAPE)
    assert torch.equal(large.weight, 3.0 * torch.eye(8, 64))
    constraint.after_step()
    torch.testing.assert_close(large.weight.detach(), 2.0 * torch.eye(8, 64))
    constraint.finish()
    torch.testing.assert_close(large.weight.detach(), 2.0 * torch.eye(8, 64))
    assert torch.equal(small.weight, before)


@pytest.mark.parametrize("stride", [1, 2])
def test_the_norm_of_a_convolution_is_that_of_its_operator(stride: int) -> None:
    with initialised_with(torch.Generator().manual_seed(0)):
        layer = nn.Conv2d(3, 5, 3, stride=stride, padding=1).double()
    basis = torch.eye(3 * 6 * 6, dtype=torch.float64).view(-1, 3, 6, 6)
    columns = (layer(basis) - layer(torch.zeros_like(basis))).flatten(1).detach()
    exact = torch.linalg.matrix_norm(columns, 2)
    found = norm_found(layer, (3, 6, 6), iterations=30)
    torch.testing.assert_close(found, exact, rtol=1e-6, atol=0)
    few = norm_found(layer, (3, 6, 6), iterations=8)
    assert 0.97 * exact < few <= exact * (1 + 1e-12)
    assert torch.equal(few, norm_found(layer, (3, 6, 6), iterations=8))


def test_between_steps_norms_stay_near_the_bound(few_digits: Dataset) -> None:
    """Off by what eight steps of Lanczos miss, and by what the upper bound of a convolution exceeds its norm."""
    model, upper, norms = network(), [], []
    stem = model.get_submodule("stem")
    assert isinstance(stem, nn.Conv2d)

    def look(_: TrainingProgress) -> None:
        upper.append(max(layer_norms(model).values()))
        norms.append(float(norm_found(stem, SHAPE, iterations=64)))

    trained(model, few_digits, specification(SpectralNormalisation(bound=0.8)), progress=look)
    assert len(norms) == 6
    assert min(norms) > 0.79
    assert max(norms) < 0.8 * 1.04
    assert max(norms[3:]) < 0.8 * 1.005
    assert max(upper) < 0.8 * 1.1


def test_the_inner_method_is_what_is_trained(few_digits: Dataset) -> None:
    method = SpectralNormalisation(bound=1e6, method=MarginTraining(offset=0.5, temperature=0.5))
    wrapped, plain = network(), network()
    result = trained(wrapped, few_digits, specification(method))
    assert result.loss == trained(plain, few_digits, demanding(
        method=method.method, epochs=2, optimiser="adamw", learning_rate=0.02, augmentation="none")).loss  # fmt: skip
    assert same(everything_of(wrapped), everything_of(plain))
    assert method.settings()["method"] == {"name": "margin", "offset": 0.5, "temperature": 0.5}


def test_a_run_stopped_after_every_step_ends_with_the_same_weights(few_digits: Dataset, tmp_path: Path) -> None:
    described, state = specification(SpectralNormalisation(bound=0.7)), tmp_path / "run.pt"
    whole = network()
    trained(whole, few_digits, described)

    def stop(_: TrainingProgress) -> None:
        raise InterruptedError

    for _ in range(6):
        with pytest.raises(InterruptedError):
            trained(network(), few_digits, described, state=state, checkpoint_interval=0.0, progress=stop)
    resumed = network()
    assert trained(resumed, few_digits, described, state=state).resumed_from == 6
    assert same(everything_of(whole), everything_of(resumed))


def test_a_finished_run_that_was_not_written_is_finished_again(few_digits: Dataset, tmp_path: Path) -> None:
    described, state = specification(SpectralNormalisation(bound=0.7)), tmp_path / "run.pt"
    whole, resumed = network(), network()

    def full(_: object) -> None:
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space left"):
        trained(whole, few_digits, described, state=state, checkpoint_interval=0.0, finished=full)
    trained(resumed, few_digits, described, state=state)
    assert same(everything_of(whole), everything_of(resumed))
    assert max(layer_norms(resumed).values()) <= 0.7


def test_what_it_would_say_nothing_of_is_named() -> None:
    bounded = nn.Sequential(nn.Flatten(), parametrizations.orthogonal(nn.Linear(64, 10)))
    for model, message in (
        (small_network(), r"in linear layers and convolutions for spectral normalisation, got BatchNorm2d 1, whose"),
        (nn.Sequential(nn.Flatten(), LinearField(torch.eye(64))), "got LinearField 1, whose scale"),
        (bounded, "must have ordinary weights for spectral normalisation, but those of 1 are computed from others"),
    ):
        with pytest.raises(ValueError, match=message):
            SpectralNormalisation().constraint(model, SHAPE)


class Idle(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.idle = nn.Linear(64, 10), nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.used(x.flatten(1))


def test_a_layer_that_is_never_used_is_named() -> None:
    with pytest.raises(ValueError, match="must use all of its layers"):
        SpectralNormalisation().constraint(Idle(), SHAPE)


@pytest.mark.usefixtures("unchecked")
def test_bad_settings_are_named() -> None:
    with pytest.raises(ValueError, match="`bound` must be greater than 0, got 0"):
        SpectralNormalisation(bound=0.0)
    with pytest.raises(ValueError, match="`iterations` must be at least 1, got 0"):
        SpectralNormalisation(iterations=0)
    with pytest.raises(TypeError, match="`method` must be a training method without a constraint of its own"):
        SpectralNormalisation(method=SpectralNormalisation())
