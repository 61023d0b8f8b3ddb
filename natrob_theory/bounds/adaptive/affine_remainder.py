"""The linear part of a field that is the same at all states, and the constant of what is left."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.bounds.adaptive.local_error import AffineRemainder
from natrob_theory.fields import LinearField
from natrob_theory.fields.centred_fields import centred_constants
from natrob_theory.layers.answers import AbstractField
from natrob_theory.layers.entry_sums import absolute
from natrob_theory.layers.questions import activation_slopes, field_terms, lipschitz_of_layer, reach, stated_structure
from natrob_theory.layers.refusal import ActivationRefusedError, LayerRefusedError
from natrob_theory.layers.remembered import remembered
from natrob_theory.layers.statements import Activation, AffineMap, Piece, Shape
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON, round_up


def affine_part_in(norm: Norm, field: nn.Module, input_shape: Shape) -> AffineRemainder | None:
    """‖A‖ and K_ρ in a norm; None in L1, and where nothing is known."""
    if norm == "L1":
        return None
    return (affine_remainder if norm == "L2" else affine_remainder_in_linf)(field, input_shape)


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


def affine_remainder_in_linf(field: nn.Module, input_shape: Shape) -> AffineRemainder | None:
    """‖A‖ and K_ρ as `affine_remainder` has them, in L∞; None where the field's matrices are not known.

    An activation with secant slopes in [m − r, m + r] is mu and a remainder with constant r. So where layers take
    |z − y| ≤ 𝟙 to at most l by the linear parts alone, and to l + s in all, an affine map takes both to |W|l and |W|s,
    an activation to ml and ms + r(l + s). The terms of a sum add up. K_ρ is the largest entry of s, ‖A‖ that of l.

    Proof: proofs/symbolic/affine_part_in_linf.py.
    """

    def found() -> AffineRemainder | None:
        try:
            reach(field, "Linf", torch.ones((1, *input_shape), dtype=torch.float64), input_shape)  # refuses by name
            terms = field_terms(field, input_shape)
            parts = [torch.stack(_split(term.chain, math.prod(input_shape))) * abs(term.factor) for term in terms]
        except (ActivationRefusedError, LayerRefusedError):
            return None
        linear, rest = round_up(torch.stack(parts).sum(dim=0), len(parts) + 2).amax(dim=1)
        return AffineRemainder(linear=linear, remainder=rest)

    return remembered(field, input_shape, found, what="affine part in L∞")


def _split(chain: Sequence[Piece], entries: int) -> tuple[Float[Tensor, " outputs"], Float[Tensor, " outputs"]]:
    """l and s behind a chain, rounded outward. Raises LayerRefusedError for a piece with neither matrix nor slopes."""
    linear = torch.ones(entries, dtype=torch.float64)
    rest = torch.zeros_like(linear)
    for piece in chain:
        if isinstance(piece, AffineMap):
            weight = absolute(piece.matrix).cpu() * (1.0 + piece.entry_error)
            linear, rest = (round_up(weight @ sizes, weight.shape[1] + 4) for sizes in (linear, rest))
        elif isinstance(piece, Activation):
            ends = torch.full_like(linear, math.inf)
            slopes = activation_slopes(piece.module, -ends, ends)
            slope = 0.5 * (slopes.low + slopes.high)
            spread = torch.maximum(slopes.high - slope, slope - slopes.low)
            middle = slope.abs()
            rest = round_up(middle * rest + spread * (linear + rest), 8)
            linear = round_up(middle * linear, 4)
        else:
            raise LayerRefusedError(f"no matrix is known of {type(piece.module).__name__}")
    return linear, rest


def _has_constant_skew_part(field: nn.Module, input_shape: Shape) -> bool:
    """Whether the part at right angles to e is one matrix: fields that are skew-symmetric at all states are linear."""
    if centred_constants(field, input_shape).skew == 0.0 or stated_structure(field, input_shape).skew_symmetric:
        return True
    terms = field.parts() if isinstance(field, AbstractField) else ()
    return len(terms) > 0 and all(_has_constant_skew_part(term, input_shape) for term in terms)


def _number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)
