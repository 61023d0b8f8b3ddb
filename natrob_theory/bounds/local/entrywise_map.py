"""Constants on balls in L∞ and L1: the Jacobians between two points of a ball, entry by entry.

Between two points of a ball a chain acts by some J with |J − C| ≤ E entry by entry: through x -> Wx + b by WC and |W|E,
through an activation with secant slopes between c − q and c + q on the ball by cC and (|c| + q)E + q|C|. So the largest
row sum of |C| + E bounds the constant in L∞, the largest column sum that in L1. With no slope in doubt E is rounding
alone, and the bound is ‖J‖. Chains of a sum are added with their factors.

Proof: proofs/symbolic/row_and_column_norms.py, proofs/symbolic/local_lipschitz.py.
"""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.bounds.local.ball_image import (
    Box,
    activation_box,
    activation_value,
    affine_box,
    affine_value,
    around,
)
from natrob_theory.bounds.local.prepared_map import PreparedMap
from natrob_theory.layers.questions import activation_slopes, field_terms
from natrob_theory.layers.refusal import ActivationRefusedError
from natrob_theory.layers.statements import Activation, AffineMap, Piece, Shape
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON, round_up

ENTRIES_AT_ONCE = 2**24
"""Entries of the Jacobians of samples that are followed together."""


@dataclass(frozen=True, kw_only=True)
class _Followed:
    """A ball after some pieces.

    Attributes:
        box: where its points are.
        error: how far the box's computed centre may be from the exact one.
        middle, spread: C and E.
    """

    box: Box
    error: Float[Tensor, "batch entries"]
    middle: Float[Tensor, "batch entries inputs"]
    spread: Float[Tensor, "batch entries inputs"]


def entrywise_constants(
    module: nn.Module, center: Float[Tensor, "batch inputs"], radii: Float[Tensor, " batch"], shape: Shape, norm: Norm
) -> Float[Tensor, " batch"] | None:
    """K in L∞ or L1 on the ball around each centre; None for a module that is no sum of known chains.

    Args:
        module: a field or a layer.
        center: flat, float64.
        radii: of the balls in this norm.
        shape: of one sample.
        norm: "Linf" or "L1".
    """
    terms = field_terms(module, shape)
    if not all(isinstance(piece, AffineMap | Activation) for term in terms for piece in term.chain):
        return None
    widest = max([math.prod(shape), *(len(p.bias) for t in terms for p in t.chain if isinstance(p, AffineMap))])
    at_once = max(1, ENTRIES_AT_ONCE // (widest * math.prod(shape)))
    chains = [(term.factor, _prepared(term.chain, center.device)) for term in terms]
    try:
        parts = [
            _constants(chains, *some, norm) for some in zip(center.split(at_once), radii.split(at_once), strict=True)
        ]
    except ActivationRefusedError:
        return None
    return torch.cat(parts)


def _prepared(chain: list[Piece], device: torch.device) -> list[PreparedMap | nn.Module]:
    """Affine maps with their sizes, beside the points, and activations."""
    known = [piece for piece in chain if isinstance(piece, AffineMap | Activation)]
    return [
        PreparedMap(piece, norm=math.inf).on(device) if isinstance(piece, AffineMap) else piece.module
        for piece in known
    ]


def _constants(
    chains: list[tuple[float, list[PreparedMap | nn.Module]]], center: Tensor, radii: Tensor, norm: Norm
) -> Float[Tensor, " batch"]:
    followed = [(factor, _through(pieces, center, radii, norm)) for factor, pieces in chains]
    middle = torch.stack([factor * one.middle for factor, one in followed]).sum(dim=0)
    sizes = torch.stack([abs(factor) * (one.middle.abs() + one.spread) for factor, one in followed]).sum(dim=0)
    spread = torch.stack([abs(factor) * one.spread for factor, one in followed]).sum(dim=0)
    total = middle.abs() + spread + (len(followed) + 4) * EPSILON * sizes
    sums = total.sum(dim=2 if norm == "Linf" else 1)
    return round_up(sums.amax(dim=1), sum(total.shape[1:]) + 4)


def _through(pieces: list[PreparedMap | nn.Module], center: Tensor, radii: Tensor, norm: Norm) -> _Followed:
    identity = torch.eye(center.shape[1], dtype=torch.float64, device=center.device).expand(len(center), -1, -1)
    followed = _Followed(
        box=around(center, radii[:, None].expand_as(center)),
        error=torch.zeros_like(center),
        middle=identity,
        spread=torch.zeros_like(identity),
    )
    for piece in pieces:
        followed = _affine(followed, piece, radii, norm) if isinstance(piece, PreparedMap) else _bent(followed, piece)
    return followed


def _affine(before: _Followed, layer: PreparedMap, radii: Tensor, norm: Norm) -> _Followed:
    """After x -> Wx + b. A point is off the centre's image by at most r times the dual norms of the Jacobian's rows."""
    gamma, magnitude = layer.product_error, layer.magnitude
    sizes = magnitude @ before.middle.abs()
    spread = (magnitude @ before.spread * (1.0 + 2 * gamma)) + 2 * gamma * sizes
    middle = layer.matrix @ before.middle
    value, rounded = affine_value(layer, before.box.center)
    error = (before.error @ magnitude.T) * (1.0 + 2 * gamma) + rounded
    rows = middle.abs() + spread
    dual = rows.sum(dim=2) if norm == "Linf" else rows.amax(dim=2)
    reach = round_up(radii[:, None] * dual + error, rows.shape[2] + 4)
    return _Followed(box=affine_box(before.box, layer, value, reach), error=error, middle=middle, spread=spread)


def _bent(before: _Followed, activation: nn.Module) -> _Followed:
    """After an activation, whose slopes on the box are c ± q."""
    slopes = activation_slopes(activation, before.box.lower, before.box.upper)
    middle, half = (slopes.high + slopes.low) / 2, (slopes.high - slopes.low) / 2
    steepest = torch.maximum(slopes.high.abs(), slopes.low.abs())
    half = (half + 2 * EPSILON * steepest)[:, :, None]
    value, rounded = activation_value(activation, before.box.center)
    spread = (steepest[:, :, None] * before.spread + half * before.middle.abs()) * (1.0 + 8 * EPSILON)
    spread = spread + 2 * EPSILON * steepest[:, :, None] * before.middle.abs()
    return replace(
        before,
        box=activation_box(before.box, activation, slopes, value),
        error=(steepest * before.error + rounded) * (1.0 + 8 * EPSILON),
        middle=middle[:, :, None] * before.middle,
        spread=spread,
    )
