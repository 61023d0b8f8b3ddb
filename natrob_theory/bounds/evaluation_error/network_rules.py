"""Bounds what an integrator network rounds, step by step: e_{n+1} ≤ G_n e_n + δ_n (theory, section 7).

δ_n bounds ‖fl step(ŷ) − step(ŷ)‖. For an explicit method it comes from the step itself, as the tube does
(`AbstractReaches`): each evaluation hands on h(K e + φ), φ the field's own rounding, and every sum rounds c·u of what
it adds, c = 16 per evaluation. Backward Euler's root has a residual r of at most the solver's tolerance, and solves the
exact equation from ŷ + r: so r, too, enters with G_n.
"""

from collections.abc import Iterator, Sequence
from typing import Any, final

import torch
from torch import Tensor, nn

from natrob_theory.bounds.reaches import ROUNDING_SAFETY, AbstractReaches
from natrob_theory.layers.affine import RELATIVE, only_constant
from natrob_theory.layers.questions import layer_error, lipschitz_of_layer
from natrob_theory.layers.runs import image_norm
from natrob_theory.layers.statements import Affine, Evaluated, Shape
from natrob_theory.networks import AbstractFixedStepNet, StepPlan, StepStructure
from natrob_theory.steppers import AbstractArithmetic, AbstractExplicitStepper, AbstractStepper, Coefficient
from natrob_theory.steppers.arithmetic import Term, weighted


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
        if net.stepper.implicit:
            local = factor * local
        before = Evaluated(_no_nan(norm), _no_nan((factor * before.error + local) * RELATIVE))
        yield before


def solver_residual(stepper: AbstractStepper[Any], dtype: torch.dtype) -> float:
    """The relative residual that the method's solves end with, if they are not an error; 0 for explicit methods.

    Raises:
        LayerRefusedError: failed solves are let pass with a warning.
    """
    return stepper.relative_residual(dtype)


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
    """δ of one step from a state of at most this norm; for implicit methods it enters with G = `factor`.

    Raises:
        TypeError: a method that is neither explicit nor backward Euler.

    Proof: proofs/symbolic/evaluation_error.py.
    """
    if stepper.implicit:
        return _implicit_error(stepper, step, input_shape, norm, unit, factor, relative_residual)
    if not isinstance(stepper, AbstractExplicitStepper):
        raise TypeError(f"no rounding is known for {stepper.name}; write its step as an AbstractExplicitStepper")
    if stepper.couplings > 1:
        return _coupled_error(stepper, step, input_shape, norm, unit)
    constant = lipschitz_of_layer(step.field, input_shape)
    slopes = _Reaches(step, input_shape, norm, constant, unit, sums=0.0 * norm)
    stepper.advance(slopes, slopes.base)
    moved = stepper.trace.state_weight * norm + stepper.trace.slope_weight * slopes.slopes
    sums = ROUNDING_SAFETY * slopes.visits * unit * moved
    rounded = _Reaches(step, input_shape, norm, constant, unit, sums=sums)
    return stepper.advance(rounded, rounded.base)[1]


def _implicit_error(
    stepper: AbstractStepper[Any],
    step: StepPlan,
    input_shape: Shape,
    norm: Affine,
    unit: float,
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


def _coupled_error(
    stepper: AbstractExplicitStepper[Any], step: StepPlan, input_shape: Shape, norm: Affine, unit: float
) -> Affine:
    """The first half's rounding passes through the second field: e_a, and e_b = hK₂e_a + …; both halves together."""
    half = (input_shape[0] // 2, *input_shape[1:])
    reaches = _CoupledReaches(stepper.fields_of(step.field), step.step_size, half, unit)
    clean = torch.stack([norm, 0.0 * norm])
    first, second = stepper.advance_parts(reaches, [clean, clean])
    return (first[1] + second[1]) * RELATIVE


@final
class _CoupledReaches(AbstractArithmetic[Tensor]):
    """Norm and error of the halves, each a pair (a, b)."""

    def __init__(self, fields: Sequence[nn.Module], step_size: float, half: Shape, unit: float) -> None:
        self._fields, self._step_size, self._half, self._unit = fields, step_size, half, unit

    def slope(self, node: Coefficient, point: Tensor, *, part: int = 0) -> Tensor:
        """(h(K‖Y‖ + ‖f(0)‖), h(K e + φ))."""
        field, norm = self._fields[part], point[0] + point[1]
        constant = lipschitz_of_layer(field, self._half)
        own = layer_error(field, self._half, norm, self._unit)
        slope = image_norm(field, self._half, norm, constant)
        return self._step_size * torch.stack([slope, constant * point[1] + own])

    def mix(self, base: Tensor | None, *terms: Term[Tensor]) -> Tensor:
        """The sum with absolute weights, and what it rounds."""
        shares = [value if weight is None else abs(weight.number) * value for weight, value in weighted(terms)]
        norm, error = sum(shares, torch.zeros_like(shares[0]) if base is None else base)
        return torch.stack([norm, error + ROUNDING_SAFETY * self._unit * norm])


class _Reaches(AbstractReaches):
    """Norm and error of the points where a step evaluates its field, each a pair (a, b)."""

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
