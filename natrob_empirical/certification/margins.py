"""Logit gaps with the rounding taken off, and the radii they give."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from natrob_empirical.certification.gap_allowance import GapAllowance

SAFETY = 1.0 + 2.0**-48
"""For the few roundings of a radius itself."""


@dataclass(frozen=True, kw_only=True)
class PairMargins:
    """The distance of each image's label from every other class.

    With C_j a Lipschitz constant of the gap to class j on a ball of radius r, the label holds in it if
    room_j > (C_j + slope_j)·r for every j. The own label has room ∞.

    Attributes:
        room: the computed gap s_y − s_j less the allowance at the image itself; NaN never, −∞ where nothing is known.
        distances: ‖w_y − w_j‖₂.
        slope: by how much the allowance grows with the radius.
        correct: the computed label is the true one; never where a logit is NaN.
    """

    room: Float[Tensor, "images classes"]
    distances: Float[Tensor, "images classes"]
    slope: Float[Tensor, "images classes"]
    correct: Bool[Tensor, " images"]

    def __len__(self) -> int:
        return len(self.room)

    def of(self, rows: Tensor) -> "PairMargins":
        """Those of some images."""
        return PairMargins(
            room=self.room[rows], distances=self.distances[rows], slope=self.slope[rows], correct=self.correct[rows]
        )

    def radii(self, constants: Float[Tensor, "images classes"]) -> Float[Tensor, " images"]:
        """min_j room_j/(C_j + slope_j), rounded down; 0 where there is no room. Up to it the label holds.

        Args:
            constants: C_j, valid wherever the result is to be used.
        """
        steepness = (constants + self.slope) * SAFETY
        ratios = torch.where(self.room > 0, self.room / steepness, 0.0)
        ratios = torch.nan_to_num(ratios, nan=0.0, posinf=torch.inf)
        least = ratios.amin(dim=1) / SAFETY
        # The gaps are to exceed what moves them, so the very last number is given up where they would be equal.
        return torch.nextafter(least, torch.zeros_like(least))


def pair_margins(
    head: nn.Linear,
    features: Float[Tensor, "images features"],
    y: Int64[Tensor, " images"],
    norms: Float[Tensor, " images"],
    distances: Float[Tensor, "classes classes"],
    *,
    clean: GapAllowance,
    deployed: GapAllowance | None,
) -> PairMargins:
    """The margins of images from their features in float64.

    Args:
        head: in float64.
        features: of the clean images.
        y: true labels.
        norms: ‖x‖₂ of the images.
        distances: of the head's rows.
        clean: of the float64 pass.
        deployed: of the network as it is run, at any image of the ball.
    """
    with torch.no_grad():
        logits = head(features)
    gaps = logits.gather(1, y[:, None]) - logits
    length = norms[:, None] * SAFETY
    room = gaps - (clean.per_norm[y] * length + clean.constant[y]) * SAFETY
    slope = torch.zeros_like(gaps)
    if deployed is not None:
        slope = deployed.per_norm.to(gaps)[y]
        room = room - (slope * length + deployed.constant[y]) * SAFETY
    correct = (logits.argmax(dim=1) == y) & ~logits.isnan().any(dim=1)  # argmax takes a NaN for the largest
    room = torch.nan_to_num(room, nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf).scatter(1, y[:, None], torch.inf)
    return PairMargins(room=room, distances=distances[y], slope=slope, correct=correct)
