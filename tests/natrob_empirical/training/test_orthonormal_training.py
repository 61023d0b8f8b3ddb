"""Weights that stay orthonormal by projection, and a training along them."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from training_subjects import demanding, everything_of, same, trained

from natrob_empirical.certification import classifier_bounds
from natrob_empirical.datasets import Dataset
from natrob_empirical.models import ContractiveSpecification, IntegratorClassifier, build_classifier
from natrob_empirical.training import (
    EngineOptions,
    MarginTraining,
    OrthonormalTraining,
    SpectralNormalisation,
    TrainingProgress,
)
from natrob_empirical.training.orthonormal_training import (
    OrthonormalProjection,
    nearer_to_orthonormal,
    orthonormal_layers,
    tangent_part,
)
from natrob_theory import GradientFlowField, lipschitz_upper_bound

SHAPE = (1, 8, 8)


def network(*, hidden: int = 16, channels: int = 64, **settings: Any) -> IntegratorClassifier:
    specification = ContractiveSpecification(
        label="small",
        network="gradient_flow",
        channels=channels,
        hidden=hidden,
        num_steps=2,
        **{"constraint": "projected", **settings},
    )
    built = build_classifier(
        specification, image_shape=SHAPE, num_classes=10, generator=torch.Generator().manual_seed(1)
    )
    assert isinstance(built, IntegratorClassifier)
    return built


def orthonormal(rows: int, columns: int, *, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return nn.init.orthogonal_(torch.empty(rows, columns, dtype=torch.float64), generator=generator)


def distance_from_orthonormal(weight: torch.Tensor) -> float:
    singular = torch.linalg.svdvals(weight.double())
    return float((singular - 1).abs().max())


@pytest.fixture
def few_digits(digits: Dataset) -> Dataset:
    return digits.subset(train=96)


@pytest.mark.parametrize("hidden", [16, 64, 80])
@pytest.mark.parametrize("optimiser", ["adamw", "muon"])
def test_the_trained_weights_are_orthonormal_and_no_norm_exceeds_one(
    hidden: int, optimiser: str, few_digits: Dataset
) -> None:
    model = network(hidden=hidden)
    before = everything_of(model)
    method = OrthonormalTraining(method=MarginTraining())
    trained(model, few_digits, demanding(method=method, optimiser=optimiser, learning_rate=0.02, weight_decay=0.0))
    layers = orthonormal_layers(model)
    assert len(layers) == 2
    for layer in layers:
        assert distance_from_orthonormal(layer.weight.detach()) < 1e-6
        assert float(lipschitz_upper_bound(layer, input_shape=(64,))) <= 1.0
    assert float(classifier_bounds(model, SHAPE).features) <= 1.0 + 1e-5
    assert not same(before, everything_of(model))


def test_between_steps_weights_stay_near_the_set(few_digits: Dataset) -> None:
    model, found = network(), list[float]()
    specification = demanding(method=OrthonormalTraining(products="bfloat16"), optimiser="muon", learning_rate=0.05)
    layers = orthonormal_layers(model)
    trained(
        model,
        few_digits,
        specification,
        progress=lambda _: found.append(max(distance_from_orthonormal(layer.weight.detach()) for layer in layers)),
    )
    assert 1e-9 < max(found) < 0.05


@given(seed=st.integers(0, 50), shape=st.sampled_from([(3, 7), (5, 5), (6, 2)]))
def test_the_tangent_part_is_the_projection_of_the_gradient(seed: int, shape: tuple[int, int]) -> None:
    """It keeps W orthonormal to first order, and what it takes away is orthogonal to it."""
    weight = orthonormal(*shape, seed=seed)
    gradient = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    part = tangent_part(weight, gradient, dtype=torch.float64)
    first_order = weight @ part.t() if shape[0] <= shape[1] else weight.t() @ part
    torch.testing.assert_close(first_order, -first_order.t(), atol=1e-12, rtol=0)
    assert float((part * (gradient - part)).sum()) == pytest.approx(0.0, abs=1e-10)
    torch.testing.assert_close(tangent_part(weight, part, dtype=torch.float64), part, atol=1e-12, rtol=0)


@given(error=st.floats(0.0, 0.5), seed=st.integers(0, 20))
def test_an_iteration_squares_the_distance_and_never_passes_one(error: float, seed: int) -> None:
    left, right = orthonormal(4, 4, seed=seed), orthonormal(4, 9, seed=seed + 1)
    singular = torch.tensor([1 - error, 1 + error, 1 - error / 2, 1.0], dtype=torch.float64)
    near = torch.linalg.svdvals(nearer_to_orthonormal(left * singular @ right, dtype=torch.float64))
    expected = (singular * (3 - singular**2) / 2).sort(descending=True).values
    torch.testing.assert_close(near, expected, atol=1e-12, rtol=0)
    assert float(near.max()) <= 1 + 1e-12
    assert 1 - float(near.min()) <= 2 * error**2 + 1e-12


def test_a_norm_above_one_is_divided_out_at_the_end() -> None:
    """Rounding to float32 leaves norms a little above 1; the trunk would expand by as much."""
    layer = nn.Linear(64, 64)
    layer.weight.data = orthonormal(64, 64).float()
    upper = float(lipschitz_upper_bound(layer, input_shape=(64,)))
    assert 1.0 < upper < 1.0 + 1e-6
    OrthonormalProjection([layer], dtype=torch.float32).finish()
    assert float(lipschitz_upper_bound(layer, input_shape=(64,))) <= 1.0
    assert distance_from_orthonormal(layer.weight.detach()) < 1e-6


def test_gradient_flows_with_weights_of_their_own_constraint_are_left_alone() -> None:
    constrained = network(constraint="orthogonal")
    assert orthonormal_layers(constrained) == []
    with pytest.raises(ValueError, match=r"gradient flows with plain nn\.Linear weights"):
        OrthonormalTraining().constraint(constrained, SHAPE)
    convolution = GradientFlowField.convolutional(2, 3)
    assert orthonormal_layers(nn.Sequential(convolution)) == []


def test_the_network_computes_what_the_constrained_one_does() -> None:
    """The same weights, plain instead of computed."""
    plain, constrained = network().double(), network(constraint="orthogonal").double()
    for mine, theirs in zip(plain.trunk.fields, constrained.trunk.fields, strict=True):  # type: ignore[arg-type]
        mine.linear_map.load_state_dict({"weight": theirs.linear_map.weight, "bias": theirs.linear_map.bias})
    plain.head.load_state_dict(constrained.head.state_dict())
    images = torch.rand(3, *SHAPE, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(plain(images), constrained(images))


def test_a_run_that_is_stopped_ends_with_the_same_weights(few_digits: Dataset, tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def stop(seen: TrainingProgress) -> None:
        if seen.step == 5:
            raise StoppedError

    specification = demanding(method=OrthonormalTraining(), optimiser="muon", learning_rate=0.02)
    whole, resumed, state = network(), network(), tmp_path / "run.pt"
    trained(whole, few_digits, specification)
    with pytest.raises(StoppedError):
        trained(network(), few_digits, specification, state=state, checkpoint_interval=0.0, progress=stop)
    assert trained(resumed, few_digits, specification, state=state).resumed_from == 5
    assert same(everything_of(whole), everything_of(resumed))


def test_it_trains_in_bfloat16_as_in_float32(few_digits: Dataset) -> None:
    losses = []
    for products in ("float32", "bfloat16"):
        options = EngineOptions(precision=products)
        method = OrthonormalTraining(method=MarginTraining(), products=products)
        model = network()
        wanted = demanding(method=method, optimiser="muon", learning_rate=0.02, engine=options)
        losses.append(trained(model, few_digits, wanted).loss)
        assert max(distance_from_orthonormal(layer.weight.detach()) for layer in orthonormal_layers(model)) < 1e-6
    assert losses[1] == pytest.approx(losses[0], rel=0.02)
    assert losses[0] != losses[1]


@pytest.mark.usefixtures("unchecked")
def test_bad_settings_are_named() -> None:
    with pytest.raises(TypeError, match="`method` must be a training method without a constraint of its own"):
        OrthonormalTraining(method=SpectralNormalisation())
    with pytest.raises(ValueError, match="`products` must be one of"):
        OrthonormalTraining(products="float64")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='`constraint` = "projected" is for dense gradient flows'):
        network(layout="convolutional", channels=8, hidden=8)
