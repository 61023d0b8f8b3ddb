"""Trajectories in pairs: how far a perturbed solution departs, measured."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.argument_checks import require_state
from natrob_theory.networks import AbstractIntegratorNet, StepPlan
from natrob_theory.norms import per_sample_l2
from natrob_theory.steppers import Evaluation


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """The distance between a clean and a perturbed solution, step by step. Measured, so no bound of anything.

    Attributes:
        times: (steps + 1,), the times of the common grid.
        distance: ‖z_n − y_n‖₂, (steps + 1, batch), float64.
        secant_constants: K_n, (steps, batch), float64: the largest ‖f(Z) − f(Y)‖/‖Z − Y‖ over the points at which
            step n evaluates the field(s). For Euler's method that is ‖f(z_n) − f(y_n)‖/‖z_n − y_n‖. In exact
            arithmetic Π G(h_n K_n) bounds the growth of this pair (theory, section 1); for other pairs it says
            nothing.
    """

    times: Float[Tensor, " points"]
    distance: Float[Tensor, "points batch"]
    secant_constants: Float[Tensor, "steps batch"]


@dataclass(frozen=True, kw_only=True)
class PairRun:
    """Both solutions on one grid, with every field evaluation: the raw material of measurements and checks.

    Attributes:
        times: (steps + 1,).
        clean, perturbed: (steps + 1, batch, *state).
        plan: the steps.
        clean_evaluations, perturbed_evaluations: for each step the evaluations on which its growth rests.
    """

    times: Float[Tensor, " points"]
    clean: Float[Tensor, "points batch *state"]
    perturbed: Float[Tensor, "points batch *state"]
    plan: list[StepPlan]
    clean_evaluations: list[list[Evaluation]]
    perturbed_evaluations: list[list[Evaluation]]

    def distance(self) -> Float[Tensor, "points batch"]:
        """‖z_n − y_n‖₂ per step and sample."""
        return torch.stack(
            [per_sample_l2(z.double() - y.double()) for y, z in zip(self.clean, self.perturbed, strict=True)]
        )

    def secant_constants(self) -> Float[Tensor, "steps batch"]:
        """The largest secant constant of each step and sample; 0 where the two points coincide."""
        rows = []
        for clean, perturbed in zip(self.clean_evaluations, self.perturbed_evaluations, strict=True):
            secants = [_secant(one, other) for one, other in zip(clean, perturbed, strict=True)]
            rows.append(torch.stack(secants).amax(dim=0))
        return torch.stack(rows)


def run_pair(net: AbstractIntegratorNet, y0: Tensor, perturbation: Tensor) -> PairRun:
    """Run `net` from y_0 and from y_0 + ε as one batch, so that an adaptive solver gives both the same grid.

    Raises:
        TypeError, ValueError: y_0 or the perturbation is not a finite floating-point state, or their shapes differ.
        OverflowError: a state on the way is not finite, so that no distance can be measured.
    """
    y0 = require_state("y0", y0).detach()
    perturbation = require_state("perturbation", perturbation).detach()
    if perturbation.shape != y0.shape or perturbation.dtype != y0.dtype:
        raise ValueError(
            f"`perturbation` must have the shape and dtype of `y0`, {tuple(y0.shape)} {y0.dtype}, "
            f"got {tuple(perturbation.shape)} {perturbation.dtype}"
        )
    batch = len(y0)
    with torch.no_grad():
        trajectory = net.trajectory(torch.cat([y0, y0 + perturbation]))
        _require_finite_states(trajectory.states)
        plan = net.plan(trajectory.times)
        evaluations = [
            net.stepper.evaluations(step.field, step.time, state, step.step_size)
            for step, state in zip(plan, trajectory.states[:-1], strict=True)
        ]
    return PairRun(
        times=trajectory.times,
        clean=trajectory.states[:, :batch],
        perturbed=trajectory.states[:, batch:],
        plan=plan,
        clean_evaluations=[[Evaluation(e.point[:batch], e.value[:batch]) for e in step] for step in evaluations],
        perturbed_evaluations=[[Evaluation(e.point[batch:], e.value[batch:]) for e in step] for step in evaluations],
    )


def _require_finite_states(states: Float[Tensor, "points batch *state"]) -> None:
    finite = torch.isfinite(states).flatten(1).all(dim=1)
    if not bool(finite.all()):
        raise OverflowError(
            f"the trajectory has NaN or infinite entries from step {int(finite.long().argmin())} on; take fewer or "
            f"smaller steps, or a field with a smaller Lipschitz constant"
        )


def measure_divergence(net: AbstractIntegratorNet, y0: Tensor, perturbation: Tensor) -> Divergence:
    """‖z_n − y_n‖ along the network for z_0 = y_0 + perturbation, with the secant constants of the pair.

    Args:
        net: any network of this library.
        y0: (batch, *state).
        perturbation: ε, of the same shape and dtype.

    Raises:
        TypeError, ValueError: as for `net`, or the shapes differ.
        OverflowError: a state on the way is not finite.
    """
    run = run_pair(net, y0, perturbation)
    return Divergence(times=run.times, distance=run.distance(), secant_constants=run.secant_constants())


def _secant(one: Evaluation, other: Evaluation) -> Float[Tensor, " batch"]:
    """‖f(Z) − f(Y)‖/‖Z − Y‖ per sample, 0 where Z = Y."""
    rise = per_sample_l2(other.value.double() - one.value.double())
    run = per_sample_l2(other.point.double() - one.point.double())
    return torch.where(run > 0, rise / torch.where(run > 0, run, torch.ones_like(run)), torch.zeros_like(run))
