"""Fields taken apart as −γy, a skew-symmetric part and a remainder, by what they are made of.

A gradient flow with secants between m and K is −(K + m)y/2 and a remainder of constant (K − m)/2: half of K. Euler's
method sees the skew-symmetric part at right angles to e, the remainder in any direction.
"""

from torch import nn

from natrob_theory.layers.questions import (
    centred_parts,
    follows_convex_potential,
    lipschitz_of_layer,
    one_sided_lipschitz,
)
from natrob_theory.layers.statements import CentredConstants, Shape
from natrob_theory.numbers.rounding import EPSILON


def centred_constants(field: nn.Module, input_shape: Shape) -> CentredConstants:
    """γ, s and r of the field; γ = s = 0 and r = K where its class says no more.

    γ is exactly the number returned: what its own rounding moved it by is part of r. s and r are rounded outward.

    Raises:
        LayerRefusedError: a field that cannot be bounded.

    Source: theory, section 3. Proof: proofs/symbolic/skew_gradient_flow_euler.py.
    """
    if not follows_convex_potential(field):
        return centred_parts(field, input_shape)
    largest = lipschitz_of_layer(field, input_shape)
    mu = one_sided_lipschitz(field, input_shape).value
    least = min(max(0.0, -mu), largest)  # 0 where μ is not known to be negative
    centre = 0.5 * (least + largest)
    return CentredConstants(centre, 0.0, max(centre - least, largest - centre) * (1.0 + 2 * EPSILON))


def with_centre(centre: float, skew: float, radius: float) -> CentredConstants:
    """Constants that one rounding each moved: s and r by a factor, γ by at most u|γ|, which r takes up."""
    grown = 1.0 + 4 * EPSILON
    return CentredConstants(centre, skew * grown, (radius + EPSILON * abs(centre)) * grown)
