"""What an integrator network rounds, step by step: e_{n+1} ≤ G_n e_n + δ_n (theory, section 7).

δ_n bounds ‖fl step(ŷ) − step(ŷ)‖. For a method with stages it comes from the same rules as the tube's
(`stage_growth`): each evaluation hands on h(K e + φ), φ the field's own rounding, and every sum rounds c·u of what it
adds, c = 16 per evaluation. Backward Euler's root has a residual r of at most the solver's tolerance, and solves the
exact equation from ŷ + r: so r, too, enters with G_n.
"""

from collections.abc import Iterator, Sequence
from functools import singledispatch
from typing import Any

import torch
from torch import Tensor, nn

from natrob_theory.bounds.tube.stage_growth import largest_coefficient, stage_growth
from natrob_theory.bounds.tube.step_balls import ROUNDING_SAFETY, AbstractReaches
from natrob_theory.layers.affine import RELATIVE, only_constant
from natrob_theory.layers.answers import layer_error, lipschitz_of_layer
from natrob_theory.layers.refusal import LayerRefusedError
from natrob_theory.layers.runs import image_norm
from natrob_theory.layers.statements import Affine, Evaluated, Shape
from natrob_theory.networks import AbstractFixedStepNet, StepPlan, StepStructure
from natrob_theory.steppers import AbstractStepper, BackwardEulerStepper, RevNetStepper


def evaluated_states(
    net: AbstractFixedStepNet,
    input_shape: Shape,
    before: Evaluated,
    unit: float,
    *,
    structure: Sequence[StepStructure],
    relative_residual: float,
) -> Iterator[Evaluated]:
    """y_0, …, y_N as they are computed.

    Args:
        net: in float64, with a fixed grid.
        input_shape: of one state.
        before: y_0.
        unit: u of the arithmetic that is bounded.
        structure: of every step, `step_structures`.
        relative_residual: of implicit solves, ‖residual‖ ≤ relative_residual·(‖y_{n+1}‖ + ‖g(y_{n+1})‖).

    Proof: proofs/symbolic/evaluation_error.py, proofs/coq/perturbed_recursion.v.
    """
    yield before
    seen: dict[tuple[nn.Module, float], Affine] = {}
    for step, known in zip(net.plan(), structure, strict=True):
        factor = known.factor
        kept = (step.field, step.time)
        if kept not in seen:
            seen[kept] = only_constant(_step_from_zero(net.stepper, step, input_shape))
        norm = (factor * before.norm + seen[kept]) * RELATIVE
        entering = before.norm + before.error
        local = step_error(
            net.stepper, step, input_shape, entering, unit, factor=factor, relative_residual=relative_residual
        )
        if isinstance(net.stepper, BackwardEulerStepper):
            local = factor * local
        before = Evaluated(_no_nan(norm), _no_nan((factor * before.error + local) * RELATIVE))
        yield before


def solver_residual(stepper: AbstractStepper[Any], dtype: torch.dtype) -> float:
    """The relative residual that the method's solves end with, if they are not an error; 0 for explicit methods.

    Raises:
        LayerRefusedError: failed solves are let pass with a warning.
    """
    if not isinstance(stepper, BackwardEulerStepper):
        return 0.0
    if stepper.on_failure != "raise":
        raise LayerRefusedError(
            f'{stepper.name} with `on_failure` = "{stepper.on_failure}" lets failed solves pass, so nothing bounds '
            f'their residual; build it with on_failure="raise"'
        )
    tolerance = stepper.solver.tolerance
    return 100 * torch.finfo(dtype).eps if tolerance is None else tolerance


@singledispatch
def step_error(
    stepper: AbstractStepper[Any],
    step: StepPlan,
    input_shape: Shape,
    norm: Affine,
    unit: float,
    *,
    factor: float,
    relative_residual: float,
) -> Affine:
    """δ of one step from a state of at most this norm; for backward Euler it enters with G = `factor`.

    Proof: proofs/symbolic/evaluation_error.py.
    """
    constant = lipschitz_of_layer(step.field, input_shape)
    slopes = _Reaches(step, input_shape, norm, constant, unit, sums=0.0 * norm)
    stage_growth(stepper, slopes)
    moved = norm + largest_coefficient(stepper) * slopes.slopes
    sums = ROUNDING_SAFETY * slopes.visits * unit * moved
    return stage_growth(stepper, _Reaches(step, input_shape, norm, constant, unit, sums=sums))[1]


@step_error.register
def _(
    stepper: BackwardEulerStepper,
    step: StepPlan,
    input_shape: Shape,
    norm: Affine,
    unit: float,
    *,
    factor: float,
    relative_residual: float,
) -> Affine:
    """The residual of the root, as computed, and what its computation errs by; to be multiplied by G_n.

    ‖g(y')‖ ≤ ‖y'‖ + ‖r‖, and the root's norm is at most G‖y‖ + ‖step(0)‖; a factor 2 for G ≤ 1 + … is in c.
    """
    root = factor * norm + only_constant(_step_from_zero(stepper, step, input_shape))
    root = root * (1.0 + 8 * max(relative_residual, unit))
    constant = lipschitz_of_layer(step.field, input_shape)
    slope = image_norm(step.field, input_shape, root, constant)
    error = layer_error(step.field, input_shape, root, unit)
    sums = 2 * ROUNDING_SAFETY * unit * (norm + root + step.step_size * slope)
    return (step.step_size * error + sums + 3 * relative_residual * root) * RELATIVE


@step_error.register
def _(
    stepper: RevNetStepper,
    step: StepPlan,
    input_shape: Shape,
    norm: Affine,
    unit: float,
    *,
    factor: float,
    relative_residual: float,
) -> Affine:
    """The first half's rounding passes through the second field: e_a, and e_b = hK₂e_a + …; both halves together."""
    half = (input_shape[0] // 2, *input_shape[1:])
    h, first, second = step.step_size, step.field.first, step.field.second
    k_1, k_2 = lipschitz_of_layer(first, half), lipschitz_of_layer(second, half)
    slope = image_norm(first, half, norm, k_1)
    moved = norm + h * slope
    error_a = h * layer_error(first, half, norm, unit) + ROUNDING_SAFETY * unit * moved
    point = moved + error_a
    last = norm + h * image_norm(second, half, point, k_2)
    error_b = h * (k_2 * error_a + layer_error(second, half, point, unit)) + ROUNDING_SAFETY * unit * last
    return (error_a + error_b) * RELATIVE


class _Reaches(AbstractReaches):
    """Norm and error of the points where a step evaluates its field, each a pair (a, b): see `stage_growth`."""

    def __init__(
        self, step: StepPlan, input_shape: Shape, norm: Affine, constant: float, unit: float, *, sums: Affine
    ) -> None:
        self._step, self._shape, self._constant, self._unit = step, input_shape, constant, unit
        self.rounding = torch.stack([0.0 * norm, sums])
        self.base = torch.stack([norm, 0.0 * norm]) + self.rounding
        self.slopes = 0.0 * norm
        self.visits = 0

    def visit(self, reach: Tensor) -> Tensor:
        """(h(K‖Y‖ + ‖f(0)‖), h(K e + φ)), and the rounding of a sum."""
        norm, error = reach
        h = self._step.step_size
        slope = h * image_norm(self._step.field, self._shape, norm, self._constant)
        own = layer_error(self._step.field, self._shape, norm + error, self._unit)
        self.slopes = self.slopes + slope
        self.visits += 1
        return torch.stack([slope, h * (self._constant * error + own)]) * RELATIVE + self.rounding


def _step_from_zero(stepper: AbstractStepper[Any], step: StepPlan, input_shape: Shape) -> float:
    """‖step(0)‖, from above."""
    parameter = next(step.field.parameters(), torch.zeros(()))
    zeros = torch.zeros((1, *input_shape), dtype=torch.float64, device=parameter.device)
    with torch.no_grad():
        value = stepper.step(step.field, step.time, zeros, step.step_size)
    return float(torch.linalg.vector_norm(value)) * (1.0 + 1e-6)


def _no_nan(bound: Tensor) -> Tensor:
    """∞ for 0·∞, where nothing is known."""
    return torch.nan_to_num(bound, nan=torch.inf, posinf=torch.inf)
