"""The linear part of a field that is the same at all states, and the constant of what is left."""

import math

import torch
from torch import Tensor, nn

from natrob_theory.bounds.adaptive.local_error import AffineRemainder
from natrob_theory.fields import LinearField
from natrob_theory.fields.centred_fields import centred_constants
from natrob_theory.layers.answers import AbstractField
from natrob_theory.layers.questions import lipschitz_of_layer, stated_structure
from natrob_theory.layers.refusal import LayerRefusedError
from natrob_theory.layers.statements import Shape
from natrob_theory.numbers.rounding import EPSILON


def affine_remainder(field: nn.Module, input_shape: Shape) -> AffineRemainder | None:
    """‖A‖ and K_ρ of f(u) = f(y) + A(u − y) + ρ(u), in L2; None where K is not known or nothing is gained.

    The field is −γy, a part at right angles to e and a remainder (`centred_constants`). A = −γI + S where the second
    part is known to be a constant skew matrix S; elsewhere that part joins the remainder, for nothing says that it is
    the same at all states. A gradient flow with secants between 0 and K has γ = K_ρ = K/2.

    Proof: proofs/symbolic/affine_part_and_remainder.py, proofs/symbolic/skew_fields_are_affine.py.
    """
    try:
        if isinstance(field, LinearField):
            return AffineRemainder(linear=_number(lipschitz_of_layer(field, input_shape)), remainder=_number(0.0))
        centre, skew, radius = centred_constants(field, input_shape)
        constant = _has_constant_skew_part(field, input_shape)
    except LayerRefusedError:
        return None
    if constant:
        linear, remainder = math.hypot(centre, skew) * (1.0 + 4 * EPSILON), radius
    else:
        linear, remainder = abs(centre), (skew + radius) * (1.0 + 2 * EPSILON)
    return None if linear == 0.0 else AffineRemainder(linear=_number(linear), remainder=_number(remainder))


def _has_constant_skew_part(field: nn.Module, input_shape: Shape) -> bool:
    """Whether the part at right angles to e is one matrix: fields that are skew-symmetric at all states are linear."""
    if centred_constants(field, input_shape).skew == 0.0 or stated_structure(field, input_shape).skew_symmetric:
        return True
    terms = field.parts() if isinstance(field, AbstractField) else ()
    return len(terms) > 0 and all(_has_constant_skew_part(term, input_shape) for term in terms)


def _number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)
