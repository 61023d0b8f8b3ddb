"""Adaptive solves against the same method on a fixed grid, and the affine part of a field in L∞."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from benchmarks.adaptive_bounds import LIPSCHITZ, pairs_across_a_jump, wave
from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    HEUN_EULER,
    AbstractField,
    AutonomousField,
    Bound,
    ButcherTableau,
    DissipativeField,
    LinearField,
    NeuralODE,
    PIController,
    RungeKuttaNet,
    ScaledField,
    adaptive_affine_bound,
    diagonally_dominant_field,
    lipschitz_upper_bound,
    one_sided_lipschitz_upper_bound,
)
from natrob_theory.bounds.adaptive import FlowConstants, affine_part_in, fixed_grid
from natrob_theory.bounds.adaptive.fixed_grid import constants_of_flow, distance_from_fixed_grid, fixed_grid_form

PAIRS = (HEUN_EULER, BOGACKI_SHAMPINE, DOPRI5)


def number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def two_layers(seed: int, features: int = 4, hidden: int = 7) -> nn.Module:
    torch.manual_seed(seed)
    chain = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, features)).double()
    return DissipativeField(ScaledField(AutonomousField(chain), 0.7), 0.3)


def solve_on(sizes: list[float], field: Any, tableau: ButcherTableau, start: Tensor) -> Tensor:
    """What a solver returns that accepts these steps."""
    state, time = start, 0.0
    for size in sizes:
        state = RungeKuttaNet(field, size, 1, tableau=tableau, start_time=time)(state)
        time += size
    return state


@settings(max_examples=25)
@given(
    st.integers(0, 2**31),
    st.sampled_from(PAIRS),
    st.sampled_from(["L2", "Linf", "L1"]),
    st.floats(0.03, 1.0),
    st.floats(-7.0, 0.5),
    st.floats(-8.0, 0.0),
)
def test_no_adaptive_solve_is_farther_from_the_fixed_grid(
    seed: int, tableau: ButcherTableau, norm: Any, share: float, tolerance: float, size: float
) -> None:
    field = two_layers(seed)
    constants = constants_of_flow(
        field,
        (4,),
        lipschitz_upper_bound(field, input_shape=(4,), norm=norm),
        one_sided_lipschitz_upper_bound(field, input_shape=(4,), norm=norm),
    )
    net = NeuralODE(
        field, 1.3, tableau=tableau, rtol=10.0**tolerance, atol=10.0**tolerance, max_step_size=share,
        controller=PIController(safety=0.5 + 0.45 * share, beta=0.1 * share),
    )  # fmt: skip
    order = {"L2": 2.0, "Linf": math.inf, "L1": 1.0}[norm]
    start, shift = normal(8, 4, seed=seed), 10.0**size * normal(8, 4, seed=seed + 1)
    with torch.no_grad():
        measured = torch.linalg.vector_norm(net(start + shift) - fixed_grid_form(net)(start), ord=order, dim=1)
        speed = torch.linalg.vector_norm(field(number(0.0), start), ord=order, dim=1)
    distance = torch.linalg.vector_norm(shift, ord=order, dim=1)
    bound = distance_from_fixed_grid(net, constants, speed=speed, distance=distance, norm=norm)
    assert (measured <= bound + 1e-12).all()


def zigzag_between(one: list[float], other: list[float]) -> Any:
    """f = (1, w(y₁)) whose integrals over the two grids by Heun's method differ as much as slopes of ±K allow."""
    lipschitz, points = 1e-3, 20_001
    times = torch.linspace(0.0, sum(one), points, dtype=torch.float64)
    middles = 0.5 * (times[1:] + times[:-1])

    def kernel(sizes: list[float]) -> Tensor:
        """Of the error ∫ N w′: half of each step at its start and at its end, less the time that has passed."""
        ends = torch.tensor([0.0, *sizes], dtype=torch.float64).cumsum(0)
        place = torch.bucketize(middles, ends).clamp(1, len(sizes))
        step = torch.tensor(sizes, dtype=torch.float64)[place - 1]
        return 0.5 * step - (middles - ends[place - 1])

    slopes = lipschitz * torch.sign(kernel(one) - kernel(other))
    values = torch.cat([torch.zeros(1, dtype=torch.float64), (slopes * times.diff()).cumsum(0)])

    def field(_time: Tensor, state: Tensor) -> Tensor:
        at = state[:, 0].clamp(0.0, float(times[-1])) / times[1]
        place = at.floor().long().clamp(0, points - 2)
        height = values[place] + (at - place) * times[1] * slopes[place]
        return torch.stack([torch.ones_like(height), height], dim=1)

    return field, lipschitz


@pytest.mark.parametrize(
    ("dropped", "exceeded"), [("", False), ("one percent", True), ("own", True), ("fixed", True), ("all", True)]
)
def test_the_zigzag_attains_it_on_shifted_grids(dropped: str, exceeded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a step first and half a step last: both errors are as large as they can be, with opposite signs."""
    step, steps = 0.01, 400
    fixed, shifted = [step] * steps, [0.5 * step, *[step] * (steps - 1), 0.5 * step]
    field, lipschitz = zigzag_between(fixed, shifted)
    net = NeuralODE(field, step * steps, tableau=HEUN_EULER, max_step_size=step)
    start = torch.zeros((1, 2), dtype=torch.float64)
    with torch.no_grad():
        there, here = solve_on(shifted, field, HEUN_EULER, start), fixed_grid_form(net)(start)
    measured = float((there - here).abs().max())
    if dropped in ("own", "fixed", "all"):
        calls = iter([dropped in ("own", "all"), dropped in ("fixed", "all")])
        known = fixed_grid.any_flow_error
        monkeypatch.setattr(fixed_grid, "any_flow_error", lambda *given: known(*given) * (0.0 if next(calls) else 1.0))
    bound = distance_from_fixed_grid(
        net, FlowConstants(lipschitz=number(lipschitz), one_sided=number(lipschitz)), speed=number(1.0)[None],
        distance=number(0.0)[None], norm="Linf",
    )  # fmt: skip
    assert (measured > (0.99 if dropped == "one percent" else 1.0) * float(bound)) is exceeded


@pytest.mark.parametrize(("factor", "exceeded"), [(1.0, False), (0.99, True)])
def test_far_starts_are_carried_by_the_flow(factor: float, exceeded: bool) -> None:
    """y′ = y: e^{T}d is all there is for a large d."""
    field = LinearField(torch.eye(1, dtype=torch.float64))
    net = NeuralODE(field, 0.5, max_step_size=0.01)
    one = Bound(value=1.0, kind="upper", norm="Linf")
    constants = constants_of_flow(field, (1,), one, one)
    start, shift = torch.ones((1, 1), dtype=torch.float64), torch.full((1, 1), 1e4, dtype=torch.float64)
    with torch.no_grad():
        measured = float((net(start + shift) - fixed_grid_form(net)(start)).abs())
    bound = distance_from_fixed_grid(net, constants, speed=number(1.0)[None], distance=shift[0], norm="Linf")
    assert (measured > factor * float(bound)) is exceeded


def test_jumps_between_accepted_and_rejected_steps_stay_inside() -> None:
    net = NeuralODE(wave, 2.0, rtol=1e-4, atol=1e-4, max_step_size=0.25, tableau=BOGACKI_SHAMPINE)
    starts, shift = pairs_across_a_jump(net)
    constants = FlowConstants(lipschitz=number(LIPSCHITZ), one_sided=number(LIPSCHITZ))
    grid = fixed_grid_form(net)
    with torch.no_grad():
        speed = wave(number(0.0), starts).abs()[:, 0]
        bound = distance_from_fixed_grid(net, constants, speed=speed, distance=shift.abs()[:, 0], norm="Linf")
        for ends in (net(starts), net(starts + shift)):
            assert ((ends - grid(starts)).abs()[:, 0] <= bound).all()


def test_the_grid_has_the_fewest_steps_that_keep_the_cap_and_ends_at_the_same_time() -> None:
    for cap, steps in ((0.5, 2), (0.3, 4), (1.0, 1), (0.05, 20)):
        grid = fixed_grid_form(NeuralODE(two_layers(0), 1.5, start_time=0.5, max_step_size=cap))
        assert grid.num_steps == steps
        assert grid.step_size <= cap
        assert grid.step_size * steps == pytest.approx(1.0, rel=1e-15)
    with pytest.raises(ValueError, match="max_step_size"):
        fixed_grid_form(NeuralODE(two_layers(0)))
    with pytest.raises(TypeError, match="NeuralODE"):
        fixed_grid_form(RungeKuttaNet(two_layers(0), 0.1, 2))  # type: ignore[arg-type]


def test_constants_that_are_no_upper_bounds_or_of_two_norms_are_refused() -> None:
    upper, lower = (Bound(value=1.0, kind=kind, norm="Linf") for kind in ("upper", "lower"))
    with pytest.raises(ValueError, match="upper"):
        constants_of_flow(two_layers(0), (4,), upper, lower)
    with pytest.raises(ValueError, match="one norm"):
        constants_of_flow(two_layers(0), (4,), upper, Bound(value=1.0, kind="upper", norm="L2"))


@settings(max_examples=20)
@given(st.integers(0, 2**31), st.floats(-6.0, 2.0))
def test_the_remainder_in_linf_is_lipschitz_with_its_constant(seed: int, size: float) -> None:
    field = two_layers(seed)
    affine = affine_part_in("Linf", field, (4,))
    assert affine is not None
    chain = field.field.field.module  # type: ignore[union-attr]
    first, second = (layer for layer in chain.children() if isinstance(layer, nn.Linear))  # type: ignore[union-attr]
    linear = 0.7 * 0.5 * second.weight @ first.weight - 0.3 * torch.eye(4, dtype=torch.float64)
    y, e = 3.0 * normal(200, 4, seed=seed), 10.0**size * normal(200, 4, seed=seed + 1)
    with torch.no_grad():
        rest = field(number(0.0), y + e) - field(number(0.0), y) - e @ linear.T
        row_sum = float(linear.abs().sum(dim=1).max())
    assert (rest.abs().amax(1) <= float(affine.remainder) * e.abs().amax(1) + 1e-13).all()
    assert row_sum <= float(affine.linear)


@pytest.mark.parametrize(("factor", "exceeded"), [(1.0, False), (0.99, True)])
def test_one_unit_attains_the_remainder(factor: float, exceeded: bool) -> None:
    """relu(2u)·3 = 3u + 3|u|: the affine part has norm 3, the remainder constant 3."""
    first, second = nn.Linear(1, 1).double(), nn.Linear(1, 1).double()
    chain = nn.Sequential(first, nn.ReLU(), second)
    with torch.no_grad():
        for layer, weight in ((first, 2.0), (second, 3.0)):
            layer.weight.fill_(weight)
            layer.bias.zero_()
    affine = affine_part_in("Linf", AutonomousField(chain), (1,))
    assert affine is not None
    assert float(affine.linear) == pytest.approx(3.0, rel=1e-14)
    assert (factor * float(affine.remainder) < 3.0) is exceeded


def test_a_linear_field_has_no_remainder_and_an_unknown_one_no_affine_part() -> None:
    class Unknown(AbstractField):
        def forward(self, _time: Tensor, state: Tensor) -> Tensor:
            return -state

    affine = affine_part_in("Linf", LinearField(torch.eye(3, dtype=torch.float64)), (3,))
    assert affine is not None
    assert float(affine.remainder) == 0.0
    assert affine_part_in("Linf", Unknown(), (3,)) is None
    assert affine_part_in("L1", two_layers(0), (4,)) is None


def test_the_affine_part_halves_the_bound_of_a_contractive_field() -> None:
    torch.manual_seed(0)
    field = diagonally_dominant_field(6, 12, rate=1.0, margin=0.2).double()
    net = NeuralODE(field, 1.0, tableau=HEUN_EULER, max_step_size=0.02)
    known = [bound_of(field, norm="Linf") for bound_of in (_lipschitz, _one_sided)]
    start = normal(4, 6, seed=0)
    plain = adaptive_affine_bound(net, start, lipschitz=known[0], one_sided=known[1], norm="Linf")
    general = _general_error(net, start, known)
    assert (torch.as_tensor(plain.constant) < 0.6 * general).all()


def _lipschitz(field: nn.Module, *, norm: Any) -> Bound:
    return lipschitz_upper_bound(field, input_shape=(6,), norm=norm)


def _one_sided(field: nn.Module, *, norm: Any) -> Bound:
    return one_sided_lipschitz_upper_bound(field, input_shape=(6,), norm=norm)


def _general_error(net: NeuralODE, start: Tensor, known: list[Bound]) -> Tensor:
    """The constant of the same field as a function, of which no part is known."""
    own = net.field

    def unknown(time: Tensor, state: Tensor) -> Tensor:
        return own(time, state)

    other = NeuralODE(unknown, 1.0, tableau=HEUN_EULER, max_step_size=0.02)
    bound = adaptive_affine_bound(other, start, lipschitz=known[0], one_sided=known[1], norm="Linf")
    return torch.as_tensor(bound.constant)
