"""Explicit Runge–Kutta stages, applied symbolically: to linear fields, and as bounds of differences."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import sympy

from natrob_theory.tableaus import ButcherTableau
from proofs.symbolic.exact_steps import rational


def matrix_of(tableau: ButcherTableau) -> Any:
    """A as sympy's exact matrix."""
    return sympy.Matrix([[rational(entry) for entry in row] for row in tableau.a])


def vector_of(weights: Sequence[Fraction]) -> Any:
    """Weights as an exact column."""
    return sympy.Matrix([rational(weight) for weight in weights])


def ones(size: int) -> Any:
    """𝟙."""
    return sympy.ones(size, 1)


def linear_slopes(matrix: Any, z: Any, signs: Sequence[Any] | None = None) -> Any:
    """The stage slopes for y′ = λ s(t) y and z = hλ, in units of λy: kᵢ = sᵢ(1 + z Σ_{j<i} aᵢⱼ kⱼ).

    `signs` has sᵢ = s(t + cᵢh); without them s = 1.
    """
    slopes: list[Any] = []
    for stage in range(matrix.rows):
        value = 1 + z * sum((matrix[stage, earlier] * slopes[earlier] for earlier in range(stage)), sympy.Integer(0))
        slopes.append(sympy.expand(value if signs is None else signs[stage] * value))
    return sympy.Matrix(slopes)


def linear_step(matrix: Any, weights: Any, z: Any, signs: Sequence[Any] | None = None) -> Any:
    """y₁/y₀ for y′ = λ s(t) y: 1 + z Σ bᵢ kᵢ/(λy)."""
    return sympy.expand(1 + z * (weights.T * linear_slopes(matrix, z, signs))[0])


def largest_slope_differences(matrix: Any, x: Any) -> Any:
    """κᵢ = 1 + x Σ_{j<i} |aᵢⱼ| κⱼ: the stage inequality of `growth_polynomials` taken with equality throughout."""
    return linear_slopes(matrix.applyfunc(sympy.Abs), x)


def bounded_growth(matrix: Any, weights: Any, x: Any) -> Any:
    """1 + x Σ |bᵢ| κᵢ."""
    return linear_step(matrix.applyfunc(sympy.Abs), weights.applyfunc(sympy.Abs), x)
