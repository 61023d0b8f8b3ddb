"""Errors of whole solves against the exact flow: on the grid on record, and on every grid with steps of at most H."""

import math
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    EULER,
    FEHLBERG45,
    HEUN,
    HEUN_EULER,
    TABLEAUS,
    ButcherTableau,
    NeuralODE,
)
from natrob_theory.bounds.adaptive import (
    FlowConstants,
    any_flow_error,
    error_rate,
    local_error,
    recorded_flow_error,
    recorded_solve,
)
from natrob_theory.checks import ZigzagField


def number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def constants(lipschitz: float, one_sided: float) -> FlowConstants:
    return FlowConstants(lipschitz=number(lipschitz), one_sided=number(one_sided))


@pytest.mark.parametrize("mu", [-1.0, 0.0, 2.0])
def test_the_sum_over_a_recorded_grid_in_closed_form(mu: float) -> None:
    """Heun's ℓ(h) = 2h²(1/4 + h/2)e^{max(μ,0)h} for K = 2, each step weighted by the time that is left."""
    times = torch.tensor([[0.0, 0.0], [0.25, 0.5], [1.0, 0.75], [1.0, 1.0]], dtype=torch.float64)
    speeds = torch.tensor([[3.0, 1.0], [2.0, 0.0], [5.0, 4.0]], dtype=torch.float64)
    expected = []
    for sample in range(2):
        total = 0.0
        for j in range(3):
            h = float(times[j + 1, sample] - times[j, sample])
            local = 2 * h * h * (0.25 + 0.25 * 2 * h) * math.exp(max(mu, 0.0) * h)
            total += math.exp(mu * (1.0 - float(times[j + 1, sample]))) * local * float(speeds[j, sample])
        expected.append(total)
    found = recorded_flow_error(HEUN, times, speeds, constants(2.0, mu))
    exact = torch.tensor(expected, dtype=torch.float64)
    torch.testing.assert_close(found, exact, rtol=1e-12, atol=0.0)
    assert (found >= exact * (1 - 1e-15)).all()


@pytest.mark.parametrize("x", [0.1, 1.0])
def test_a_contracting_flow_needs_the_step_in_its_exponent(x: float) -> None:
    """Euler on y′ = −Ky with h = T: above the closed form without e^{|μ|H}, below it with."""
    error, speed = abs(1 - x - math.exp(-x)), x
    rate = 0.5 * x  # ℓ(H)/H for K = x, H = T = 1
    without = math.exp(-x) * speed * math.expm1(rate * x) / x
    assert error > 1.05 * without
    assert error <= speed * float(any_flow_error(EULER, 1.0, 1.0, constants(x, -x)))
    grid = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    recorded = recorded_flow_error(EULER, grid, torch.tensor([[speed]], dtype=torch.float64), constants(x, -x))
    assert error <= float(recorded)


def worst_of_grid(tableau: ButcherTableau, steps: list[float], known: FlowConstants) -> float:
    """The recursion E ← e^{μh}E + ℓ(h)(e^{μt} + KE) for v(z_0) = 1: no error on this grid is larger by these bounds."""
    mu, time, error = float(known.one_sided), 0.0, 0.0
    for h in steps:
        speed = math.exp(mu * time) + float(known.lipschitz) * error
        error = math.exp(mu * h) * error + float(local_error(tableau, number(h), known)) * speed
        time += h
    return error


grids = st.lists(st.floats(0.05, 1.0), min_size=1, max_size=12)


@given(grids, st.floats(0.01, 2.0), st.floats(-1.0, 1.0), st.sampled_from(TABLEAUS))
def test_the_closed_form_covers_every_grid(
    shares: list[float], constant: float, sign: float, tableau: ButcherTableau
) -> None:
    largest = 0.3
    steps, known = [largest * share for share in shares], constants(constant, sign * constant)
    found = any_flow_error(tableau, largest, math.fsum(steps), known)
    assert worst_of_grid(tableau, steps, known) <= float(found) * (1 + 1e-12)


@pytest.mark.parametrize(("factor", "exceeded"), [(1.0, False), (0.99, True)])
@pytest.mark.parametrize("mu", [0.0, 1.0])
def test_the_closed_form_is_tight_for_many_small_steps(mu: float, factor: float, exceeded: bool) -> None:
    steps, known = [1e-3] * 500, constants(1.0, mu)
    assert (worst_of_grid(HEUN, steps, known) > factor * float(any_flow_error(HEUN, 1e-3, 0.5, known))) is exceeded


def zigzag_solve(tableau: ButcherTableau, largest: float, duration: float) -> tuple[NeuralODE, ZigzagField]:
    """Every step is H: the tolerances are so loose that nothing else limits it."""
    field = ZigzagField(tableau, largest, 1.0)
    net = NeuralODE(field, duration, tableau=tableau, max_step_size=largest, rtol=1e3, atol=1e3)
    return net, field


@pytest.mark.parametrize(("factor", "exceeded"), [(1.0, False), (0.99, True)])
@pytest.mark.parametrize(
    "tableau", [HEUN_EULER, BOGACKI_SHAMPINE, DOPRI5, FEHLBERG45], ids=lambda tableau: tableau.name
)
def test_a_solve_across_zigzags_attains_both_errors(tableau: ButcherTableau, factor: float, exceeded: bool) -> None:
    """KT = 2⁻⁹ in 32 steps of a real adaptive solve: E_clean and E_any are the solve's error but for 1 %."""
    largest, duration = 2.0**-14, 2.0**-9
    net, field = zigzag_solve(tableau, largest, duration)
    start = torch.zeros(1, 2, dtype=torch.float64)
    solve = recorded_solve(net, start)
    assert torch.equal(solve.times.diff(dim=0), torch.full((32, 1), largest, dtype=torch.float64))
    error = float((solve.states[-1] - field.flow(start, duration)).norm())
    known = constants(1.0, 0.5)
    clean = float(recorded_flow_error(tableau, solve.times, solve.speeds[:-1], known))
    other = float(any_flow_error(tableau, largest, duration, known) * solve.speeds[0])
    for bound in (clean, other):
        assert (error > factor * bound) is exceeded
    assert clean <= other


def test_known_grids_are_never_worse_than_unknown_ones_at_equal_speeds() -> None:
    times = torch.linspace(0, 1, 11, dtype=torch.float64)[:, None]
    speeds = torch.ones(10, 1, dtype=torch.float64)
    known = constants(1.5, 0.0)
    assert float(recorded_flow_error(HEUN, times, speeds, known)) < float(any_flow_error(HEUN, 0.1, 1.0, known))


def test_a_constant_field_has_no_error() -> None:
    still = constants(0.0, 0.0)
    assert float(any_flow_error(HEUN, 0.5, 1.0, still)) == 0.0
    times = torch.tensor([[0.0], [0.5], [1.0]], dtype=torch.float64)
    assert float(recorded_flow_error(HEUN, times, torch.ones(2, 1, dtype=torch.float64), still)) == 0.0


def test_overflow_is_infinite_and_rest_is_rest() -> None:
    wild = constants(1e6, 1e6)
    assert float(any_flow_error(HEUN, 1.0, 1.0, wild)) == math.inf
    times = torch.tensor([[0.0, 0.0], [0.5, 0.0], [1.0, 1.0]], dtype=torch.float64)
    found = recorded_flow_error(HEUN, times, torch.tensor([[1.0, 0.0], [1.0, 0.0]], dtype=torch.float64), wild)
    assert found.tolist() == [math.inf, 0.0]
    assert float(error_rate(HEUN, 1.0, wild)) > 0


def test_times_and_speeds_must_fit() -> None:
    times = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    with pytest.raises(ValueError, match=re.escape("`speeds` must hold one entry per step, 1, got 2")):
        recorded_flow_error(HEUN, times, torch.ones(2, 1, dtype=torch.float64), constants(1.0, 0.0))
    with pytest.raises(ValueError, match="`times` must not fall"):
        recorded_flow_error(HEUN, times.flip(0), torch.ones(1, 1, dtype=torch.float64), constants(1.0, 0.0))
