"""An upper bound of the one-sided constant for each kind of field; the seam where users add their own.

    @one_sided_lipschitz.register
    def _(field: MyField, input_shape: tuple[int, ...]) -> OneSidedConstant:
        return OneSidedConstant(-1.0, "MyField: by construction")

A rule returns a number at least μ for all states of the shape (without the batch axis), rounded outward, with its
source. A field without a rule has μ ≤ K if it has a Lipschitz rule, and is refused by name if it has neither.
"""

from functools import singledispatch
from typing import NamedTuple, TypeAlias

import torch
from torch import nn

from natrob_theory.bounds.layer_rules import LayerRefusedError, lipschitz_of_layer
from natrob_theory.bounds.two_layer import one_sided_from_slopes, slopes_everywhere, two_layers
from natrob_theory.fields import (
    AutonomousField,
    DissipativeField,
    GradientFlowField,
    HamiltonianField,
    LinearField,
    ScaledField,
    SkewSymmetricField,
    SumField,
)
from natrob_theory.layers.activation_slopes import ActivationRefusedError
from natrob_theory.layers.altered_layers import alteration_of_rule
from natrob_theory.numbers.rounding import EPSILON, product_up
from natrob_theory.spectra.eigenvalues import largest_eigenvalue_upper

Shape: TypeAlias = tuple[int, ...]


class OneSidedConstant(NamedTuple):
    """An upper bound of μ, and what it comes from in words."""

    value: float
    source: str


@singledispatch
def one_sided_lipschitz(field: nn.Module, input_shape: Shape) -> OneSidedConstant:
    """An upper bound of the field's one-sided Lipschitz constant in L2; without a rule of its own, K.

    Raises:
        LayerRefusedError: neither this registry nor that of Lipschitz constants has a rule for it.

    Proof of the rules here: proofs/coq/one_sided.v, proofs/symbolic/field_combinations.py,
        proofs/symbolic/gradient_flow.py, proofs/symbolic/hamiltonian_one_sided.py.
    """
    try:
        constant = lipschitz_of_layer(field, input_shape)
    except LayerRefusedError as refusal:
        raise LayerRefusedError(
            f"no one-sided Lipschitz upper bound is known for field {type(field).__name__}: register one with "
            f"natrob_theory.one_sided_lipschitz.register ({refusal})"
        ) from refusal
    return OneSidedConstant(constant, f"μ ≤ K of {type(field).__name__}, layer by layer: nothing better is known")


def one_sided_of_field(field: nn.Module, input_shape: Shape) -> OneSidedConstant:
    """`one_sided_lipschitz`, but only for a field that computes what the rule's kind of field computes.

    Raises:
        LayerRefusedError: as for `one_sided_lipschitz`, or the field is altered (`alteration_of_rule`).

    Proof: as for `one_sided_lipschitz`, in proofs/coq/one_sided.v.
    """
    altered = alteration_of_rule(field, one_sided_lipschitz.registry)
    if altered:
        raise LayerRefusedError(
            f"no one-sided Lipschitz upper bound is known for {type(field).__name__} with {altered}"
        )
    return one_sided_lipschitz(field, input_shape)


@one_sided_lipschitz.register
def _(field: GradientFlowField, input_shape: Shape) -> OneSidedConstant:
    """−⟨We, DWe⟩ ≤ 0; the Lipschitz rule checks that the parts are still what they were."""
    lipschitz_of_layer(field, input_shape)
    return OneSidedConstant(0.0, "gradient flow of a convex potential: μ ≤ 0")


@one_sided_lipschitz.register
def _(field: SkewSymmetricField, input_shape: Shape) -> OneSidedConstant:
    lipschitz_of_layer(field, input_shape)
    return OneSidedConstant(0.0, "skew-symmetric field: μ = 0")


@one_sided_lipschitz.register
def _(field: HamiltonianField, input_shape: Shape) -> OneSidedConstant:
    """½max(K₁, K₂): see the class."""
    return OneSidedConstant(0.5 * lipschitz_of_layer(field, input_shape), "Hamiltonian field: μ ≤ ½max(K₁, K₂)")


@one_sided_lipschitz.register
def _(field: LinearField, input_shape: Shape) -> OneSidedConstant:
    lipschitz_of_layer(field, input_shape)
    return _of_matrix(field.matrix)


@one_sided_lipschitz.register
def _(field: nn.Linear, input_shape: Shape) -> OneSidedConstant:
    constant = lipschitz_of_layer(field, input_shape)
    if field.in_features != field.out_features:
        return OneSidedConstant(constant, "μ ≤ K of a linear layer that is not square")
    return _of_matrix(field.weight)


def _product(factor: float, constant: float) -> float:
    """c·μ for c ≥ 0, rounded upward: away from 0 for μ > 0, towards 0 for μ < 0."""
    if constant >= 0.0:
        return product_up(factor, constant)
    value = factor * constant
    return min(value + EPSILON * abs(value), 0.0)


def _of_matrix(matrix: torch.Tensor) -> OneSidedConstant:
    double = matrix.detach().double()
    no_error = torch.zeros((), dtype=torch.float64)
    return OneSidedConstant(
        float(largest_eigenvalue_upper(double, input_error=no_error)), "largest eigenvalue of (A + Aᵀ)/2"
    )


@one_sided_lipschitz.register
def _(field: AutonomousField, input_shape: Shape) -> OneSidedConstant:
    return one_sided_of_field(field.module, input_shape)


@one_sided_lipschitz.register
def _(field: nn.Sequential, input_shape: Shape) -> OneSidedConstant:
    """Two dense layers by the interval of their Jacobians; any other chain has μ ≤ K."""
    constant = lipschitz_of_layer(field, input_shape)
    by_norms = OneSidedConstant(constant, "μ ≤ K, product of layer norms")
    parts = two_layers(field)
    if parts is None:
        return by_norms
    try:
        slopes = slopes_everywhere(parts)
    except ActivationRefusedError as refusal:
        return OneSidedConstant(constant, f"μ ≤ K, product of layer norms ({refusal})")
    by_slopes = float(one_sided_from_slopes(parts, slopes).max())
    return min(OneSidedConstant(by_slopes, "interval of the Jacobians W₂DW₁ of two dense layers"), by_norms)


@one_sided_lipschitz.register
def _(field: DissipativeField, input_shape: Shape) -> OneSidedConstant:
    """μ_f − ρ."""
    inner = one_sided_of_field(field.field, input_shape)
    value = inner.value - field.rate
    return OneSidedConstant(value + EPSILON * abs(value), f"{inner.source}; less the rate {field.rate:g}")


@one_sided_lipschitz.register
def _(field: SumField, input_shape: Shape) -> OneSidedConstant:
    """Σ μ_i."""
    parts = [one_sided_of_field(part, input_shape) for part in field.fields]
    size = sum(abs(part.value) for part in parts)
    value = sum(part.value for part in parts) + len(parts) * EPSILON * size
    return OneSidedConstant(value, "sum of: " + " | ".join(part.source for part in parts))


@one_sided_lipschitz.register
def _(field: ScaledField, input_shape: Shape) -> OneSidedConstant:
    """cμ for c ≥ 0; a negative multiple turns the sign of the quotient, and only |c|K is left (0 for a skew field)."""
    if field.factor >= 0 or isinstance(field.field, SkewSymmetricField):
        inner = one_sided_of_field(field.field, input_shape)
        return OneSidedConstant(
            _product(abs(field.factor), inner.value), f"{abs(field.factor):g} times: {inner.source}"
        )
    constant = lipschitz_of_layer(field, input_shape)
    return OneSidedConstant(constant, "μ ≤ K of a negative multiple: nothing better is known")
