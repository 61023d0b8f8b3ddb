"""What an integrator trunk costs: one step, counted, times the steps it takes or is assumed to take."""

from typing import Final

from torch import Tensor

from natrob_empirical.models.counted_pass import PassCost, counted_pass
from natrob_theory import AbstractIntegratorNet, BackwardEulerNet, NeuralODE
from natrob_theory.fields import evaluate_field
from natrob_theory.networks import AbstractFixedStepNet
from natrob_theory.numbers.argument_checks import require_count

ASSUMED_EVALUATIONS: Final = 100
"""Field evaluations of a Neural ODE's whole solve, unless told. Untrained, the networks of Table A1 take 44 and 80 at a
tolerance of 10⁻³; training raises the number."""

ASSUMED_EVALUATIONS_PER_IMPLICIT_STEP: Final = 10
"""Field evaluations of one step of backward Euler, unless told."""


def trunk_cost(
    trunk: AbstractIntegratorNet, state: Tensor, field_evaluations: int | None
) -> tuple[PassCost, int | None]:
    """The cost of a forward pass from `state`, and the field evaluations that were assumed (None: they are known).

    Raises:
        TypeError: a trunk that there is no rule for.
        ValueError: `field_evaluations` for a trunk that has a number of its own.
    """
    if field_evaluations is not None:
        require_count("field_evaluations", field_evaluations)
    if isinstance(trunk, NeuralODE):
        evaluations = ASSUMED_EVALUATIONS if field_evaluations is None else field_evaluations
        return _adaptive_cost(trunk, state, evaluations), evaluations
    if not isinstance(trunk, AbstractFixedStepNet):
        raise TypeError(f"a trunk of type {type(trunk).__name__} has no rule for its cost")
    if isinstance(trunk, BackwardEulerNet):
        assumed = ASSUMED_EVALUATIONS_PER_IMPLICIT_STEP * trunk.num_steps
        evaluations = assumed if field_evaluations is None else field_evaluations
        return _implicit_cost(trunk, state, evaluations), evaluations
    if field_evaluations is not None:
        raise ValueError(f"`field_evaluations` is no setting of {type(trunk).__name__}, got {field_evaluations}")
    return _fixed_step_cost(trunk, state), None


def _fixed_step_cost(trunk: AbstractFixedStepNet, state: Tensor) -> PassCost:
    first = trunk.plan()[0]
    _, step = counted_pass(
        lambda y: trunk.stepper.step(first.field, first.time, y, first.step_size), state, trunk.parameters()
    )
    return step.times(trunk.num_steps)


def _implicit_cost(trunk: BackwardEulerNet, state: Tensor, evaluations: int) -> PassCost:
    """Of a step's evaluations two are made with gradients on and kept: f at the root, for either of its gradients."""
    _, one = counted_pass(lambda y: evaluate_field(trunk.fields[0], 0.0, y), state, trunk.parameters())
    return PassCost(one.flops * evaluations, one.saved_bytes * 2 * trunk.num_steps)


def _adaptive_cost(trunk: NeuralODE, state: Tensor, evaluations: int) -> PassCost:
    """As if every trial step were accepted, so that with direct gradients all of them are kept."""
    _, one = counted_pass(lambda y: evaluate_field(trunk.field, 0.0, y), state, trunk.parameters())
    _, step = counted_pass(lambda y: trunk.stepper.step(trunk.field, 0.0, y, 1.0), state, trunk.parameters())
    per_step = max(1, step.flops // one.flops)
    steps = -(-evaluations // per_step)
    state_bytes = state.numel() * state.element_size()
    # torchdiffeq finds the grid first, and the library's steps on that grid are a second set of evaluations.
    flops = one.flops * evaluations + (step.flops * steps if trunk.solver == "torchdiffeq" else 0)
    kept = {
        "direct": step.saved_bytes * steps,
        "checkpointed": state_bytes * steps + step.saved_bytes,
        # The states of the way back, y_0 besides, and a trial's graphs, which are held until it is judged.
        "adjoint": state_bytes * (steps + 2) + one.saved_bytes * per_step,
    }
    return PassCost(flops, kept[trunk.gradients])
