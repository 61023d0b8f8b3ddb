"""Chains of matrices and activations over a ball: the Jacobian at the centre, and what can change in the ball.

Between two points of the ball a chain acts as Φ = W_L D_{L−1} ⋯ D_1 W_1 with diagonals D of secant slopes, which lie
in intervals once boxes hold the pre-activations; Φ° is the same with the slopes D° at the centre. Write Δ for the
largest |D − D°| and D̂ for the largest |D|. After a map that acts as J + E, ‖E‖ ≤ e, with constant at most p,

    Φ(J + E) = Φ°J + (Φ − Φ°)J + ΦE, and this file finds Φ°J, s ≥ ‖(Φ − Φ°)J‖ and t ≥ ‖Φ‖: an activation and a matrix W
    take them to WD°Φ°J, ‖WD̂‖s + min(‖W√Δ‖‖√ΔΦ°J‖, √(‖M‖₁‖M‖_∞)), M = |W|Δ|Φ°J|, and ‖WD̂‖t.

p' is the least of ‖WD̂‖p, ‖W√D̂‖‖√D̂Φ°J‖ + ‖WD̂‖e and ‖Φ°J‖ + e, with e the chain's s + te: rows and columns with
slope 0 are gone. Boxes are the intersection of the box's own image and the centre's ± how far each entry moves.

D° does not depend on the radius while Δ and D̂ grow with it, so every form, and hence every bound, is monotone in the
radius; at radius 0, Δ = 0 away from kinks and Φ = Φ°.

Proof: proofs/symbolic/local_lipschitz.py, proofs/symbolic/local_map.py.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias, final

import torch
from torch import Tensor, nn

from natrob_theory.bounds.local.ball_image import (
    Box,
    activation_box,
    activation_value,
    affine_box,
    affine_value,
)
from natrob_theory.bounds.local.points import Points, at_most_around
from natrob_theory.bounds.local.prepared_map import PreparedMap
from natrob_theory.bounds.local.switching import switched
from natrob_theory.layers.questions import activation_slopes
from natrob_theory.layers.statements import Activation, AffineMap
from natrob_theory.numbers.rounding import EPSILON, round_up
from natrob_theory.spectra.scaled_norms import scaled_rows_norms_upper

WRITTEN_OUT = 256
"""The most entries of which activations before any matrix become a diagonal matrix."""


class Scaling(NamedTuple):
    """The diagonal of the activations since the last matrix: D°, Δ and D̂, each (batch or 1, entries or 1)."""

    center: Tensor
    deviation: Tensor
    largest: Tensor

    @property
    def steepest(self) -> Tensor:
        """‖D‖ at most."""
        return self.largest.amax(dim=1)


@dataclass(frozen=True, kw_only=True)
class Passed:
    """A chain over the ball, up to its last matrix but for box and drift.

    Attributes:
        box: after all of its pieces.
        drift: what the chain's own evaluation at the computed centre errs by.
        jacobian: Φ°J; None for the identity.
        switching: s, the rounding of Φ°J included.
        steepness: t.
        constant: p'.
        settled: whether p' is at most ‖Φ°J‖ + s + te already.
        scaling: of the activations since.
    """

    box: Box | None
    drift: Tensor
    jacobian: Tensor | None
    switching: Tensor
    steepness: Tensor
    constant: Tensor
    settled: bool
    scaling: Scaling | None

    def deviation(self, points: Points) -> Tensor:
        """s + te."""
        return round_up(self.switching + self.steepness * points.deviation, 4)

    def least(self, deviation: Tensor) -> Tensor:
        """p', or ‖Φ°J‖ + `deviation` where that is less."""
        return self.constant if self.settled else at_most_around(self.constant, self.jacobian, deviation)


class Slope(NamedTuple):
    """Everything that a step needs of its field's chain.

    Attributes:
        value: the chain at the centre; None if the centre is not known.
        drift: what the chain's own evaluation at the computed centre errs by.
        jacobian: Φ°J.
        switching: s, the rounding of Φ°J included.
    """

    value: Tensor | None
    drift: Tensor
    jacobian: Tensor
    switching: Tensor


Factors: TypeAlias = Callable[[Passed, PreparedMap, Tensor], tuple[Tensor, Tensor, Tensor]]
"""From the chain before a matrix W and its e: ‖WD̂‖, p before W and after it."""


@final
class PreparedChain:
    """A chain, with what its matrices share for all balls.

    Args:
        pieces: matrices and activations only.
        middle: take D° in the middle of the slopes on the ball, not at its centre: Δ is then least, Φ° no Jacobian.
    """

    def __init__(self, pieces: Sequence[AffineMap | Activation], *, middle: bool = False) -> None:
        self._middle = middle
        self._pieces = [PreparedMap(p) if isinstance(p, AffineMap) else p.module for p in pieces]

    @property
    def maps(self) -> list[PreparedMap]:
        """Its matrices."""
        return [piece for piece in self._pieces if isinstance(piece, PreparedMap)]

    def over(self, points: Points, most: float, *, followed: bool) -> Points:
        """The points after it, ‖Φ‖ ≤ `most`: J' = Φ°J, and (Φ − Φ°)J + ΦE; their box only if `followed`."""
        last = 1 + max((i for i, p in enumerate(self._pieces) if not isinstance(p, PreparedMap)), default=-1)
        passed = self._through(self._pieces[:last], points, _by_all_forms)
        if not followed:
            passed = replace(passed, box=None)
        passed = self._after_all(passed, self._pieces[last:], points, _by_all_forms)
        if passed.scaling is not None:
            passed = _closed(passed, passed.scaling, points)
        passed = replace(passed, steepness=passed.steepness.clamp_max(most))
        deviation = passed.deviation(points)
        constant = passed.least(deviation) if followed else passed.constant
        return replace(
            points,
            box=passed.box,
            drift=round_up(passed.drift + passed.steepness * points.drift, 4),
            jacobian=passed.jacobian,
            deviation=deviation,
            constant=torch.minimum(constant, round_up(passed.steepness * points.constant, 2)),
            settled=passed.settled or followed,
        )

    def constant(self) -> float:
        """‖Φ‖ between any two states: the same forms with the slopes on the whole line."""
        one = torch.ones(1, dtype=torch.float64, device=next((m.matrix.device for m in self.maps), None))
        nowhere = Points(
            box=None,
            drift=0.0 * one,
            outer=one,
            radius=0.0 * one,
            jacobian=None,
            deviation=0.0 * one,
            constant=one,
            settled=True,
        )
        return float(self.over(nowhere, math.inf, followed=False).least())

    def slope(self, points: Points, entries: int) -> Slope:
        """Φ°J and what bounds (Φ − Φ°)J, written out; the points have so many entries."""
        if not self._pieces or not isinstance(last := self._pieces[-1], PreparedMap):
            passed = self._through(self._pieces, points, _by_norms)
            if passed.scaling is not None:
                passed = _closed(passed, passed.scaling, points)
            value = None if passed.box is None else passed.box.center
            jacobian = points.matrix(entries) if passed.jacobian is None else passed.jacobian
            return Slope(value, passed.drift, jacobian, passed.switching)
        passed = self._through(self._pieces[:-1], points, _by_norms)
        last = last.on(points.radius.device)
        value, drift = None, passed.drift
        if passed.box is not None:
            value, drift, _ = _evaluated(passed, last, passed.box.center)
        jacobian, moved = _centered(passed, last)
        norm = last.norm if passed.scaling is None else round_up(last.norm * passed.scaling.steepest, 2)
        return Slope(value, drift, jacobian, round_up(norm * passed.switching + moved, 16))

    def _through(self, pieces: list[PreparedMap | nn.Module], points: Points, factors: Factors) -> Passed:
        zero = torch.zeros_like(points.radius)
        passed = Passed(
            box=points.box,
            drift=zero,
            jacobian=points.jacobian,
            switching=zero,
            steepness=zero + 1.0,
            constant=points.constant,
            settled=points.settled,
            scaling=None,
        )
        return self._after_all(passed, pieces, points, factors)

    def _after_all(
        self, passed: Passed, pieces: list[PreparedMap | nn.Module], points: Points, factors: Factors
    ) -> Passed:
        for piece in pieces:
            if isinstance(piece, PreparedMap):
                passed = _after_affine(passed, piece.on(points.radius.device), points, factors)
            else:
                passed = _after_activation(passed, piece, middle=self._middle)
        return passed


def _after_activation(passed: Passed, activation: nn.Module, *, middle: bool) -> Passed:
    """The slopes on the box join those of an activation directly before."""
    box, drift = passed.box, passed.drift
    if box is None:
        end = passed.drift.new_full((1, 1), torch.inf)
        slopes = activation_slopes(activation, -end, end)
        at_center = 0.5 * (slopes.low + slopes.high)
    else:
        slopes = activation_slopes(activation, box.lower, box.upper)
        tangent = slopes if middle else activation_slopes(activation, box.center, box.center)
        at_center = 0.5 * (tangent.low + tangent.high)
    deviation = torch.maximum(slopes.high - at_center, at_center - slopes.low).clamp_min(0.0) * (1.0 + 4 * EPSILON)
    largest = torch.maximum(slopes.low.abs(), slopes.high.abs())
    if box is not None:
        center, error = activation_value(activation, box.center)
        drift = round_up(largest.amax(dim=1) * drift + torch.linalg.vector_norm(error, dim=1), error.shape[1] + 8)
        box = activation_box(box, activation, slopes, center)
    if passed.scaling is not None:  # |d₂d₁ − D₂D₁| ≤ |d₂||d₁ − D₁| + |D₁||d₂ − D₂|
        before = passed.scaling
        deviation = round_up(largest * before.deviation + deviation * before.center.abs(), 8)
        at_center = at_center * before.center
        deviation = deviation + 4 * EPSILON * at_center.abs()
        largest = round_up(largest * before.largest, 2)
    return replace(passed, box=box, drift=drift, scaling=Scaling(at_center, deviation, largest))


def _after_affine(passed: Passed, layer: PreparedMap, points: Points, factors: Factors) -> Passed:
    """All of it after the activations since the last matrix and then this one."""
    scaling, before = passed.scaling, passed.deviation(points)
    norm, least, constant = factors(passed, layer, before)
    jacobian, moved = _centered(passed, layer)
    box, drift = passed.box, passed.drift
    if box is not None:
        center, drift, error = _evaluated(passed, layer, box.center)
        reach = _reach(replace(passed, constant=least), layer, jacobian, before) * points.radius[:, None]
        off_center = passed.drift + passed.steepness * _steepest(scaling) * points.drift
        reach = round_up(reach + layer.row_norms * off_center[:, None] + error, 16)
        box = affine_box(box, layer, center, reach)
    return Passed(
        box=box,
        drift=drift,
        jacobian=jacobian,
        switching=round_up(norm * passed.switching + moved, 16),
        steepness=round_up(norm * passed.steepness, 4),
        constant=round_up(constant, 16),
        settled=passed.jacobian is None and scaling is None,
        scaling=None,
    )


def _by_norms(passed: Passed, layer: PreparedMap, before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """‖WD̂‖ ≤ ‖W‖‖D̂‖, p before W and after it."""
    if passed.scaling is None:
        norm = torch.full_like(passed.constant, layer.norm)
    else:
        norm = round_up(layer.norm * passed.scaling.steepest, 2)
    return norm, passed.constant, norm * passed.constant


def _by_all_forms(passed: Passed, layer: PreparedMap, before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """‖WD̂‖, p before W and after it; `before` is e."""
    scaling = passed.scaling
    if scaling is None:
        return _by_norms(passed, layer, before)
    least, norm = passed.least(before), layer.scaled_norm(scaling.largest)
    left = norm if _is_its_own_root(scaling.largest) else None
    product = _product_form(layer, passed.jacobian, scaling.largest, left=left)
    return norm, least, torch.minimum(norm * least, product + norm * before)


def _evaluated(passed: Passed, layer: PreparedMap, center: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The computed image of the centre, the chain's own drift, and the entries' errors in this layer."""
    value, error = affine_value(layer, center)
    drift = layer.norm * passed.drift + torch.linalg.vector_norm(error, dim=1)
    return value, round_up(drift, error.shape[1] + 8), error


def _centered(passed: Passed, layer: PreparedMap) -> tuple[Tensor, Tensor]:
    """WD°Φ°J, and at least ‖W(D − D°)Φ°J‖ with what the product errs by, in ‖·‖_F."""
    weight, inner, scaling = layer.matrix, passed.jacobian, passed.scaling
    if inner is None:
        if scaling is None:
            return weight[None], torch.full_like(passed.drift, layer.entry_error * layer.size)
        jacobian = weight * scaling.center[:, None, :]
        error = (layer.entry_error + EPSILON) * _size(jacobian)
        return jacobian, switched(layer, inner, scaling.deviation) + error
    moved = torch.zeros_like(passed.drift)
    if scaling is not None:
        moved = switched(layer, inner, scaling.deviation)
        inner = scaling.center[:, :, None] * inner
    return weight @ inner, moved + layer.product_error * layer.size * _size(inner)


def _size(matrix: Tensor) -> Tensor:
    return torch.linalg.matrix_norm(matrix) * (1.0 + 1e-9)


def _reach(passed: Passed, layer: PreparedMap, jacobian: Tensor, before: Tensor) -> Tensor:
    """How far entries move, over the radius: ‖w_iD̂‖p, or ‖w_iD°J‖ + Σ_j |w_ij|Δ_j‖J_j‖ + ‖w_iD̂‖e where that is less.

    Proof: proofs/symbolic/local_lipschitz.py.
    """
    scaling = passed.scaling
    rows = layer.row_norms if scaling is None else layer.scaled_rows(scaling.largest)
    by_constant = rows * passed.constant[:, None]
    if passed.jacobian is None:
        return by_constant
    gamma = jacobian.shape[2] * EPSILON + layer.product_error
    own = torch.linalg.vector_norm(jacobian, dim=2) + rows * before[:, None]
    size = _size(passed.jacobian)
    if scaling is not None:
        changes = scaling.deviation * torch.linalg.vector_norm(passed.jacobian, dim=2)
        own = own + changes @ layer.magnitude.T
        size = size * scaling.center.abs().amax(dim=1)
    own = own + (2 * layer.product_error) * layer.row_norms * size[:, None]
    return torch.minimum(by_constant, own * (1.0 + 2 * gamma))


def _steepest(scaling: Scaling | None) -> Tensor | float:
    return 1.0 if scaling is None else scaling.steepest


def _is_its_own_root(diagonal: Tensor) -> bool:
    """Whether √D = D: slopes of 0 and 1 only, those of a rectifier."""
    return bool(((diagonal == 0) | (diagonal == 1)).all())


def _product_form(
    layer: PreparedMap, jacobian: Tensor | None, diagonal: Tensor, *, left: Tensor | None = None
) -> Tensor:
    """‖W√D‖‖√D J‖ for a nonnegative diagonal; `left` is the first factor where it is known."""
    if jacobian is None:
        return layer.scaled_norm(diagonal)
    root = diagonal.sqrt()
    if left is None:
        left = layer.scaled_norm(root)
    return left * scaled_rows_norms_upper(root, jacobian, input_error=4 * EPSILON)


def _closed(passed: Passed, scaling: Scaling, points: Points) -> Passed:
    """A chain with the activations at its end: ‖ΘΔJ‖ ≤ ‖ΔJ‖."""
    before, inner = passed.deviation(points), passed.jacobian
    constant = round_up(scaling.steepest * passed.least(before), 4)
    if inner is None:
        entries = math.inf if passed.box is None else passed.box.center.shape[1]
        if entries > WRITTEN_OUT:  # ‖D − I‖ ≤ ‖D‖ + 1
            return replace(
                passed,
                switching=constant + 1.0,
                steepness=round_up(scaling.steepest + 0.0, 2),
                constant=constant,
                scaling=None,
            )
        jacobian = torch.diag_embed(scaling.center)
        moved = scaling.deviation.amax(dim=1)
    else:
        jacobian = scaling.center[:, :, None] * inner
        moved = scaled_rows_norms_upper(scaling.deviation, inner, input_error=4 * EPSILON)
        squeezed = scaled_rows_norms_upper(scaling.largest, inner, input_error=4 * EPSILON)
        constant = torch.minimum(constant, round_up(squeezed + scaling.steepest * before, 4))
    moved = moved + EPSILON * _size(jacobian)
    return replace(
        passed,
        jacobian=jacobian,
        switching=round_up(scaling.steepest * passed.switching + moved, 8),
        steepness=round_up(scaling.steepest * passed.steepness, 4),
        constant=constant,
        settled=False,
        scaling=None,
    )
