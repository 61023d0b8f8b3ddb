"""Operations and bytes before anything is allocated, against hand counts and against real passes."""

import sys
from typing import Any, cast

import pytest
import torch
from torch import nn

from natrob_empirical.models import (
    NETWORKS,
    PREACT_RESNET_18,
    RESNET_50,
    TABLE_A1_MNIST,
    ModelSpecification,
    ResidualSpecification,
    build_classifier,
    model_cost,
    resnet_20,
)
from natrob_empirical.models.counted_pass import PassCost, counted_pass
from natrob_theory import NeuralODE
from natrob_theory.networks.neural_ode import Gradients

KNOWN_STEPS = sorted(set(NETWORKS) - {"neural_ode", "backward_euler"})


@pytest.fixture
def _in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a pass keeps is estimated as Python's loop keeps it, on every device."""
    loader = cast(Any, sys.modules["natrob_theory.native.extension"])
    decision = loader._Decision()
    decision.made = True
    monkeypatch.setattr(loader, "_decision", decision)


def counted(model: nn.Module, batch: int, shape: tuple[int, ...]) -> PassCost:
    """A real forward pass on the CPU."""
    x = torch.rand(batch, *shape, generator=torch.Generator().manual_seed(1))
    return counted_pass(model, x, [*model.parameters(), *model.buffers()])[1]


def test_one_convolution_by_hand() -> None:
    layer = nn.Conv2d(3, 8, 3, padding=1, device="meta")
    value, cost = counted_pass(layer, torch.empty(2, 3, 5, 7, device="meta"), layer.parameters())
    assert value.shape == (2, 8, 5, 7)
    assert cost.flops == 2 * (2 * 5 * 7) * (3 * 3 * 3) * 8
    assert cost.saved_bytes == 4 * 2 * 3 * 5 * 7  # the input, for the weight's gradient; the weight itself is resident


def test_what_two_layers_keep_is_counted_once() -> None:
    layers = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 3, padding=1)).to("meta")
    _, cost = counted_pass(layers, torch.empty(2, 3, 5, 7, device="meta"), layers.parameters())
    assert cost.saved_bytes == 4 * 2 * (3 + 8) * 5 * 7  # the ReLU's output is the second convolution's input


def test_resnets_take_the_published_operations() -> None:
    """Multiply-adds of one 32×32 image: 41 M for ResNet-20, 0.56 G for PreAct-ResNet-18, 1.3 G for ResNet-50."""
    by_hand = 3 * 16 * 9 * 32**2 + 6 * 16 * 16 * 9 * 32**2 + 64 * 10
    for width, side in ((32, 16), (64, 8)):
        by_hand += (width // 2 * width + 5 * width * width) * 9 * side**2
    operations = model_cost(resnet_20(), (3, 32, 32), 10).forward_flops
    assert operations == 2 * by_hand
    assert round(by_hand / 1e6) == 41
    assert round(model_cost(PREACT_RESNET_18, (3, 32, 32), 10).forward_flops / 2e9, 2) == 0.56
    assert round(model_cost(RESNET_50, (3, 32, 32), 10).forward_flops / 2e9, 1) == 1.3


def test_saved_bytes_grow_linearly_with_the_batch() -> None:
    model = build_classifier(
        resnet_20(), image_shape=(1, 8, 8), num_classes=10, generator=torch.Generator().manual_seed(0)
    )
    sizes = [counted(model, batch, (1, 8, 8)).saved_bytes for batch in (2, 4, 8)]
    assert sizes[2] - sizes[1] == 2 * (sizes[1] - sizes[0])
    assert sizes[2] - sizes[1] > 0.95 * sizes[1]  # what does not grow, the normalisations' statistics, is small
    costs = [model_cost(resnet_20(), (1, 8, 8), 10, batch) for batch in (2, 8)]
    assert costs[0].activation_bytes == pytest.approx(sizes[0] / 2, abs=1)
    assert costs[1].activation_bytes == pytest.approx(sizes[2] / 8, abs=1)
    peaks = [costs[0].peak_training_bytes(batch) for batch in (0 + 1, 2, 3)]
    assert peaks[2] - peaks[1] == peaks[1] - peaks[0] == costs[0].activation_bytes


@pytest.mark.usefixtures("_in_python")
@pytest.mark.parametrize("network", KNOWN_STEPS)
def test_a_network_with_fixed_steps_costs_what_a_real_pass_costs(network: str) -> None:
    specification = ModelSpecification(label="a", network=network, channels=4, hidden=6)
    model = build_classifier(
        specification, image_shape=(1, 8, 8), num_classes=10, generator=torch.Generator().manual_seed(0)
    )
    real = counted(model, 4, (1, 8, 8))
    cost = model_cost(specification, (1, 8, 8), 10, 4)
    assert cost.forward_flops * 4 == real.flops
    assert cost.activation_bytes * 4 == pytest.approx(real.saved_bytes, rel=0.02)
    assert (cost.is_estimate, cost.assumed_evaluations) == (False, None)


@pytest.mark.usefixtures("_in_python")
@pytest.mark.parametrize("gradients", ["direct", "checkpointed", "adjoint"])
def test_a_neural_ode_costs_what_it_was_told_to_assume(gradients: Gradients) -> None:
    specification = ModelSpecification(
        label="a", network="neural_ode", channels=4, hidden=6, gradients=gradients, tolerance=1e-6
    )
    model = build_classifier(
        specification, image_shape=(1, 8, 8), num_classes=10, generator=torch.Generator().manual_seed(0)
    )
    with torch.no_grad():
        for parameter in model.trunk.parameters():
            parameter.mul_(5)
    real = counted(model, 1, (1, 8, 8))
    record = cast(NeuralODE, model.trunk).last_solve
    assert record is not None
    evaluations = int(record.evaluations)
    assert evaluations > 50
    cost = model_cost(specification, (1, 8, 8), 10, 1, field_evaluations=evaluations)
    assert (cost.is_estimate, cost.assumed_evaluations) == (True, evaluations)
    assert cost.forward_flops == pytest.approx(real.flops, rel=0.1)
    # Backward of an adjoint solve holds the evaluations of one trial step, unknown to the forward pass: six, as the
    # last two of dopri5's seven stages are at the same t and y. And the estimate takes every trial for accepted.
    trunk = cast(NeuralODE, model.trunk)
    state = model.stem(torch.rand(1, 1, 8, 8))
    _, evaluation = counted_pass(lambda y: trunk.field(torch.tensor(0.0), y), state, model.parameters())
    rejected = int(record.rejected) * state.numel() * state.element_size()
    anew = 6 * evaluation.saved_bytes + rejected if gradients == "adjoint" else 0
    assert cost.activation_bytes == pytest.approx(real.saved_bytes + anew, rel=0.25)


def test_memory_depends_on_the_kind_of_gradient_and_work_does_not() -> None:
    kinds: tuple[Gradients, ...] = ("direct", "checkpointed", "adjoint")
    costs = [
        model_cost(
            ModelSpecification(label="a", network="neural_ode", gradients=kind), (1, 8, 8), 10, field_evaluations=600
        )
        for kind in kinds
    ]
    assert len({cost.forward_flops for cost in costs}) == 1
    assert costs[0].activation_bytes > 5 * costs[1].activation_bytes
    assert costs[2].activation_bytes == pytest.approx(costs[1].activation_bytes, rel=0.1)  # one state a step either way
    longer = model_cost(
        ModelSpecification(label="a", network="neural_ode", gradients="adjoint"), (1, 8, 8), 10, field_evaluations=6000
    )
    assert costs[2].activation_bytes < longer.activation_bytes < 10 * costs[2].activation_bytes
    assert longer.forward_flops > 9 * costs[2].forward_flops


def test_networks_that_decide_for_themselves_say_that_it_is_an_estimate() -> None:
    ode = model_cost(TABLE_A1_MNIST, (1, 28, 28), 10)
    assert (ode.is_estimate, ode.assumed_evaluations) == (True, 100)
    implicit = model_cost(ModelSpecification(label="a", network="backward_euler", num_steps=7), (1, 8, 8), 10)
    assert (implicit.is_estimate, implicit.assumed_evaluations) == (True, 70)
    assert model_cost(resnet_20(), (1, 8, 8), 10).is_estimate is False


@pytest.mark.usefixtures("_in_python")
def test_backward_euler_keeps_two_evaluations_a_step() -> None:
    specification = ModelSpecification(label="a", network="backward_euler", channels=4, hidden=6)
    model = build_classifier(
        specification, image_shape=(1, 8, 8), num_classes=10, generator=torch.Generator().manual_seed(0)
    )
    cost = model_cost(specification, (1, 8, 8), 10, 4)
    assert cost.activation_bytes * 4 == pytest.approx(counted(model, 4, (1, 8, 8)).saved_bytes, rel=0.25)


def test_training_bytes_are_weights_gradients_and_the_optimisers() -> None:
    cost = model_cost(resnet_20(), (3, 32, 32), 10)
    buffers = sum(2 * 4 * width * 7 for width in (16, 32, 64)) + 8 * 19 - 2 * 4 * (32 + 64)  # 19 norms, each a counter
    assert cost.training_bytes == 3 * 4 * cost.parameters + buffers
    adam = model_cost(resnet_20(), (3, 32, 32), 10, optimiser_states=2)
    assert adam.training_bytes - cost.training_bytes == 4 * cost.parameters


def test_a_network_that_fits_no_device_is_counted_all_the_same() -> None:
    vast = ResidualSpecification(label="vast", network="resnet50", width=64 * 64)
    assert model_cost(vast, (3, 32, 32), 10).training_bytes > 10**12


@pytest.mark.usefixtures("unchecked")
def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="`field_evaluations` is no setting of resnet, got 5"):
        model_cost(resnet_20(), (1, 8, 8), 10, field_evaluations=5)
    with pytest.raises(ValueError, match="`field_evaluations` is no setting of EulerNet, got 5"):
        model_cost(ModelSpecification(label="a", network="euler"), (1, 8, 8), 10, field_evaluations=5)
    with pytest.raises(ValueError, match="`batch_size` must be at least 1, got 0"):
        model_cost(resnet_20(), (1, 8, 8), 10, 0)
    shape: Any = (8, 8)
    with pytest.raises(ValueError, match=r"`image_shape` must be \(channels, height, width\), got \(8, 8\)"):
        model_cost(resnet_20(), shape, 10)
