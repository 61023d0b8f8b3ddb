"""Time in a coarse dtype: the right number, or a refusal that names the dtype, for every network."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    FEHLBERG45,
    BackwardEulerNet,
    ButcherTableau,
    EulerNet,
    FractalNet,
    HeunNet,
    IntegrationError,
    IntegrationWarning,
    LinearField,
    NeuralODE,
    PolyNet,
    RevNet,
    RungeKuttaNet,
    SolveStatus,
    broadcast_time,
    measure_divergence,
)
from natrob_theory.networks import AbstractFixedStepNet

FAR = 2.0**25
Build = Callable[..., AbstractFixedStepNet]

NETWORKS: dict[str, tuple[Build, float]] = {
    "euler": (EulerNet, 0.495),
    "heun": (HeunNet, 0.5),
    "runge-kutta": (RungeKuttaNet, 0.5),
    "backward euler": (BackwardEulerNet, 0.505),
    "polynet": (lambda *a, **k: PolyNet(*a, order=1, **k), 0.495),
    "fractalnet": (FractalNet, 0.0099),
    "revnet": (lambda f, *a, **k: RevNet((f, f), *a, **k), 0.495),
}


def since(start_time: float) -> Callable[[Tensor, Tensor], Tensor]:
    """f = t − t₀, whose integral over [t₀, t₀ + 1] is ½."""
    return lambda time, state: (broadcast_time(time, state) - start_time) + 0 * state


@pytest.mark.parametrize("name", NETWORKS)
def test_a_fixed_grid_far_from_0_is_right_in_float64_and_refused_in_float32(name: str) -> None:
    build, right = NETWORKS[name]
    net = build(since(FAR), 0.01, 100, start_time=FAR)
    assert net(torch.zeros(1, 2, dtype=torch.float64)).flatten().tolist() == pytest.approx([right] * 2, rel=1e-6)
    coarse, refusal = torch.zeros(1, 2), r"torch\.float32 cannot tell the times of steps of size 0\.01 apart"
    for run in (net, net.trajectory, lambda y: measure_divergence(net, y, torch.ones_like(y))):
        with pytest.raises(ValueError, match=refusal):
            run(coarse)
    step = net.plan_for(coarse)[0]
    with pytest.raises(ValueError, match=refusal):
        net.stepper.step(step.field, step.time, coarse, step.step_size)


def outcome(net: torch.nn.Module, y0: Tensor) -> float | str:
    """The result of one entry, or the message of the refusal."""
    try:
        return float(net(y0))
    except (ValueError, IntegrationError) as refusal:
        return str(refusal)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_field_without_time_takes_its_steps_anywhere(name: str) -> None:
    build, _ = NETWORKS[name]
    field = LinearField(-torch.eye(1 if name == "revnet" else 2))
    state = torch.ones(3, 2)
    assert torch.equal(build(field, 0.01, 10, start_time=FAR)(state), build(field, 0.01, 10)(state))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("exponent", range(0, 60, 4))
def test_a_fixed_grid_is_never_wrong(dtype: torch.dtype, exponent: int) -> None:
    """Right up to a share of the dtype's own spacing of states and a quarter of the step's spread, or refused."""
    start_time = 2.0**exponent
    result = outcome(EulerNet(since(start_time), 0.01, 100, start_time=start_time), torch.zeros(1, 1, dtype=dtype))
    if isinstance(result, str):
        assert "cannot tell the times" in result
        assert start_time * torch.finfo(dtype).eps > 1e-3
    else:
        assert result == pytest.approx(0.495, rel=0.01 + 20 * torch.finfo(dtype).eps)


def test_times_that_a_coarse_dtype_holds_exactly_are_taken() -> None:
    """Steps of 4 from 2²⁵ on are numbers of float32."""
    net = EulerNet(since(FAR), 4.0, 10, start_time=FAR)
    assert float(net(torch.zeros(1, 1))) == 4.0 * sum(range(0, 40, 4))
    with pytest.raises(ValueError, match=r"torch\.float32 cannot tell"):
        HeunNet(since(FAR + 2), 4.0, 10, start_time=FAR + 2)(torch.zeros(1, 1))


def test_a_grid_that_float64_cannot_tell_apart_is_refused() -> None:
    with pytest.raises(ValueError, match=r"torch\.float64 cannot tell"):
        EulerNet(since(2.0**53), 0.25, 8, start_time=2.0**53)(torch.zeros(1, 1, dtype=torch.float64))


def test_the_inverse_of_a_revnet_is_refused_as_its_steps_are() -> None:
    field = since(FAR)
    net = RevNet((field, field), 0.01, 3, start_time=FAR)
    with pytest.raises(ValueError, match=r"torch\.float32 cannot tell"):
        net.inverse(torch.zeros(1, 2))


@pytest.mark.parametrize("tableau", [DOPRI5, FEHLBERG45, BOGACKI_SHAMPINE], ids=lambda tableau: tableau.name)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("exponent", [*range(0, 56, 4), 17, 18])
@pytest.mark.parametrize("backward", [False, True])
def test_an_adaptive_solve_is_never_wrong(
    tableau: ButcherTableau, dtype: torch.dtype, exponent: int, *, backward: bool
) -> None:
    """Within a few tolerances of ½, or refused; in float32 the refusals begin where its spacing exceeds 10⁻³."""
    zero = 2.0**exponent
    times = (zero + 1, zero) if backward else (zero, zero + 1)
    net = NeuralODE(since(zero), times[1], start_time=times[0], tableau=tableau)
    result = outcome(net, torch.zeros(1, 1, dtype=dtype))
    if isinstance(result, str):
        assert SolveStatus.TIME_RESOLUTION.reason in result
        assert "use float64 states, or shift the time" in result
        assert zero * torch.finfo(dtype).eps > 1e-3
    else:
        assert result == pytest.approx(-0.5 if backward else 0.5, abs=5e-3)


def test_a_field_without_time_is_solved_anywhere() -> None:
    near = NeuralODE(lambda _t, y: -y, 1.0)(torch.ones(2, 1))
    far = NeuralODE(lambda _t, y: -y, FAR + 1, start_time=FAR)(torch.ones(2, 1))
    torch.testing.assert_close(far, near, rtol=1e-3, atol=1e-4)


def test_only_the_sample_that_needs_finer_times_fails() -> None:
    """Above 1 the field oscillates in time, below it ignores it in value; both look at t."""

    def field(time: Tensor, state: Tensor) -> Tensor:
        return torch.where(state > 1, 100 * torch.cos(300 * broadcast_time(time, state)), -0.1 * state)

    net = NeuralODE(field, 1e4 + 0.5, start_time=1e4, on_failure="warn", rtol=1e-4, atol=1e-4)
    with pytest.warns(IntegrationWarning, match="1 of 2 samples stopped"):
        result = net(torch.tensor([[0.5], [50.0]]))
    record = net.last_solve
    assert record is not None
    assert record.status == (SolveStatus.REACHED_END, SolveStatus.TIME_RESOLUTION)
    assert float(result[0]) == pytest.approx(0.5 * 0.951229, rel=1e-3)
    assert bool(torch.isnan(result[1]).all())


def test_torchdiffeq_s_grid_is_held_to_the_same() -> None:
    net = NeuralODE(since(FAR), FAR + 1, start_time=FAR, solver="torchdiffeq")
    with pytest.raises(ValueError, match=r"torch\.float32 cannot tell"):
        net(torch.zeros(1, 1))
    assert float(net(torch.zeros(1, 1, dtype=torch.float64))) == pytest.approx(0.5, rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_right_or_refused(dtype: torch.dtype) -> None:
    """At tolerances below its rounding a step may leave the state where it was: the start instead of the end."""
    y0 = torch.ones(2, 2, dtype=dtype)
    for tolerance in (1e-7, 1e-4, float(torch.finfo(dtype).eps) / 2.01):
        with pytest.raises(ValueError, match=rf"`rtol` must be at least .* rounds states of {dtype}"):
            NeuralODE(lambda _t, y: -y, 1.0, rtol=tolerance, atol=tolerance)(y0)
    for tolerance in (float(torch.finfo(dtype).eps), 0.02):
        result = NeuralODE(lambda _t, y: -y, 1.0, rtol=tolerance, atol=tolerance)(y0)
        assert result.dtype == dtype
        assert result.float().flatten().tolist() == pytest.approx([0.3679] * 4, abs=2 * tolerance)
