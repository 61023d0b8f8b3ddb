"""Where steps end: `max_step_size` holds for every step really taken, and steps meet chosen times exactly."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    FEHLBERG45,
    HEUN_EULER,
    ButcherTableau,
    NeuralODE,
    PIController,
    SolveRecord,
    broadcast_time,
)
from natrob_theory.adaptive import SolveSettings, embedded_method
from natrob_theory.adaptive.step_ends import StepPlanner
from natrob_theory.fields import RowUse

PAIRS = [DOPRI5, FEHLBERG45, BOGACKI_SHAMPINE, HEUN_EULER]


def decay(_time: Tensor, state: Tensor) -> Tensor:
    return -0.1 * state


def wave(time: Tensor, state: Tensor) -> Tensor:
    return torch.cos(3 * broadcast_time(time, state)) * torch.sin(state) - 0.5 * state


def start(batch: int = 4, width: int = 3) -> Tensor:
    return torch.randn(batch, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def record_of(net: NeuralODE) -> SolveRecord:
    assert net.last_solve is not None
    return net.last_solve


def require_capped(record: SolveRecord, largest: float, dtype: torch.dtype) -> None:
    """Every step at most `largest`: as an exact difference, in float64, and in the state's dtype."""
    for sample in record.times.T.tolist():
        for time, later in pairwise(sample):
            assert abs(Fraction(later) - Fraction(time)) <= Fraction(largest)
            step = torch.tensor(later, dtype=torch.float64) - torch.tensor(time, dtype=torch.float64)
            assert abs(float(step)) <= largest
            assert abs(float(step.to(dtype))) <= largest


@given(
    largest=st.floats(1e-3, 2.0),
    start_time=st.floats(-3.0, 3.0),
    span=st.floats(0.05, 3.0),
    backward=st.booleans(),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    tableau=st.sampled_from(PAIRS),
    tolerance=st.sampled_from([1.0, 1e-2, 1e-4]),
)
def test_no_step_is_longer_than_the_cap(
    largest: float,
    start_time: float,
    span: float,
    *,
    backward: bool,
    dtype: torch.dtype,
    tableau: ButcherTableau,
    tolerance: float,
) -> None:
    end_time = start_time - span if backward else start_time + span
    largest = min(max(largest, span / 20), abs(end_time - start_time))
    net = NeuralODE(
        decay, end_time, start_time=start_time, max_step_size=largest, rtol=tolerance, atol=tolerance, tableau=tableau
    )
    net(start(2).to(dtype))
    record = record_of(net)
    require_capped(record, largest, dtype)
    assert record.times[-1].tolist() == [end_time] * 2
    assert int(record.accepted[0]) * Fraction(largest) >= abs(Fraction(end_time) - Fraction(start_time))


@pytest.mark.parametrize("end_time", [4.0, -4.0])
@pytest.mark.parametrize("largest", [0.1, 1 / 3, 1e-3])
def test_the_farthest_end_of_a_step_is_exact(end_time: float, largest: float) -> None:
    """The last number of float64 whose exact distance is at most the cap; the rounded sum is often beyond it."""
    settings = SolveSettings(
        start_time=0.0, end_time=end_time, rtol=1.0, atol=1.0, max_num_steps=1, max_step_size=largest
    )
    planner = StepPlanner(settings, torch.zeros(1, 1, dtype=torch.float64), 0.1)
    times = torch.rand(500, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 0.5 * end_time
    ends = planner.ends(times, torch.full_like(times, 2 * largest), None).time
    beyond = torch.nextafter(ends, torch.full_like(ends, end_time))
    rounded = 0
    for time, end, next_one in zip(times.tolist(), ends.tolist(), beyond.tolist(), strict=True):
        assert abs(Fraction(end) - Fraction(time)) <= Fraction(largest)
        assert abs(Fraction(next_one) - Fraction(time)) > Fraction(largest)
        rounded += abs(Fraction(time + math.copysign(largest, end_time)) - Fraction(time)) > Fraction(largest)
    assert rounded > 20


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("ratio", [1.0, 1.02, 1.04, 1.06, 1.96, 3.04])
def test_a_stretched_last_step_keeps_to_the_cap(dtype: torch.dtype, ratio: float) -> None:
    """Without a cap a last step may be 5 % longer than proposed."""
    largest = 0.1
    net = NeuralODE(decay, ratio * largest, max_step_size=largest, rtol=1.0, atol=1.0)
    net(start(1).to(dtype))
    require_capped(record_of(net), largest, dtype)


def test_a_step_that_float32_would_round_up_keeps_to_the_cap() -> None:
    """0.1 rounds up to float32: the largest step is then the float32 number below it."""
    assert float(torch.tensor(0.1)) > 0.1
    net = NeuralODE(decay, 1.0, max_step_size=0.1, rtol=1.0, atol=1.0)
    net(start(1).float())
    steps = record_of(net).times.diff(dim=0)
    assert float(steps.float().double().max()) <= 0.1
    assert float(steps.max()) == pytest.approx(0.1, rel=1e-6)


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
def test_the_cap_holds_in_the_steps_that_are_computed(tableau: ButcherTableau, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rejected trials, steps between jumps and outputs, and steps to an event among them; h is that of the record."""
    tried: list[Tensor] = []
    trial = embedded_method.EmbeddedMethod.trial

    def noted(self, field, time, step, state, slope, **settings):
        tried.append(step.to(state.dtype))
        return trial(self, field, time, step, state, slope, **settings)

    monkeypatch.setattr(embedded_method.EmbeddedMethod, "trial", noted)
    net = NeuralODE(
        lambda t, y: torch.where(broadcast_time(t, y) < 1.3, wave(t, y), -30 * y), 2.0, tableau=tableau,
        max_step_size=0.07, jump_times=[0.5, 1.3], rtol=1e-5, atol=1e-5,
        controller=PIController(largest_factor=50.0),
    )  # fmt: skip
    net.trajectory((3 * start()).float(), times=[0.31, 0.32, 1.999])
    assert int(record_of(net).rejected.max()) > 0
    assert max(float(step.double().abs().max()) for step in tried) <= 0.07
    require_capped(record_of(net), 0.07, torch.float32)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
def test_a_cap_costs_no_evaluations_beyond_the_stages(tableau: ButcherTableau, dtype: torch.dtype) -> None:
    """Where every step is accepted: two for the start, then the stages that are not the slope at the step's start."""
    seen: list[int] = []

    def counted(_time: Tensor, state: Tensor) -> Tensor:
        seen.append(len(state))
        return -0.1 * state

    net = NeuralODE(counted, 1.0, max_step_size=1 / 16, rtol=1.0, atol=1.0, tableau=tableau)
    net._row_use[1] = RowUse.ANY_BATCH  # it is found out by evaluations before the first solve
    net(start(1).to(dtype))
    record = record_of(net)
    steps = int(record.accepted[0])
    reuses = tableau.a[-1] == tableau.b
    assert steps == 16
    assert int(record.rejected[0]) == 0
    assert len(seen) == int(record.evaluations[0]) == 2 + steps * (tableau.stages - 1) + (0 if reuses else steps - 1)


@pytest.mark.parametrize("span", [1.0, -0.5])
def test_a_cap_beyond_the_time_span_is_refused(span: float) -> None:
    NeuralODE(decay, 2.0 + span, start_time=2.0, max_step_size=abs(span))
    with pytest.raises(ValueError, match=rf"`max_step_size` must be at most .* {abs(span):g}.* got {2 * abs(span):g}"):
        NeuralODE(decay, 2.0 + span, start_time=2.0, max_step_size=2 * abs(span))


def test_a_cap_that_finds_a_pulse() -> None:
    """The pulse of area 1 on [5, 5.01] is missed by long steps and found by short ones."""

    def pulse(time: Tensor, state: Tensor) -> Tensor:
        moment = broadcast_time(time, state)
        return torch.where((moment >= 5) & (moment < 5.01), 100.0, 0.0) + 0 * state

    net = NeuralODE(pulse, 10.0, rtol=1e-6, atol=1e-6, max_step_size=0.005)
    assert net(torch.zeros(1, 1, dtype=torch.float64)).item() == pytest.approx(1.0, abs=1e-4)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("cap", "error"), [(0.0, ValueError), (-1.0, ValueError), (math.nan, ValueError), ("1", TypeError)]
)
def test_a_cap_must_be_a_positive_number(cap: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="`max_step_size`"):
        NeuralODE(decay, max_step_size=cap)  # type: ignore[arg-type]


def test_a_cap_below_the_resolution_of_time_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`max_step_size` must be at least .*the resolution of t"):
        NeuralODE(decay, 1e6, max_step_size=1e-12)(start())
    with pytest.raises(ValueError, match=r"above the smallest number of torch\.float16"):
        NeuralODE(decay, 1.0, max_step_size=1e-9)(start().half())


@pytest.mark.parametrize("tableau", PAIRS, ids=lambda tableau: tableau.name)
@pytest.mark.parametrize(("start_time", "end_time"), [(0.0, 2.0), (2.0, 0.0), (-1.0, 1.0)])
def test_chosen_times_are_met_by_steps(tableau: ButcherTableau, start_time: float, end_time: float) -> None:
    times = [start_time + share * (end_time - start_time) for share in (0.0, 0.1, 0.1001, 0.7, 1.0)]
    tolerance = 1e-6 if tableau is HEUN_EULER else 1e-9
    net = NeuralODE(wave, end_time, start_time=start_time, rtol=tolerance, atol=tolerance, tableau=tableau)
    chosen = net.trajectory(start(), times=times)
    record = record_of(net)
    assert chosen.times.tolist() == times
    assert chosen.states.shape == (5, 4, 3)
    for time in times:
        assert bool((record.times == time).any(dim=0).all())
    assert torch.equal(chosen.states[0], start())
    for time, state in zip(times[1:], chosen.states[1:], strict=True):
        alone = NeuralODE(wave, time, start_time=start_time, rtol=tolerance, atol=tolerance, tableau=tableau)(start())
        torch.testing.assert_close(state, alone, rtol=1000 * tolerance, atol=1000 * tolerance)


def test_chosen_times_do_not_depend_on_the_batch_and_have_gradients() -> None:
    net, y0 = NeuralODE(wave, 2.0), (3 * start()).requires_grad_()
    together = net.trajectory(y0, times=torch.tensor([0.5, 1.5])).states
    alone = torch.cat([net.trajectory(row[None], times=[0.5, 1.5]).states for row in y0], dim=1)
    assert torch.equal(together, alone)
    (gradient,) = torch.autograd.grad(together[0].sum(), y0)
    (expected,) = torch.autograd.grad(NeuralODE(wave, 0.5, rtol=1e-8, atol=1e-8)(y0).sum(), y0)
    torch.testing.assert_close(gradient, expected, rtol=1e-2, atol=1e-2)


def test_a_step_to_a_chosen_time_does_not_make_the_next_ones_small() -> None:
    net = NeuralODE(decay, 100.0, rtol=1e-6, atol=1e-6)
    net(start())
    free = record_of(net).accepted
    net.trajectory(start(), times=[50.0, 50.0 + 1e-6])
    assert bool((record_of(net).accepted <= free + 4).all())


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([], "`times` must hold at least one time"),
        ([0.5, 0.2], "`times` must go strictly from `start_time` towards `end_time`"),
        ([0.5, 0.5], "`times` must go strictly"),
        ([-0.1], "`times` must lie between t = 0 and t = 1"),
        ([math.nan], "`times` must be finite"),
        (torch.zeros(2, 1), "`times` must have one axis"),
    ],
)
def test_chosen_times_are_checked(times: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NeuralODE(decay).trajectory(start(), times=times)  # type: ignore[arg-type]


def test_torchdiffeq_has_no_chosen_times_and_no_cap() -> None:
    with pytest.raises(ValueError, match=r'`times` must be None with `solver` = "torchdiffeq"'):
        NeuralODE(decay, solver="torchdiffeq").trajectory(start(), times=[1.0])
    for settings in ({"max_step_size": 0.1}, {"jump_times": [0.5]}, {"rtol": torch.ones(3)}, {"event": len}):
        with pytest.raises(ValueError, match=r'`solver` = "torchdiffeq" goes forward in time'):
            NeuralODE(decay, solver="torchdiffeq", **settings)  # type: ignore[arg-type]
