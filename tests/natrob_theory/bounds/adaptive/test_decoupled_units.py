"""Gradient flows of ReLU units that hardly act on each other: the order of the method is kept, at kinks too."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    FEHLBERG45,
    HEUN_EULER,
    ButcherTableau,
    EulerNet,
    GradientFlowField,
    NeuralODE,
    RungeKuttaNet,
    adaptive_affine_bound,
    lipschitz_upper_bound,
)
from natrob_theory.bounds.adaptive.decoupled_units import (
    DecoupledUnits,
    activity,
    decoupled_flow_error,
    decoupled_rates,
    decoupled_units_of,
)

PAIRS = (HEUN_EULER, BOGACKI_SHAMPINE, FEHLBERG45, DOPRI5)


def flow(units: int, features: int, *, tilt: float, seed: int, bias: float = 0.3) -> GradientFlowField:
    """Orthonormal rows, moved by `tilt`."""
    draw = torch.Generator().manual_seed(seed)
    rows = torch.linalg.qr(torch.randn(features, units, generator=draw, dtype=torch.float64)).Q.T
    linear = nn.Linear(features, units).double()
    moved = rows + tilt * torch.randn(units, features, generator=draw, dtype=torch.float64) / math.sqrt(features)
    linear.weight.data = moved.contiguous()
    linear.bias.data = bias * torch.randn(units, generator=draw, dtype=torch.float64)
    return GradientFlowField(linear, nn.ReLU())


def units_of(field: nn.Module) -> DecoupledUnits:
    units = decoupled_units_of(field)
    assert units is not None
    return units


def error_of_solve(
    field: GradientFlowField, tableau: ButcherTableau, step: float, time: float, state: Tensor
) -> Tensor:
    """‖y_N − φ_T(y_0)‖ under the loosest of controllers, which always takes the largest step."""
    net = NeuralODE(field, time, tableau=tableau, max_step_size=step, rtol=1e6, atol=1e6)
    fine = RungeKuttaNet(field, time / 800, 800)
    with torch.no_grad():
        return torch.linalg.vector_norm(net(state) - fine(state), dim=1)


def speed(field: GradientFlowField, state: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.linalg.vector_norm(field(torch.zeros(()), state), dim=1)


@given(
    tableau=st.sampled_from(PAIRS),
    tilt=st.sampled_from([0.0, 1e-3, 0.03, 0.2]),
    share=st.floats(0.05, 1.0),
    seed=st.integers(0, 1000),
)
def test_no_solve_is_further_from_the_flow(tableau: ButcherTableau, tilt: float, share: float, seed: int) -> None:
    field, time = flow(5, 6, tilt=tilt, seed=seed), 1.5
    units = units_of(field)
    step = share / units.diagonal
    state = torch.randn(16, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    bound = decoupled_flow_error(
        tableau, step, time, units, speed=speed(field, state), active=activity(units, state), kind="upper"
    )
    if bound is None:  # the coarsest steps of some methods
        return
    # what the reference solve itself misses is far below
    assert (error_of_solve(field, tableau, step, time, state) <= torch.as_tensor(bound.constant) + 1e-9).all()


def test_one_unit_on_attains_the_bound_of_the_linear_part() -> None:
    linear = nn.Linear(1, 1).double()
    linear.weight.data.fill_(1.0)
    linear.bias.data.fill_(0.0)
    field = GradientFlowField(linear, nn.ReLU())
    units = units_of(field)
    assert units.coupling < 1e-14
    step, state = 0.01, torch.ones(1, 1, dtype=torch.float64)
    with torch.no_grad():
        one_step = (RungeKuttaNet(field, step, 1, tableau=HEUN_EULER)(state) - math.exp(-step)).abs()[0]
    bound = decoupled_flow_error(
        HEUN_EULER, step, step, units, speed=speed(field, state), active=activity(units, state), kind="upper"
    )
    assert bound is not None
    ratio = float(one_step / torch.as_tensor(bound.constant))
    assert 0.99 < ratio <= 1.0  # a bound made 1 % too small is caught


def test_what_units_do_to_each_other_cannot_be_left_out() -> None:
    # Unit 1 pushes unit 2 across its kink: with ‖C‖ set to 0 the bound is broken.
    linear = nn.Linear(2, 2).double()
    linear.weight.data = torch.tensor([[1.0, 0.0], [0.5, math.sqrt(0.75)]], dtype=torch.float64)
    linear.bias.data.zero_()
    field = GradientFlowField(linear, nn.ReLU())
    start = torch.linalg.solve(linear.weight.data, torch.tensor([1.0, 0.005], dtype=torch.float64))[None]
    units, step = units_of(field), 0.02
    assert units.coupling == pytest.approx(0.5, rel=1e-3)
    wrong = DecoupledUnits(**{**vars(units), "coupling": 0.0})
    error = error_of_solve(field, BOGACKI_SHAMPINE, step, step, start)

    def bound(of: DecoupledUnits) -> Tensor:
        found = decoupled_flow_error(
            BOGACKI_SHAMPINE, step, step, of, speed=speed(field, start), active=activity(of, start), kind="upper"
        )
        assert found is not None
        return torch.as_tensor(found.constant)

    assert (error <= bound(units)).all()
    assert (error > bound(wrong)).all()


@pytest.mark.parametrize(("tableau", "power"), [(HEUN_EULER, 2), (BOGACKI_SHAMPINE, 3), (DOPRI5, 5)])
def test_orthogonal_rows_keep_the_order(tableau: ButcherTableau, power: int) -> None:
    units = units_of(flow(4, 6, tilt=0.0, seed=1))
    rates = [decoupled_rates(tableau, step, units) for step in (0.1, 0.2, 0.4)]
    values = [float(rate.of_speed) for rate in rates if rate is not None]
    slopes = [math.log2(later / earlier) for earlier, later in pairwise(values)]
    assert slopes == pytest.approx([power, power], abs=0.2)
    assert all(float(rate.of_activity) < 1e-13 for rate in rates if rate is not None)


def test_steps_at_which_a_stage_changes_its_sign_have_no_bound() -> None:
    units = units_of(flow(4, 6, tilt=0.0, seed=1))
    assert decoupled_rates(HEUN_EULER, 1.0 / units.diagonal * 1.01, units) is None
    assert decoupled_rates(HEUN_EULER, 0.99 / units.diagonal, units) is not None


@pytest.mark.parametrize(
    "field",
    [
        GradientFlowField.dense(4, 3, activation=nn.Tanh),
        GradientFlowField.convolutional(2, 3),
        EulerNet(GradientFlowField.dense(4, 3), 0.1, 1),
    ],
)
def test_other_fields_have_no_decoupled_units(field: nn.Module) -> None:
    assert decoupled_units_of(field) is None


def test_the_affine_bound_takes_the_smaller_error() -> None:
    field = flow(5, 6, tilt=0.0, seed=3)
    net = NeuralODE(field, 2.0, tableau=BOGACKI_SHAMPINE, max_step_size=0.2)
    state = torch.randn(8, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    bound = adaptive_affine_bound(net, state, lipschitz=lipschitz_upper_bound(field, input_shape=(6,)), one_sided=0.0)
    units = units_of(field)
    own = decoupled_flow_error(
        BOGACKI_SHAMPINE, 0.2, 2.0, units, speed=speed(field, state), active=activity(units, state), kind="upper"
    )
    assert own is not None
    assert bound.any_error is not None
    torch.testing.assert_close(bound.any_error.constant, own.constant, rtol=1e-9, atol=0.0)
