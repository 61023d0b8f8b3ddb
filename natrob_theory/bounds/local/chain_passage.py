"""One chain of matrices and activations over a ball: its Jacobian at the centre, and what can change in the ball.

Between two points of the ball the map so far acts as J + E, ‖E‖ ≤ e, and as a whole with constant at most p. A chain
acts as Φ = W_L D_{L−1} ⋯ D_1 W_1 with diagonals D of secant slopes, Φ° the same with the slopes D° at the centre. Then
Φ(J + E) = Φ°J + (Φ − Φ°)J + ΦE, and of the three this file finds Φ°J and a bound of ‖(Φ − Φ°)J‖ (theory, section 5).
"""

from dataclasses import replace
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.bounds.local.ball_image import ACTIVATION_ERROR
from natrob_theory.layers.answers import activation_slopes
from natrob_theory.layers.statements import AffineMap, Piece
from natrob_theory.numbers.rounding import EPSILON, round_up
from natrob_theory.spectra.singular_values import spectral_norm_upper, spectral_norms_upper


class Points(NamedTuple):
    """The points of a ball after some layers, per sample, on flat vectors in float64.

    Attributes:
        center: the computed image of the ball's centre.
        drift: ‖center − exact image‖ ≤ drift.
        jacobian: J at the centre, (batch, entries, inputs).
        deviation: e.
        constant: p.
    """

    center: Float[Tensor, "batch entries"]
    drift: Float[Tensor, " batch"]
    jacobian: Float[Tensor, "batch entries inputs"]
    deviation: Float[Tensor, " batch"]
    constant: Float[Tensor, " batch"]


class Passed(NamedTuple):
    """A chain over the ball.

    Attributes:
        value: the chain at the centre.
        drift: what the chain's own evaluation at the computed centre errs by.
        jacobian: Φ°J.
        switching: ‖(Φ − Φ°)J‖ ≤ switching, the rounding of Φ°J included.
        steepness: ‖Φ‖ ≤ steepness.
    """

    value: Tensor
    drift: Tensor
    jacobian: Tensor
    switching: Tensor
    steepness: Tensor


class PreparedChain:
    """A chain with the norms of its matrices, computed once.

    Args:
        chain: matrices and activations only.
    """

    def __init__(self, chain: list[Piece]) -> None:
        self._chain = chain
        self._device: torch.device | None = None
        self._norms = [
            spectral_norm_upper(p.matrix, input_error=p.entry_error) if isinstance(p, AffineMap) else 0.0 for p in chain
        ]
        self._rows = [torch.linalg.vector_norm(p.matrix, dim=1) if isinstance(p, AffineMap) else None for p in chain]

    @property
    def widest(self) -> int:
        """The most entries of a vector on the way."""
        return max([1, *(max(p.matrix.shape) for p in self._chain if isinstance(p, AffineMap))])

    def over(self, points: Points, radius: Float[Tensor, " batch"]) -> Passed:
        """The chain over the ball of this radius around the network's input."""
        self._move_to(points.center.device)
        zero = torch.zeros_like(radius)
        passed = Passed(points.center, zero, points.jacobian, zero, torch.ones_like(radius))
        slopes: tuple[Tensor, Tensor] | None = None
        reach: Tensor | None = None
        for piece, norm, rows in zip(self._chain, self._norms, self._rows, strict=True):
            if isinstance(piece, AffineMap) and rows is not None:
                passed, reach = self._through_matrix(piece, norm, rows, passed, slopes, points, radius)
                slopes = None
            else:
                passed, slopes = self._through_activation(piece.module, passed, slopes, points, radius, reach)  # type: ignore[union-attr]
                reach = None
        return passed if slopes is None else _closed(passed, slopes)

    def _move_to(self, device: torch.device) -> None:
        """The matrices beside the points: that of a layer without weights was made where no device was known."""
        if device == self._device:
            return
        self._device = device
        self._chain = [_on(device, piece) if isinstance(piece, AffineMap) else piece for piece in self._chain]
        self._rows = [None if rows is None else rows.to(device) for rows in self._rows]

    @staticmethod
    def _through_matrix(
        layer: AffineMap,
        norm: float,
        rows: Tensor,
        passed: Passed,
        slopes: tuple[Tensor, Tensor] | None,
        points: Points,
        radius: Tensor,
    ) -> tuple[Passed, Tensor]:
        """W after the slopes since the last matrix; and how far each pre-activation can move, |WΦ(J + E)|r."""
        gamma = (layer.matrix.shape[1] + 8) * EPSILON + layer.entry_error
        weight, inner = layer.matrix, passed.jacobian
        switching = norm * passed.switching
        if slopes is not None:
            at_center, deviation = slopes
            switching = switching + switched(layer, inner, deviation)
            inner = at_center[:, :, None] * inner
        jacobian = weight @ inner
        size = torch.linalg.matrix_norm(inner) * float(torch.linalg.matrix_norm(weight))
        switching = round_up(switching + 4 * gamma * size, 16)
        value = passed.value @ weight.T + layer.bias
        error = gamma * (passed.value.abs() @ weight.abs().T + layer.bias.abs()) + layer.bias_error
        drift = round_up(norm * passed.drift + torch.linalg.vector_norm(error, dim=1), 16)
        own = (
            torch.linalg.vector_norm(jacobian, dim=2)
            + rows * (passed.steepness * points.deviation + passed.switching)[:, None]
        )
        if slopes is not None:
            own = own + rows * (slopes[1].amax(dim=1) * torch.linalg.matrix_norm(passed.jacobian))[:, None]
        by_constant = rows * (passed.steepness * points.constant)[:, None]
        moves = torch.minimum(own, by_constant) * radius[:, None]
        reach = moves * (1.0 + 8 * gamma) + 4 * gamma * size[:, None] * radius[:, None]
        off_center = passed.drift + passed.steepness * points.drift
        reach = round_up(reach + rows * off_center[:, None] + 2 * error, 16)
        return Passed(value, drift, jacobian, switching, round_up(norm * passed.steepness, 4)), reach

    @staticmethod
    def _through_activation(
        activation: nn.Module,
        passed: Passed,
        slopes: tuple[Tensor, Tensor] | None,
        points: Points,
        radius: Tensor,
        reach: Tensor | None,
    ) -> tuple[Passed, tuple[Tensor, Tensor]]:
        """The slopes on the box of the pre-activations; J itself is scaled with the next matrix."""
        if slopes is not None:
            passed = _closed(passed, slopes)
        if reach is None:
            whole = passed.steepness * (points.constant * radius + points.drift) + passed.drift
            reach = round_up(whole, 8)[:, None].expand_as(passed.value)
        lower = torch.nextafter(passed.value - reach, torch.full_like(reach, -torch.inf))
        upper = torch.nextafter(passed.value + reach, torch.full_like(reach, torch.inf))
        box = activation_slopes(activation, lower, upper)
        tangent = activation_slopes(activation, passed.value, passed.value)
        at_center = 0.5 * (tangent.low + tangent.high)
        deviation = torch.maximum(box.high - at_center, at_center - box.low).clamp_min(0.0) * (1.0 + 4 * EPSILON)
        largest = torch.maximum(box.low.abs(), box.high.abs()).amax(dim=1)
        value = activation(passed.value)
        rounding = torch.linalg.vector_norm(ACTIVATION_ERROR * (passed.value.abs() + value.abs()), dim=1)
        return (
            Passed(
                value,
                round_up(largest * passed.drift + rounding, 8),
                passed.jacobian,
                round_up(largest * passed.switching, 4),
                round_up(largest * passed.steepness, 4),
            ),
            (at_center, deviation),
        )


def _on(device: torch.device, layer: AffineMap) -> AffineMap:
    return replace(
        layer,
        matrix=layer.matrix.to(device),
        bias=layer.bias.to(device),
        bias_error=layer.bias_error.to(device),
    )


def switched(layer: AffineMap, jacobian: Tensor, deviation: Float[Tensor, "batch entries"]) -> Float[Tensor, " batch"]:
    """At least ‖WΘΔJ‖ for every diagonal |Θ| ≤ 1: by ‖W√Δ‖‖√ΔJ‖, or √(‖M‖₁‖M‖_∞) of M = |W|Δ|J|.

    Only rows of J and columns of W where Δ is not 0 count; where Δ = 0 everywhere the bound is 0.

    Proof: proofs/symbolic/local_lipschitz.py.
    """
    unstable = (deviation > 0).any(dim=0)
    if not bool(unstable.any()):
        return torch.zeros_like(deviation[:, 0])
    weight, inner, moved = layer.matrix[:, unstable], jacobian[:, unstable], deviation[:, unstable]
    error = layer.entry_error + 4 * EPSILON
    root = moved.sqrt()
    left = spectral_norms_upper(weight * root[:, None, :], input_error=error)
    right = spectral_norms_upper(root[:, :, None] * inner, input_error=4 * EPSILON)
    sizes, others = weight.abs(), inner.abs()
    columns = others.mT @ (moved * sizes.sum(dim=0))[:, :, None]
    rows = (moved * others.sum(dim=2)) @ sizes.T
    entries = sum(weight.shape) + inner.shape[2]
    schur = torch.sqrt(columns.amax(dim=(1, 2)) * rows.amax(dim=1)) * (1.0 + (entries + 16) * EPSILON + error)
    return round_up(torch.minimum(left * right, schur), 4)


def _closed(passed: Passed, slopes: tuple[Tensor, Tensor]) -> Passed:
    """A chain whose last piece is an activation: ‖ΘΔJ‖ ≤ ‖ΔJ‖_F."""
    at_center, deviation = slopes
    moved = torch.linalg.matrix_norm(deviation[:, :, None] * passed.jacobian) * (1.0 + 1e-12)
    jacobian = at_center[:, :, None] * passed.jacobian
    rounding = EPSILON * torch.linalg.matrix_norm(jacobian)
    return passed._replace(jacobian=jacobian, switching=round_up(passed.switching + moved + rounding, 8))
