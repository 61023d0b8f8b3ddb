"""Trajectories in pairs: how far a perturbed solution departs, measured."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.fields import evaluate_field
from natrob_theory.native import native_pair_distances
from natrob_theory.networks import AbstractIntegratorNet, NativePassage, StepPlan, native_passage
from natrob_theory.numbers.argument_checks import require_state
from natrob_theory.numbers.norms import l2_norm
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers import AbstractStepper, Evaluation

STACKED_ENTRIES = 1 << 15
"""Up to so many entries are worth stacking; more fall out of the cache between two operations on them."""
HELD_ENTRIES = 1 << 18
"""With so many entries of states in hand, `measure_divergence` measures them and lets them go."""


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """The distance between a clean and a perturbed solution, step by step. Measured, so no bound of anything.

    Attributes:
        times: (steps + 1,), the times of the common grid; (steps + 1, batch) where every pair has a grid of its own.
        distance: ‖z_n − y_n‖₂, (steps + 1, batch), float64.
        secant_constants: K_n, (steps, batch), float64: the largest ‖f(Z) − f(Y)‖/‖Z − Y‖ over the points at which
            step n evaluates the field(s). For Euler's method that is ‖f(z_n) − f(y_n)‖/‖z_n − y_n‖. In exact
            arithmetic Π G(h_n K_n) bounds the growth of this pair (theory, section 1); for other pairs it says
            nothing.
    """

    times: Float[Tensor, "points *grid"]
    distance: Float[Tensor, "points batch"]
    secant_constants: Float[Tensor, "steps batch"]


@dataclass(frozen=True, kw_only=True)
class PairRun:
    """Both solutions on one grid, with every field evaluation: the raw material of measurements and checks.

    Attributes:
        times: (steps + 1,), or (steps + 1, batch).
        clean, perturbed: (steps + 1, batch, *state).
        distance: ‖z_n − y_n‖₂, (steps + 1, batch), float64.
        plan: the steps.
        clean_evaluations, perturbed_evaluations: for each step the evaluations on which its growth rests.
    """

    times: Float[Tensor, "points *grid"]
    clean: Float[Tensor, "points batch *state"]
    perturbed: Float[Tensor, "points batch *state"]
    distance: Float[Tensor, "points batch"]
    plan: list[StepPlan]
    clean_evaluations: list[list[Evaluation]]
    perturbed_evaluations: list[list[Evaluation]]

    def secant_constants(self) -> Float[Tensor, "steps batch"]:
        """The largest secant constant of each step and sample; 0 where the two points coincide."""
        counts = [len(step) for step in self.clean_evaluations]
        clean = [evaluation for step in self.clean_evaluations for evaluation in step]
        perturbed = [evaluation for step in self.perturbed_evaluations for evaluation in step]
        rise = distances([one.value for one in clean], [other.value for other in perturbed])
        run = distances([one.point for one in clean], [other.point for other in perturbed])
        return _largest_secants(rise, run, counts)


def _largest_secants(
    rise: Float[Tensor, "evaluations batch"], run: Float[Tensor, "evaluations batch"], counts: list[int]
) -> Float[Tensor, "steps batch"]:
    """The largest rise/run of each step, whose evaluations are `counts` in number; 0 where nothing runs."""
    secants = torch.where(run == 0, 0.0, rise / torch.where(run == 0, 1.0, run))  # a NaN stays one
    if min(counts) == max(counts):
        return secants.view(len(counts), counts[0], -1).amax(dim=1)
    return torch.stack([step.amax(dim=0) for step in secants.split(counts)])


def distances(ones: Sequence[Tensor] | Tensor, others: Sequence[Tensor] | Tensor) -> Float[Tensor, "entries batch"]:
    """‖other − one‖₂ of each sample for every pair of states, the difference taken in float64.

    Small states are stacked, so that many of them cost few operations; large ones go one by one, so that little
    memory is held.
    """
    pairs = zip(_stacks(ones), _stacks(others), strict=True)
    return torch.cat([_distances_of_stacks(one, other) for one, other in pairs])


def _distances_within(doubled: Sequence[Tensor]) -> Float[Tensor, "entries batch"]:
    """Distances of states (2·batch, *state), between the first and the second half of each.

    In C++ where that is at hand: one pass over memory, and the sums in another order.
    """
    native = native_pair_distances(doubled)
    if native is not None:
        return native
    return torch.cat([_distances_of_stacks(*stack.chunk(2, dim=1)) for stack in _stacks(doubled)])


def _distances_of_stacks(one: Tensor, other: Tensor) -> Float[Tensor, "entries batch"]:
    difference = other.to(torch.float64, copy=True).sub_(one)  # one fresh tensor, not three
    return l2_norm(difference.flatten(2), dim=2)


def _stacks(states: Sequence[Tensor] | Tensor) -> Iterator[Tensor]:
    """(entries, batch, *state), as many states at a time as are worth stacking."""
    size = max(1, STACKED_ENTRIES // states[0].numel())
    for start in range(0, len(states), size):
        some = states[start : start + size]
        yield some if isinstance(some, Tensor) else some[0][None] if len(some) == 1 else torch.stack([*some])


def run_pair(net: AbstractIntegratorNet, y0: Tensor, perturbation: Tensor) -> PairRun:
    """Run `net` from y_0 and from y_0 + ε, both on the steps that it takes from y_0.

    Raises:
        TypeError, ValueError: y_0 or the perturbation is not a finite floating-point state, or their shapes differ.
        OverflowError: a state on the way, or a distance, is not finite.
    """
    y0, perturbation = checked_pair(y0, perturbation)
    batch = len(y0)
    plan = net.plan_for(y0)
    states, evaluations = [torch.cat([y0, y0 + perturbation])], []
    for after, notes in _paired_steps(net, plan, states[0]):
        states.append(after)
        evaluations.append(notes)
    clean, perturbed = ([state[half] for state in states] for half in (slice(batch), slice(batch, None)))
    distance = distances(clean, perturbed)
    _require_finite(distance, states, first_step=0)
    return PairRun(
        times=_times(plan, y0),
        clean=torch.stack(clean),
        perturbed=torch.stack(perturbed),
        distance=distance,
        plan=plan,
        clean_evaluations=[[Evaluation(e.point[:batch], e.value[:batch]) for e in step] for step in evaluations],
        perturbed_evaluations=[[Evaluation(e.point[batch:], e.value[batch:]) for e in step] for step in evaluations],
    )


def checked_pair(y0: Tensor, perturbation: Tensor) -> tuple[Tensor, Tensor]:
    """y_0 and ε without gradients.

    Raises:
        TypeError, ValueError: either is not a finite floating-point state, or their shapes or dtypes differ.
    """
    y0 = require_state("y0", y0).detach()
    perturbation = require_state("perturbation", perturbation).detach()
    if perturbation.shape != y0.shape or perturbation.dtype != y0.dtype:
        raise ValueError(
            f"`perturbation` must have the shape and dtype of `y0`, {tuple(y0.shape)} {y0.dtype}, "
            f"got {tuple(perturbation.shape)} {perturbation.dtype}"
        )
    return y0, perturbation


def _paired_steps(
    net: AbstractIntegratorNet, plan: Sequence[StepPlan], start: Tensor
) -> Iterator[tuple[Tensor, list[Evaluation]]]:
    """The doubled batch after each step, and the step's evaluations."""
    native = _native_pairs(net, plan, start)
    if native is not None:
        size = max(1, HELD_ENTRIES // start.numel())
        state = start
        for begin in range(0, len(plan), size):
            with torch.no_grad():
                run = native.run(plan[begin : begin + size], state, keep_states=True, keep_evaluations=True)
            yield from zip(run.states, run.evaluations, strict=True)
            state = run.states[-1]
        return
    yield from _paired_steps_in_python(net, plan, start)


@torch.no_grad()
def _native_pairs(net: AbstractIntegratorNet, plan: Sequence[StepPlan], start: Tensor) -> NativePassage | None:
    """The passage of the doubled batch in C++, where there is one; None too where the field refuses such a batch."""
    try:
        return native_passage(net.stepper, plan, start)
    except Exception:
        return None


def _paired_steps_in_python(
    net: AbstractIntegratorNet, plan: Sequence[StepPlan], start: Tensor
) -> Iterator[tuple[Tensor, list[Evaluation]]]:
    state, at_once = start, True
    for step in plan:
        time, step_size = _for_both(step.time), _for_both(step.step_size)
        with torch.no_grad():
            taken = _doubled_step(net.stepper, step.field, time, state, step_size) if at_once else None
            if taken is None:
                at_once = False
                field = net.stepper.with_fields(step.field, _HalfByHalf)
                taken = net.stepper.step_with_evaluations(field, time, state, step_size)
        state, notes = taken
        yield state, notes


def _doubled_step(
    stepper: AbstractStepper[Any], field: Any, time: Any, state: Tensor, step_size: Any
) -> tuple[Tensor, list[Evaluation]] | None:
    """A step of both halves at once; None where the field does not take twice the batch, be it by any exception."""
    try:
        return stepper.step_with_evaluations(field, time, state, step_size)
    except Exception:
        return None


class _HalfByHalf(nn.Module):
    """A field on the doubled batch that evaluates either half in a batch of its own."""

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """f(t, y)."""
        times = time.chunk(2) if time.dim() else (time, time)
        halves = zip(times, state.chunk(2), strict=True)
        return torch.cat([evaluate_field(self.field, moment, half) for moment, half in halves])


def _for_both(number: Any) -> Any:
    """A time or step size of each clean sample, given to its perturbed twin too."""
    return torch.cat([number, number]) if isinstance(number, Tensor) else number


def _times(plan: Sequence[StepPlan], y0: Tensor) -> Float[Tensor, "points *grid"]:
    """t_0, …, t_N of the plan."""
    times = [plan[0].time, *(step.end_time for step in plan)]
    return torch.stack([torch.as_tensor(time, dtype=torch.float64, device=y0.device) for time in times])


def _require_finite(distance: Tensor, states: Sequence[Tensor], *, first_step: int) -> None:
    """Raise OverflowError if a state is not finite, or a distance that nothing can be compared with."""
    if bool(torch.isfinite(distance).all()):
        return
    finite = torch.stack([torch.isfinite(state).all() for state in states])
    if bool(finite.all()):
        first = first_step + int((~torch.isfinite(distance)).any(dim=1).long().argmax())
        raise OverflowError(
            f"the distance of the two solutions is beyond float64 from step {first} on; take a smaller perturbation"
        )
    raise OverflowError(
        f"the trajectory has NaN or infinite entries from step {first_step + int(finite.long().argmin())} on; take "
        f"fewer or smaller steps, or a field with a smaller Lipschitz constant"
    )


def measure_divergence(net: AbstractIntegratorNet, y0: Tensor, perturbation: Tensor) -> Divergence:
    """‖z_n − y_n‖ along the network for z_0 = y_0 + perturbation, with the secant constants of the pair.

    A Neural ODE takes the steps that it takes from y_0 for both. Large states are measured as they come, not kept.

    Args:
        net: any network of this library.
        y0: (batch, *state).
        perturbation: ε, of the same shape and dtype.

    Raises:
        TypeError, ValueError: as for `net`, or the shapes differ.
        OverflowError: a state on the way is not finite.

    Proof that the product of the secant constants bounds the pair: proofs/coq/one_step_methods.v (growth_along_a_pair).
    """
    y0, perturbation = checked_pair(y0, perturbation)
    plan = net.plan_for(y0)
    start = torch.cat([y0, y0 + perturbation])
    native = _measured_in_cpp(net, plan, start)
    if native is not None:
        return Divergence(times=_times(plan, y0), distance=native[0], secant_constants=native[1])
    states, evaluations = [start], []
    distance, secants = [_distances_within(states)], []
    for done, (after, notes) in enumerate(_paired_steps(net, plan, states[0]), start=1):
        states.append(after)
        evaluations.append(notes)
        if len(evaluations) * after.numel() >= HELD_ENTRIES or done == len(plan):
            reached, constants = _measured(states, evaluations, first_step=done - len(evaluations))
            distance.append(reached[1:])
            secants.append(constants)
            states, evaluations = [after], []
    return Divergence(times=_times(plan, y0), distance=torch.cat(distance), secant_constants=torch.cat(secants))


def _measured_in_cpp(
    net: AbstractIntegratorNet, plan: Sequence[StepPlan], start: Tensor
) -> tuple[Float[Tensor, "points batch"], Float[Tensor, "steps batch"]] | None:
    """Distances and secant constants along the steps; None where C++ does not take them or something is not finite."""
    native = _native_pairs(net, plan, start)
    measured = None if native is None else native.measured(plan, start)
    if measured is None or not bool(torch.isfinite(measured[0]).all()):
        return None
    distance, run, rise = measured
    return distance, _largest_secants(rise, run, [len(run) // len(plan)] * len(plan))


def _measured(
    states: Sequence[Tensor], evaluations: Sequence[list[Evaluation]], *, first_step: int
) -> tuple[Float[Tensor, "points batch"], Float[Tensor, "steps batch"]]:
    """The distances within the doubled states from `first_step` on, and the secant constants of the steps between.

    Most steps evaluate the field at their first state, whose distance is then measured once.
    """
    flat = [evaluation for step in evaluations for evaluation in step]
    known = {id(state): place for place, state in enumerate(states)}
    fresh = [evaluation.point for evaluation in flat if id(evaluation.point) not in known]
    reached = _distances_within(states)
    _require_finite(reached, states, first_step=first_step)
    measured = _distances_within([*fresh, *(evaluation.value for evaluation in flat)])
    points, rise = torch.cat([reached, measured[: len(fresh)]]), measured[len(fresh) :]
    known |= {id(point): place for place, point in enumerate(fresh, start=len(states))}
    run = points[torch.tensor([known[id(evaluation.point)] for evaluation in flat])]
    return reached, _largest_secants(rise, run, [len(step) for step in evaluations])
