"""The largest radius per image that was verified, where the constants depend on the radius."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_empirical.certification.margins import PairMargins

PairConstants: TypeAlias = Callable[[Tensor, Tensor], Float[Tensor, "some classes"]]
"""(rows, radii) -> C_j of these images, valid on their whole balls of these radii."""

HALVINGS = 8


def verified_radii(
    margins: PairMargins,
    constants: PairConstants,
    *,
    known: Float[Tensor, " images"],
    asked: Sequence[float],
    largest: float,
) -> Float[Tensor, " images"]:
    """Radii that constants on a ball at least as large verify; at the asked radii, exactly where these do.

    Constants of the ball of radius r hold on every smaller one. So one look at r verifies min(r, min_j room_j/C_j(r)),
    which is how a bisection between what is verified and what is not goes on; nothing is interpolated.

    Args:
        margins: of all images.
        constants: of some images on balls; more on a larger ball.
        known: radii verified already.
        asked: every one is looked at.
        largest: no radius beyond it is looked for.
    """
    verified = known.clamp_max(largest)
    beyond = torch.full_like(known, largest)  # not verified there, or not to be looked at
    active = (margins.room > 0).all(dim=1)

    def look(rows: Tensor, radii: Tensor) -> None:
        found = torch.minimum(radii, margins.of(rows).radii(constants(rows, radii)))
        verified[rows] = torch.maximum(verified[rows], found)
        beyond[rows] = torch.where(found < radii, torch.minimum(beyond[rows], radii), beyond[rows])

    for epsilon in sorted(set(asked)):
        rows = (active & (verified < epsilon) & (beyond > epsilon)).nonzero()[:, 0]
        if len(rows):
            look(rows, torch.full_like(known[rows], epsilon))
    for _ in range(HALVINGS):
        rows = (active & (beyond > verified * (1.0 + 1e-3))).nonzero()[:, 0]
        if len(rows) == 0:
            break
        # The constants at what is verified are the least that can hold beyond it: a guess that is exact where they
        # do not change; half-way, where it failed before.
        middle = 0.5 * (verified[rows] + beyond[rows])
        look(rows, middle)
    return verified
