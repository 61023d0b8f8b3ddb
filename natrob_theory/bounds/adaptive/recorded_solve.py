"""A solve with its states and the speeds ‖f(y_j)‖ there: what the error on its own grid is computed from."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.adaptive import IntegrationError, SolveStatus, describe_failures
from natrob_theory.bounds.adaptive.solve_requirements import TimeDependentFieldError
from natrob_theory.fields import WatchedField, evaluate_field, field_name
from natrob_theory.networks import NeuralODE, Trajectory
from natrob_theory.numbers.argument_checks import require_choice
from natrob_theory.numbers.norms import NORMS, Norm, per_sample_norm
from natrob_theory.numbers.rounding import round_up


@dataclass(frozen=True, kw_only=True)
class RecordedSolve:
    """The clean solve.

    Attributes:
        times: t_0 ≤ … ≤ t_N = T of each sample, (points, batch); one that has ended repeats its last entry.
        states: y_0, …, y_N, (points, batch, *state), as computed.
        speeds: at least ‖f(y_j)‖ of the values of f as computed, in the norm asked for, (points, batch).
    """

    times: Float[Tensor, "points batch"]
    states: Float[Tensor, "points batch *state"]
    speeds: Float[Tensor, "points batch"]


@torch.no_grad()
def recorded_solve(
    net: NeuralODE, y0: Tensor, *, norm: Norm = "L2", trajectory: Trajectory | None = None
) -> RecordedSolve:
    """Solve from y_0, or take a solve that is on record, and measure the field's speed at every state.

    Args:
        net: the network.
        y0: (batch, *state).
        norm: "L2", "Linf" or "L1".
        trajectory: `net.trajectory(y0)`, whose grid is the last on record; None solves.

    Raises:
        ValueError: the trajectory belongs to another input or is not the last on record.
        TimeDependentFieldError: the field looks at t.
        IntegrationError: a sample did not reach the end, also where the network would only warn.
    """
    require_choice("norm", norm, NORMS)
    run = net.trajectory(y0) if trajectory is None else trajectory
    record = net.last_solve
    if record is None or record.times.shape != run.times.shape or not bool((record.times == run.times).all()):
        raise ValueError("`trajectory` must be the last solve on record, got one with another grid: solve again")
    if run.states.shape[1:] != y0.shape or not bool((run.states[0] == y0).all()):
        raise ValueError("`trajectory` must start at `y0`, got a grid on record that belongs to another input")
    if any(status is not SolveStatus.REACHED_END for status in record.status):
        message = describe_failures(record.status, record.times[-1].tolist(), net.end_time)
        raise IntegrationError(f"the affine bound needs the solution at the end time: {message}", status=record.status)
    watched = WatchedField(net.plan()[0].field)
    speeds = [
        _norm_up(evaluate_field(watched, time, state), norm) for time, state in zip(run.times, run.states, strict=True)
    ]
    if watched.looks_at_time:
        raise TimeDependentFieldError(
            f"field {field_name(net.field)} looks at t: the bound is known for fields that do not depend on time only; "
            f"one that does not can be given as AutonomousField(module) or as a function that leaves t aside"
        )
    return RecordedSolve(times=run.times, states=run.states, speeds=torch.stack(speeds))


def _norm_up(values: Float[Tensor, "batch *state"], norm: Norm) -> Float[Tensor, " batch"]:
    """The norm of each sample in float64, rounded outward."""
    return round_up(per_sample_norm(values, norm), values[0].numel() + 8)
