"""The points of a ball as they are known on the way through a map.

Between two points of the ball the map so far acts as J + E, ‖E‖ ≤ e, and as a whole with constant at most p; J is its
Jacobian at the centre. After a layer of which only a constant is known all begins anew, with J = I, on a larger ball.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.bounds.local.ball_image import Box, around
from natrob_theory.numbers.rounding import EPSILON, round_up
from natrob_theory.spectra.singular_values import spectral_norms_lower, spectral_norms_upper


@dataclass(frozen=True, kw_only=True)
class Points:
    """The points of a ball after some parts of the map, per sample, on flat vectors in float64.

    Attributes:
        box: where they are; None if nothing is known of it.
        drift: ‖computed − exact image of the centre‖₂ ≤ drift.
        outer: constant of the map before J, E and p begin: 1, or up to the last layer known by its constant alone.
        radius: of the ball in which they begin.
        jacobian: J, (batch or 1, entries, inputs); None for the identity.
        deviation: e.
        constant: p.
        settled: whether p is at most ‖J‖ + e already.
    """

    box: Box | None
    drift: Float[Tensor, " batch"]
    outer: Float[Tensor, " batch"]
    radius: Float[Tensor, " batch"]
    jacobian: Float[Tensor, "samples entries inputs"] | None
    deviation: Float[Tensor, " batch"]
    constant: Float[Tensor, " batch"]
    settled: bool

    def matrix(self, entries: int) -> Float[Tensor, "samples entries inputs"]:
        """J written out."""
        if self.jacobian is not None:
            return self.jacobian
        return torch.eye(entries, dtype=torch.float64, device=self.radius.device)[None]

    def least(self) -> Float[Tensor, " batch"]:
        """p, or ‖J‖ + e where that is less."""
        return self.constant if self.settled else at_most_around(self.constant, self.jacobian, self.deviation)

    def begun_anew(self, factor: Float[Tensor, " batch"] | float, center: Tensor | None, rounding: Tensor) -> "Points":
        """After a layer with constant `factor` that takes the computed centre to `center`, up to `rounding`."""
        zero, grown = torch.zeros_like(self.outer), self.least() * factor
        drift = round_up(factor * self.drift + rounding, 8)
        radius = round_up(self.radius * grown, 4)
        return Points(
            box=None if center is None else around(center, round_up(radius + drift, 2)[:, None]),
            drift=drift,
            outer=round_up(self.outer * grown, 4),
            radius=radius,
            jacobian=None,
            deviation=zero,
            constant=zero + 1.0,
            settled=True,
        )


def points_of_ball(center: Float[Tensor, "batch entries"], radius: Float[Tensor, " batch"]) -> Points:
    """The ball itself."""
    zero, one = torch.zeros_like(radius), torch.ones_like(radius)
    box = around(center, radius[:, None])
    return Points(
        box=box, drift=zero, outer=one, radius=radius, jacobian=None, deviation=zero, constant=one, settled=True
    )


def moved_box(
    center: Tensor, drift: Tensor, jacobian: Tensor, deviation: Tensor, constant: Tensor, radius: Tensor
) -> Box:
    """center ± (min(‖J_i‖ + e, p)r + drift), entry by entry.

    Proof: proofs/symbolic/local_map.py.
    """
    rows = torch.linalg.vector_norm(jacobian, dim=2) * (1.0 + (jacobian.shape[2] + 8) * EPSILON)
    reach = torch.minimum(rows + deviation[:, None], constant[:, None]) * radius[:, None]
    return around(center, round_up(reach + drift[:, None], 8))


def at_most_around(least: Tensor, jacobian: Tensor | None, deviation: Tensor) -> Tensor:
    """min(least, ‖J‖ + e), with singular values only where a lower bound of ‖J‖ leaves it open which one is less."""
    if jacobian is None:
        return least
    if len(jacobian) != len(deviation):
        return round_up(torch.minimum(least, spectral_norms_upper(jacobian) + deviation), 2)
    undecided = spectral_norms_lower(jacobian) + deviation < least
    if not bool(undecided.any()):
        return least
    by_jacobian = round_up(spectral_norms_upper(jacobian[undecided]) + deviation[undecided], 2)
    return least.masked_scatter(undecided, torch.minimum(least[undecided], by_jacobian))
