"""Fields taken apart as −γy, a skew-symmetric part and a remainder, by the classes they are made of.

A gradient flow with secants between m and K is −(K + m)y/2 and a remainder of constant (K − m)/2: half of K. Euler's
method sees the skew-symmetric part at right angles to e, the remainder in any direction.
"""

import math
from functools import singledispatch

from torch import nn

from natrob_theory.bounds.lipschitz_upper_bound import lipschitz_upper_bound
from natrob_theory.bounds.one_sided_upper_bound import one_sided_lipschitz_upper_bound
from natrob_theory.fields import AutonomousField, DissipativeField, ScaledField, SkewSymmetricField, SumField
from natrob_theory.fields.convex_potentials import is_gradient_flow
from natrob_theory.layers.altered_layers import alteration_of_rule
from natrob_theory.layers.refusal import Shape
from natrob_theory.numbers.rounding import EPSILON
from natrob_theory.steppers.centred_constants import CentredConstants


def centred_constants(field: nn.Module, input_shape: Shape) -> CentredConstants:
    """γ, s and r of the field; γ = s = 0 and r = K where its class says no more.

    γ is exactly the number returned: what its own rounding moved it by is part of r. s and r are rounded outward.

    Raises:
        LayerRefusedError: a field that cannot be bounded.

    Source: theory, section 3. Proof: proofs/symbolic/skew_gradient_flow_euler.py.
    """
    if is_gradient_flow(field):
        return _of_gradient_flow(field, input_shape)
    if alteration_of_rule(field, _parts.registry):
        return _unstructured(field, input_shape)
    return _parts(field, input_shape)


def _unstructured(field: nn.Module, input_shape: Shape) -> CentredConstants:
    return CentredConstants(0.0, 0.0, float(lipschitz_upper_bound(field, input_shape=input_shape)))


def _of_gradient_flow(field: nn.Module, input_shape: Shape) -> CentredConstants:
    """(m + K)/2 and (K − m)/2, m = −μ, or 0 where μ is not known to be negative."""
    largest = float(lipschitz_upper_bound(field, input_shape=input_shape))
    mu = float(one_sided_lipschitz_upper_bound(field, input_shape=input_shape))
    least = min(max(0.0, -mu), largest)
    centre = 0.5 * (least + largest)
    return CentredConstants(centre, 0.0, max(centre - least, largest - centre) * (1.0 + 2 * EPSILON))


@singledispatch
def _parts(field: nn.Module, input_shape: Shape) -> CentredConstants:
    return _unstructured(field, input_shape)


@_parts.register
def _(field: SkewSymmetricField, input_shape: Shape) -> CentredConstants:
    return CentredConstants(0.0, float(lipschitz_upper_bound(field, input_shape=input_shape)), 0.0)


@_parts.register
def _(field: AutonomousField, input_shape: Shape) -> CentredConstants:
    return centred_constants(field.module, input_shape)


@_parts.register
def _(field: DissipativeField, input_shape: Shape) -> CentredConstants:
    inner = centred_constants(field.field, input_shape)
    return _with_centre(inner.centre + field.rate, inner.skew, inner.radius)


@_parts.register
def _(field: ScaledField, input_shape: Shape) -> CentredConstants:
    inner = centred_constants(field.field, input_shape)
    size = abs(field.factor)
    return _with_centre(field.factor * inner.centre, size * inner.skew, size * inner.radius)


@_parts.register
def _(field: SumField, input_shape: Shape) -> CentredConstants:
    parts = [centred_constants(part, input_shape) for part in field.fields]
    return _with_centre(*(math.fsum(constants) for constants in zip(*parts, strict=True)))


def _with_centre(centre: float, skew: float, radius: float) -> CentredConstants:
    """Of constants that one rounding each moved: s and r by a factor, γ by at most u|γ|, which r takes up."""
    grown = 1.0 + 4 * EPSILON
    return CentredConstants(centre, skew * grown, (radius + EPSILON * abs(centre)) * grown)
