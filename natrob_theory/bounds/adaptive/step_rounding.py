"""Bounds what one step of an embedded pair rounds: the field's evaluations, the sums, the coefficients.

A computed step from ŷ has stages Ŷ_i, which miss those of the exact step Ψ_h(ŷ) by e_i, and slopes k̂_i with
‖k̂_i − f(Y_i)‖ ≤ D_i = φ(‖Ŷ_i‖) + K e_i, φ(r) = pr + q the field's evaluation error. With γ_n = nu/(1 − nu), s stages
and â, b̂ the coefficients as stored, stage by stage:

e_i ≤ γ_s‖ŷ‖ + h Σ_j (|a_ij| D_j + (|â_ij − a_ij| + γ_{s+2}|â_ij|)‖k̂_j‖), and the same with b for the step itself.

Everything is a combination of ‖ŷ‖, v = ‖f(ŷ)‖ and 1; its weights grow with h, so those at the cap H serve all steps.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.layers.affine import RELATIVE
from natrob_theory.layers.questions import layer_error
from natrob_theory.layers.remembered import remembered
from natrob_theory.layers.statements import Shape
from natrob_theory.numbers.rounding import unit_roundoff
from natrob_theory.tableaus import ButcherTableau


@dataclass(frozen=True, kw_only=True)
class StepRounding:
    """‖ŷ_{n+1} − Ψ_h(ŷ_n)‖ ≤ h(per_norm·‖ŷ_n‖ + per_speed·‖f(ŷ_n)‖ + constant) + per_step·‖ŷ_n‖ for all h ≤ H.

    Attributes:
        per_norm, per_speed, constant: weights, of the shape of K.
        per_step: γ_s, which no small h makes smaller.
        estimate: (per_norm, per_speed, constant) of the embedded estimate, (3, *batch): as computed it misses
            ‖h Σ d_i f(Y_i)‖ by at most h times their combination. None where the tableau has no pair.
        field_slope, field_constant: p, q: the field's evaluation error is at most p‖y‖ + q.
    """

    per_norm: Float[Tensor, "*batch"]
    per_speed: Float[Tensor, "*batch"]
    constant: Float[Tensor, "*batch"]
    per_step: float
    estimate: Float[Tensor, "3 *batch"] | None
    field_slope: float
    field_constant: float


def step_rounding(
    tableau: ButcherTableau,
    field: nn.Module,
    *,
    largest_step: float,
    lipschitz: Float[Tensor, "*batch"],
    input_shape: Shape,
    dtype: torch.dtype,
) -> StepRounding:
    """Bounds what a step in `dtype` rounds, for a field whose parameters `dtype` holds exactly.

    Args:
        tableau: of the pair; what is propagated are its weights b.
        field: f; a copy in float64 is asked.
        largest_step: H ≥ h, h as the stages are computed with.
        lipschitz: K, in L2.
        input_shape: of one state.
        dtype: of the states.

    Raises:
        LayerRefusedError: the field's rounding is not known.

    Source: theory, sections 7 and 8 (Higham, *Accuracy and Stability of Numerical Algorithms*, (3.5)).
    Proof: proofs/symbolic/evaluation_error.py, proofs/coq/perturbed_recursion.v.
    """
    unit = unit_roundoff(dtype)
    own = remembered(
        field, input_shape, lambda: _evaluation_error(field, input_shape, unit), what=f"evaluation error, unit {unit}"
    )
    zero = torch.zeros_like(lipschitz)
    one = torch.ones_like(lipschitz)
    norm, speed, number = (torch.stack(parts) for parts in ((one, zero, zero), (zero, one, zero), (zero, zero, one)))
    per_step = _gamma(tableau.stages, unit)
    errors: list[Tensor] = []  # D_i
    sizes: list[Tensor] = []  # ‖k̂_i‖
    exact: list[Tensor] = []  # ‖f(Y_i)‖ per v
    for row in tableau.a:
        moved = _combination([abs(entry) for entry in row], exact, zero)
        shift = _rounded_sum(row, errors, sizes, unit, dtype, norm)
        miss = per_step * norm + largest_step * shift if exact else torch.zeros_like(norm)
        error = own[0] * (norm + largest_step * moved * speed + miss) + own[1] * number + lipschitz * miss
        errors.append(error * RELATIVE)
        exact.append((one + largest_step * lipschitz * moved) * RELATIVE)
        sizes.append(exact[-1] * speed + errors[-1])
    total = _rounded_sum(tableau.b, errors, sizes, unit, dtype, norm) * RELATIVE
    difference = tableau.embedded_difference
    return StepRounding(
        per_norm=total[0],
        per_speed=total[1],
        constant=total[2],
        per_step=per_step,
        estimate=None if difference is None else _rounded_sum(difference, errors, sizes, unit, dtype, norm) * RELATIVE,
        field_slope=own[0],
        field_constant=own[1],
    )


def _evaluation_error(field: nn.Module, input_shape: Shape, unit: float) -> list[float]:
    """p and q of a field whose copy in float64 is asked."""
    exact = torch.tensor([1.0, 0.0], dtype=torch.float64)
    return layer_error(copy.deepcopy(field).double(), input_shape, exact, unit).tolist()


def coefficient_error(coefficient: Fraction, dtype: torch.dtype) -> float:
    """|â − a| of a coefficient as it is stored in `dtype`, from above."""
    stored = Fraction(float(torch.tensor(float(coefficient), dtype=dtype)))
    return float(abs(stored - coefficient)) * RELATIVE


def _rounded_sum(
    row: Sequence[Fraction],
    errors: Sequence[Tensor],
    sizes: Sequence[Tensor],
    unit: float,
    dtype: torch.dtype,
    like: Tensor,
) -> Tensor:
    """Σ_j |a_j| D_j + (|â_j − a_j| + γ_{s+2}|â_j|)‖k̂_j‖: h k is rounded, times â, and s sums follow."""
    total = torch.zeros_like(like)
    for entry, error, size in zip(row, errors, sizes, strict=False):  # the rows of A end before their own stage
        lost = coefficient_error(entry, dtype)
        own = lost + _gamma(len(row) + 2, unit) * (abs(float(entry)) + lost)
        total = total + abs(float(entry)) * error + own * size
    return total


def _combination(weights: Sequence[Fraction], values: Sequence[Tensor], zero: Tensor) -> Tensor:
    """Σ_j w_j·value_j over the values that are known."""
    return sum((float(weight) * value for weight, value in zip(weights, values, strict=False)), zero)


def _gamma(operations: int, unit: float) -> float:
    """γ_n = nu/(1 − nu), from above."""
    return operations * unit / (1.0 - operations * unit) * RELATIVE
