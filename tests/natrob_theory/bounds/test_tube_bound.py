"""The tube of a trajectory: sampled perturbed solutions stay inside, and a linear field fills it."""

import math
import re
from typing import Any, final

import pytest
import torch
from costly_examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import (
    AutonomousField,
    BackwardEulerNet,
    EulerNet,
    GradientFlowField,
    LayerRefusedError,
    LinearField,
    NeuralODE,
    RevNet,
    dense_field,
    lipschitz_upper_bound,
    local_lipschitz_upper_bound,
    step_structures,
    tube_bound,
)
from natrob_theory.networks import AbstractFixedStepNet
from natrob_theory.numbers.norms import per_sample_l2
from natrob_theory.steppers import AbstractStepper, Evaluation

ACTIVATIONS = [nn.ReLU, nn.Tanh, nn.SiLU]


def small_field(seed: int, activation: type[nn.Module], *, scale: float = 1.0) -> AutonomousField:
    generator = torch.Generator().manual_seed(seed)
    field = dense_field(3, 6, activation=activation).double()
    with torch.no_grad():
        for parameter in field.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return field


def values(tube: Any) -> Tensor:
    assert tube.growth.kind == "upper"
    assert isinstance(tube.growth.value, Tensor)
    return tube.growth.value


def fixed_grid(method: Any) -> bool:
    return method.name != "neural_ode"


@examples(8)  # of each method
@given(
    seed=st.integers(0, 2**32 - 1), activation=st.sampled_from(ACTIVATIONS), radius=st.floats(1e-6, 3.0),
    step_size=st.floats(0.01, 1.0),
)  # fmt: skip
def test_perturbed_solutions_stay_in_the_tube_of_every_method(
    method: Any, seed: int, activation: type[nn.Module], radius: float, step_size: float
) -> None:
    if not fixed_grid(method):
        return  # refused, see below
    field = small_field(seed, activation, scale=0.5)
    constant = float(lipschitz_upper_bound(field, input_shape=(3,)))
    net = method.build(field, method.step_size(step_size, constant), 4)
    generator = torch.Generator().manual_seed(seed)
    shape = (2, 3 * method.halves)
    y0 = torch.randn(shape, generator=generator, dtype=torch.float64)
    offsets = torch.randn((20, *shape), generator=generator, dtype=torch.float64)
    offsets = radius * offsets / offsets.norm(dim=2, keepdim=True)
    offsets[10:] *= torch.rand((10, 2, 1), generator=generator, dtype=torch.float64)
    tube = tube_bound(net, y0, radius)
    with torch.no_grad():
        clean = net.trajectory(y0).states
        perturbed = net.trajectory((y0 + offsets).flatten(0, 1)).states.view(5, 20, *shape)
    distance = (perturbed - clean[:, None]).norm(dim=3)
    slack = 1e-9 * (1.0 + clean.abs().amax())
    assert (distance <= tube.radii[:, None] + slack).all()
    moved = (perturbed[-1, 1:] - perturbed[-1, :-1]).norm(dim=2)
    assert (moved <= values(tube) * (offsets[1:] - offsets[:-1]).norm(dim=2) + slack).all()
    assert (values(tube) <= float(net.growth_bound(constant)) * (1 + 1e-12)).all()
    assert (tube.constants <= constant).all()
    assert tube.radii.shape == (5, 2)
    torch.testing.assert_close(tube.radii[0], torch.full((2,), radius, dtype=torch.float64))


class Unknown(nn.Module):
    """A layer that nothing is known of."""

    def forward(self, state: Tensor) -> Tensor:
        return state.sin()


@given(rate=st.floats(0.1, 2.0), step_size=st.floats(0.01, 0.4), radius=st.floats(1e-3, 1e3))
def test_a_linear_field_fills_the_tube_and_one_percent_less_is_caught(
    tight_method: Any, rate: float, step_size: float, radius: float
) -> None:
    net = tight_method.build(LinearField(rate * torch.eye(2, dtype=torch.float64)), step_size, 3)
    y0 = torch.tensor([[1.0, -1.0]], dtype=torch.float64)
    offset = radius * torch.tensor([[0.6, 0.8]], dtype=torch.float64)
    tube = tube_bound(net, y0, radius)
    with torch.no_grad():
        distance = (net.trajectory(y0 + offset).states - net.trajectory(y0).states).norm(dim=2)
    assert (distance <= tube.radii * (1 + 1e-9) + 1e-12).all()
    assert (0.99 * tube.radii < distance).all()
    assert float(distance[-1] / radius) == pytest.approx(float(values(tube)), rel=1e-8)
    assert 0.99 * float(values(tube)) < float(distance[-1] / radius)


def test_revnet_has_the_norm_of_the_product() -> None:
    net = RevNet((LinearField(2.0 * torch.eye(1).double()), LinearField(3.0 * torch.eye(1).double())), 0.1, 5)
    exact = float(net.growth_bound((2.0, 3.0)))
    tube = tube_bound(net, torch.ones((1, 2), dtype=torch.float64), 0.5)
    assert float(values(tube)) == pytest.approx(exact, rel=1e-12)
    with torch.no_grad():
        columns = net(torch.eye(2, dtype=torch.float64)) - net(torch.zeros((2, 2), dtype=torch.float64))
    assert float(torch.linalg.matrix_norm(columns, ord=2)) == pytest.approx(exact, rel=1e-12)


def test_one_euler_step_is_one_plus_h_times_the_local_constant() -> None:
    field, y0 = small_field(3, nn.ReLU), torch.randn((4, 3), generator=torch.Generator().manual_seed(0)).double()
    for radius in (0.0, 0.1, 1.0):
        constant = local_lipschitz_upper_bound(field, y0, radius).value
        tube = tube_bound(EulerNet(field, 0.2, 1), y0, radius)
        torch.testing.assert_close(values(tube), 1.0 + 0.2 * constant, rtol=1e-9, atol=0)
        torch.testing.assert_close(tube.constants[0], constant, rtol=1e-9, atol=0)
        torch.testing.assert_close(tube.radii[1], radius * values(tube), rtol=1e-9, atol=1e-12)


def test_a_small_tube_is_narrower_than_the_global_bound(method: Any) -> None:
    if not fixed_grid(method):
        return
    field = small_field(0, nn.ReLU, scale=0.5)
    constant = float(lipschitz_upper_bound(field, input_shape=(3,)))
    net = method.build(field, min(0.3, 0.5 / constant), 5)
    y0 = torch.randn((3, 3 * method.halves), generator=torch.Generator().manual_seed(1)).double()
    assert (values(tube_bound(net, y0, 1e-3)) - 1.0 < 0.9 * (float(net.growth_bound(constant)) - 1.0)).all()


def test_the_tube_holds_the_rounding_of_the_clean_states() -> None:
    """At radius 0 the exact solution itself: float32 states lie off it by their rounding, and the tube knows."""
    field = small_field(5, nn.Tanh)
    y0 = torch.randn((3, 3), generator=torch.Generator().manual_seed(2), dtype=torch.float32)
    single, double = EulerNet(field.float(), 0.1, 20), EulerNet(small_field(5, nn.Tanh).float().double(), 0.1, 20)
    tube = tube_bound(single, y0, 0.0)
    with torch.no_grad():
        error = single.trajectory(y0).states.double() - double.trajectory(y0.double()).states
    off = torch.stack([per_sample_l2(row) for row in error])
    assert (off <= tube.radii).all()
    assert off[-1].max() > 0
    assert (tube.radii[-1] < 0.1).all()


def test_a_network_with_one_field_per_step_and_a_radius_per_sample() -> None:
    fields = [small_field(seed, nn.ReLU) for seed in range(3)]
    y0 = torch.randn((2, 3), generator=torch.Generator().manual_seed(3)).double()
    radii = torch.tensor([0.1, 2.0], dtype=torch.float64)
    both = tube_bound(EulerNet(fields, 0.1), y0, radii)
    for sample in range(2):
        alone = tube_bound(EulerNet(fields, 0.1), y0[sample : sample + 1], float(radii[sample]))
        torch.testing.assert_close(both.radii[:, sample : sample + 1], alone.radii, rtol=1e-12, atol=0)


@final
class Doubling(AbstractStepper[Any]):
    """A method of a user's own."""

    @property
    def name(self) -> str:
        return "doubling"

    def step(self, field: Any, time: float, state: Tensor, step_size: float) -> Tensor:
        return 2.0 * state

    def step_with_evaluations(
        self, field: Any, time: float, state: Tensor, step_size: float
    ) -> tuple[Tensor, list[Evaluation]]:
        return 2.0 * state, [Evaluation(state, state)]

    def growth(self, x: Tensor) -> Tensor:
        return torch.full_like(x, 2.0)

    def cumulative_growth(self, x: Tensor) -> Tensor:
        return 2.0 ** torch.arange(len(x) + 1)[:, None]


class DoublingNet(AbstractFixedStepNet):
    def __init__(self) -> None:
        super().__init__(nn.ReLU(), Doubling(), step_size=1.0, num_steps=2)


def test_what_has_no_tube_is_refused_by_name() -> None:
    y0 = torch.ones((1, 3), dtype=torch.float64)
    with pytest.raises(TypeError, match=r"fixed grid, got NeuralODE: an adaptive solver may choose another grid"):
        tube_bound(NeuralODE(small_field(0, nn.Tanh)), y0, 0.1)
    with pytest.raises(
        TypeError, match="no tube bound is known for doubling; write its step as an AbstractExplicitStepper"
    ):
        tube_bound(DoublingNet(), y0, 0.1)
    with pytest.raises(LayerRefusedError, match="Unknown"):
        tube_bound(EulerNet(AutonomousField(Unknown()), 0.1, 2), y0, 0.1)
    with pytest.raises(ValueError, match=re.escape("`radius` must be finite and at least 0, got [-1.0]")):
        tube_bound(EulerNet(small_field(0, nn.Tanh), 0.1, 2), y0, -1.0)
    with pytest.raises(ValueError, match="`field_error_factor` must be at least 0"):
        tube_bound(EulerNet(small_field(0, nn.Tanh), 0.1, 2), y0, 1.0, field_error_factor=-1.0)
    with pytest.raises(OverflowError, match="NaN or infinite entries"):
        tube_bound(EulerNet(LinearField(1e300 * torch.eye(3).double()), 1.0, 3), y0, 0.1)


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32 - 1), radius=st.floats(1e-3, 3.0), share=st.floats(0.3, 3.0))
def test_structure_makes_the_tube_smaller_and_it_still_holds_every_solution(
    seed: int, radius: float, share: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    fields = [GradientFlowField.dense(3, 5).double() for _ in range(3)]
    for field in fields:
        for parameter in field.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    largest = max(float(lipschitz_upper_bound(field, input_shape=(3,))) for field in fields)
    for net in (EulerNet(fields, share * 2.0 / largest), BackwardEulerNet(fields, 3.0)):
        structure = step_structures(net, input_shape=(3,))
        y0 = torch.randn((2, 3), generator=generator, dtype=torch.float64)
        offsets = torch.randn((16, 2, 3), generator=generator, dtype=torch.float64)
        offsets = radius * offsets / offsets.norm(dim=2, keepdim=True)
        tube = tube_bound(net, y0, radius, structure=structure)
        product = math.prod(step.factor for step in structure)
        assert float(values(tube).max()) <= product * (1.0 + 1e-12)
        with torch.no_grad():
            distance = (net((y0 + offsets).flatten(0, 1)).view(16, 2, 3) - net(y0)).norm(dim=2)
        assert bool((distance <= values(tube) * radius * (1.0 + 1e-9)).all())
        assert bool((distance <= tube.radii[-1] * (1.0 + 1e-9)).all())


def test_structure_of_another_length_is_refused() -> None:
    net = EulerNet(GradientFlowField.dense(3, 5).double(), 0.1, 2)
    with pytest.raises(ValueError, match="one entry per step, 2, got 1"):
        tube_bound(
            net, torch.zeros(1, 3, dtype=torch.float64), 0.1, structure=step_structures(net, input_shape=(3,))[:1]
        )
