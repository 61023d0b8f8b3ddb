"""Rounding of adaptive solves: without the allowance float32 exceeds the bound of exact arithmetic, with it never."""

import copy
from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    HEUN_EULER,
    ButcherTableau,
    GradientFlowField,
    LayerRefusedError,
    LinearField,
    NeuralODE,
    lipschitz_upper_bound,
)
from natrob_theory.bounds.adaptive.completion import completion
from natrob_theory.bounds.adaptive.flow_error import any_flow_error, recorded_flow_error
from natrob_theory.bounds.adaptive.local_error import FlowConstants
from natrob_theory.bounds.adaptive.recorded_solve import recorded_solve
from natrob_theory.bounds.adaptive.rounding import rounding_allowance, solve_rounding
from natrob_theory.bounds.adaptive.step_rounding import coefficient_error, step_rounding
from natrob_theory.numbers.norms import Norm

PAIRS = [HEUN_EULER, BOGACKI_SHAMPINE, DOPRI5]


def number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def gradient_flow(centre: Tensor, seed: int) -> GradientFlowField:
    """−Wᵀtanh(W(y − centre)), whose weights float32 holds exactly."""
    width = len(centre)
    draw = torch.randn(width, width, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    rotation, _ = torch.linalg.qr(draw)
    layer = nn.Linear(width, width, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_((rotation * torch.linspace(0.5, 1.0, width, dtype=torch.float64)).float())
        layer.bias.copy_((-layer.weight @ centre).float())
    return GradientFlowField(layer, nn.Tanh())


def constant_of(field: nn.Module, width: int) -> float:
    return float(lipschitz_upper_bound(field, input_shape=(width,)))


def reference(field: nn.Module, state: Tensor, end_time: float = 1.0) -> Tensor:
    with torch.no_grad():
        return NeuralODE(field, end_time, rtol=1e-11, atol=1e-11, max_num_steps=10**6)(state.double())


@pytest.mark.parametrize("tableau", [HEUN_EULER, BOGACKI_SHAMPINE], ids=lambda tableau: tableau.name)
@pytest.mark.parametrize(
    ("x", "exceeded"), [(1e-2, 3.0), (1e-3, 500.0), pytest.param(1e-4, 20_000.0, marks=pytest.mark.long)]
)
def test_float32_exceeds_the_exact_bound_and_never_the_allowance(
    tableau: ButcherTableau, x: float, exceeded: float
) -> None:
    """‖y‖ = 280 beside a slow field: each sum rounds by far more than the local error of its step."""
    centre = torch.full((16,), 70.0, dtype=torch.float64)
    field = gradient_flow(centre, 0)
    lipschitz = constant_of(field, 16)
    drawn = torch.randn(8, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y0 = (centre + 0.05 * drawn).float()
    net = NeuralODE(
        copy.deepcopy(field).float(), 1.0, max_step_size=x / lipschitz, rtol=1.0, atol=1.0, tableau=tableau,
        max_num_steps=20_000,
    )  # fmt: skip
    solve = recorded_solve(net, y0)
    constants = FlowConstants(lipschitz=number(lipschitz), one_sided=number(0.0))
    exact_bound = recorded_flow_error(tableau, solve.times, solve.speeds[:-1], constants)
    measured = (solve.states[-1].double() - reference(field, y0)).norm(dim=1)
    allowance = rounding_allowance(
        net, state_norm=y0.double().norm(dim=1), distance=0.0, speed=solve.speeds[0], lipschitz=lipschitz,
        one_sided=0.0, input_shape=(16,), dtype=torch.float32, steps=len(solve.times) - 1,
    )  # fmt: skip
    assert float((measured / exact_bound).max()) > exceeded
    assert bool((measured <= exact_bound + allowance).all())
    assert float((allowance / measured).min()) < 20.0


def exact_end(rates: list[float], state: list[float], times: list[float]) -> list[Fraction]:
    """Heun's method on y′ = ry in fractions, on this grid."""
    found = []
    for rate, entry in zip(rates, state, strict=True):
        value, r = Fraction(entry), Fraction(rate)
        for time, later in pairwise(times):
            z = r * (Fraction(later) - Fraction(time))
            value *= 1 + z + z * z / 2
        found.append(value)
    return found


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_allowance_covers_the_same_grid_in_fractions(dtype: torch.dtype) -> None:
    rates = [-0.75, 0.5, -0.25]
    field = LinearField(torch.diag(torch.tensor(rates, dtype=dtype)))
    net = NeuralODE(field, 1.0, max_step_size=1 / 130, rtol=1.0, atol=1.0, tableau=HEUN_EULER)
    y0 = torch.tensor([[1.1, -2.3, 300.7]], dtype=dtype)
    solve = recorded_solve(net, y0)
    expected = exact_end(rates, y0[0].tolist(), solve.times[:, 0].tolist())
    differences = [Fraction(one) - other for one, other in zip(solve.states[-1, 0].tolist(), expected, strict=True)]
    measured = float(sum((one * one for one in differences), Fraction(0))) ** 0.5
    allowance = float(
        rounding_allowance(
            net, state_norm=y0.double().norm(dim=1), distance=0.0, speed=solve.speeds[0], lipschitz=0.75,
            one_sided=0.5, input_shape=(3,), dtype=dtype, steps=len(solve.times) - 1,
        )
    )  # fmt: skip
    assert 0.0 < measured <= allowance < 500.0 * measured


@given(
    tableau=st.sampled_from(PAIRS),
    seed=st.integers(0, 999),
    width=st.integers(1, 5),
    size=st.floats(0.0, 300.0),
    cap=st.sampled_from([0.02, 0.1, 0.5]),
    tolerance=st.sampled_from([1.0, 1e-3]),
    distance=st.floats(0.0, 1.0),
)
def test_a_perturbed_solve_stays_within_its_error_and_the_allowance(
    tableau: ButcherTableau, seed: int, width: int, size: float, cap: float, tolerance: float, distance: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    centre = size * torch.randn(width, dtype=torch.float64, generator=generator)
    field = gradient_flow(centre, seed)
    lipschitz = constant_of(field, width)
    drawn = torch.randn(2, 4, width, dtype=torch.float64, generator=generator)
    y0 = (centre + drawn[0]).float()
    start = (y0 + 0.99 * distance * nn.functional.normalize(drawn[1].float(), dim=1)).float()
    apart = (start.double() - y0.double()).norm(dim=1)
    net = NeuralODE(
        copy.deepcopy(field).float(), 1.0, max_step_size=cap, rtol=tolerance, atol=tolerance, tableau=tableau,
        max_num_steps=500,
    )  # fmt: skip
    speed = recorded_solve(net, y0).speeds[0]
    with torch.no_grad():
        measured = (net(start).double() - reference(field, start)).norm(dim=1)
    constants = FlowConstants(lipschitz=number(lipschitz), one_sided=number(0.0))
    truncation = any_flow_error(tableau, cap, 1.0, constants) * (speed + lipschitz * apart)
    allowance = rounding_allowance(
        net, state_norm=y0.double().norm(dim=1), distance=apart, speed=speed, lipschitz=lipschitz, one_sided=0.0,
        input_shape=(width,), dtype=torch.float32,
    )  # fmt: skip
    assert bool((measured <= truncation + allowance).all())


@pytest.mark.parametrize(("norm", "order"), [("Linf", float("inf")), ("L1", 1.0)])
@pytest.mark.parametrize("cap", [1e-3, 0.05])
def test_other_norms_have_their_own_allowance(norm: Norm, order: float, cap: float) -> None:
    """Measured in L∞ or L1, with constants of that norm; the clean solve on its grid, and one from elsewhere."""
    centre = torch.linspace(-70.0, 70.0, 6, dtype=torch.float64)
    field = gradient_flow(centre, 5)
    single = copy.deepcopy(field).float()
    net = NeuralODE(single, 0.2, max_step_size=cap, rtol=1.0, atol=1.0, tableau=HEUN_EULER, max_num_steps=300)
    generator = torch.Generator().manual_seed(2)
    y0 = (centre + 0.02 * torch.randn(32, 6, dtype=torch.float64, generator=generator)).float()
    start = y0 + 1e-3 * torch.randn(32, 6, generator=generator)
    apart = start.double() - y0.double()
    constant = number(float(lipschitz_upper_bound(field, input_shape=(6,), norm=norm)))
    constants = FlowConstants(lipschitz=constant, one_sided=constant)
    bound = solve_rounding(
        net, state_norm=y0.double().norm(dim=1), speed=recorded_solve(net, y0).speeds[0],
        constants=FlowConstants(lipschitz=number(constant_of(field, 6)), one_sided=number(0.0)), input_shape=(6,),
        dtype=torch.float32, norm=norm, norm_constants=constants,
    )  # fmt: skip
    solve = recorded_solve(net, y0, norm=norm)
    measured = torch.linalg.vector_norm(solve.states[-1].double() - reference(field, y0, 0.2), order, dim=1)
    exact_bound = recorded_flow_error(HEUN_EULER, solve.times, solve.speeds[:-1], constants)
    assert bool((measured <= exact_bound + bound.constant).all())
    assert cap > 1e-2 or float((measured / exact_bound).max()) > 2.0
    with torch.no_grad():
        moved = torch.linalg.vector_norm(net(start).double() - reference(field, start, 0.2), order, dim=1)
    away = torch.linalg.vector_norm(apart, order, dim=1)
    truncation = any_flow_error(HEUN_EULER, cap, 0.2, constants) * (solve.speeds[0] + constant * away)
    assert bool((moved <= truncation + torch.as_tensor(bound.at(apart.norm(dim=1)).value)).all())


def test_proved_trial_steps_make_the_allowance_small() -> None:
    field = gradient_flow(torch.zeros(4, dtype=torch.float64), 3)
    net = NeuralODE(field, 1.0, max_step_size=0.02, atol=1e-2)
    known = {
        "state_norm": torch.tensor([1.0, 2.0], dtype=torch.float64), "distance": 0.5, "lipschitz": 1.0,
        "speed": torch.tensor([0.5, 0.6], dtype=torch.float64), "one_sided": 0.0, "input_shape": (4,),
        "dtype": torch.float32,
    }  # fmt: skip
    found = completion(net, **known)
    assert bool(found.proved.all())
    proved = rounding_allowance(net, **known, steps=found.most_trials)
    assert bool((proved < 0.05 * rounding_allowance(net, **known)).all())


def test_the_allowance_is_affine_in_the_distance_and_grows_with_the_steps() -> None:
    field = gradient_flow(torch.zeros(4, dtype=torch.float64), 3)
    net = NeuralODE(field, 1.0, max_step_size=0.1, max_num_steps=1000)
    y0 = torch.ones(2, 4, dtype=torch.float64)
    known = {
        "state_norm": y0.norm(dim=1), "speed": torch.ones(2, dtype=torch.float64), "lipschitz": 1.0, "one_sided": -0.1,
        "input_shape": (4,), "dtype": torch.float32,
    }  # fmt: skip
    values = [float(rounding_allowance(net, distance=distance, **known)[0]) for distance in (0.0, 1.0, 2.0)]
    assert values[1] - values[0] == pytest.approx(values[2] - values[1], rel=1e-6)
    assert values[0] < values[1]
    assert float(rounding_allowance(net, distance=0.0, **known, steps=20)[0]) < 0.2 * values[0]


def test_float64_rounds_less_by_the_ratio_of_its_roundoff() -> None:
    field = gradient_flow(torch.zeros(4, dtype=torch.float64), 3)
    single, double = (
        step_rounding(
            HEUN_EULER, field, largest_step=0.1, lipschitz=number(1.0), input_shape=(4,), dtype=dtype
        )
        for dtype in (torch.float32, torch.float64)
    )  # fmt: skip
    assert float(single.per_norm / double.per_norm) == pytest.approx(2.0**29, rel=1e-4)
    assert single.per_step / double.per_step == pytest.approx(2.0**29, rel=1e-4)


def test_a_short_step_rounds_its_evaluations_and_the_stage_between_them() -> None:
    """Per unit of h and ‖y‖: p for the evaluations of weights ½ and ½, and ½Kγ₂ for the second stage's sum."""
    field = gradient_flow(torch.zeros(4, dtype=torch.float64), 3)
    rounded = step_rounding(
        HEUN_EULER, field, largest_step=1e-9, lipschitz=number(1.0), input_shape=(4,), dtype=torch.float32
    )
    expected = rounded.field_slope + 0.5 * rounded.per_step
    assert rounded.field_slope > 4 * 2.0**-24
    assert expected <= float(rounded.per_norm) <= expected * (1.0 + 1e-5)


def test_coefficients_are_those_that_are_stored() -> None:
    assert coefficient_error(Fraction(1, 2), torch.float32) == 0.0
    stored = Fraction(float(torch.tensor(1 / 3, dtype=torch.float32)))
    error = Fraction(coefficient_error(Fraction(1, 3), torch.float32))
    assert abs(stored - Fraction(1, 3)) <= error <= abs(stored - Fraction(1, 3)) * Fraction(1001, 1000)
    assert 0.0 < coefficient_error(Fraction(1, 3), torch.float64) < 1e-16


class Unknown(nn.Module):
    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        return -state


def test_what_cannot_be_bounded_is_refused() -> None:
    known = {
        "state_norm": torch.ones(1, dtype=torch.float64), "speed": torch.ones(1, dtype=torch.float64),
        "constants": FlowConstants(lipschitz=number(1.0), one_sided=number(0.0)), "input_shape": (4,),
        "dtype": torch.float32,
    }  # fmt: skip
    with pytest.raises(LayerRefusedError, match="Unknown"):
        solve_rounding(NeuralODE(Unknown(), 1.0, max_step_size=0.1), **known)
    net = NeuralODE(gradient_flow(torch.zeros(4, dtype=torch.float64), 0), 1.0, max_step_size=0.1)
    with pytest.raises(ValueError, match="`norm_constants` must be given for `norm` = 'Linf'"):
        solve_rounding(net, **known, norm="Linf")
    with pytest.raises(ValueError, match="`max_step_size`, got None"):
        solve_rounding(NeuralODE(gradient_flow(torch.zeros(4, dtype=torch.float64), 0), 1.0), **known)
