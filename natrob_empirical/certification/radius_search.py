"""The largest radius per image that was verified, where the constants depend on the radius."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from natrob_empirical.certification.margins import PairMargins

PairConstants: TypeAlias = Callable[[Tensor, Tensor], Float[Tensor, "some classes"]]
"""(rows, radii) -> C_j of these images, valid on their whole balls of these radii."""

VerifiedOn: TypeAlias = Callable[[Tensor, Tensor], Float[Tensor, " some"]]
"""(rows, radii) -> what bounds of these images on their balls of these radii verify, valid up to these."""

HALVINGS = 8
IMAGES_AT_ONCE = 64
"""So many are looked at together, between two reports of progress."""


@dataclass(frozen=True, kw_only=True)
class SearchProgress:
    """How far the search is.

    Attributes:
        look: the radius of every image that is looked at, counted from 1.
        looks: how many there are at most.
        done, images: of this look.
    """

    look: int
    looks: int
    done: int
    images: int


def verified_radii(
    margins: PairMargins,
    constants: PairConstants,
    *,
    known: Float[Tensor, " images"],
    asked: Sequence[float],
    largest: float,
    progress: Callable[[SearchProgress], None] | None = None,
    settled: Callable[[float, Tensor], None] | None = None,
) -> Float[Tensor, " images"]:
    """Radii that constants on a ball at least as large verify: `searched_radii` by min_j room_j/C_j(r).

    Args:
        margins: of all images.
        constants: of some images on balls; more on a larger ball.
        known, asked, largest, progress, settled: as for `searched_radii`.
    """
    return searched_radii(
        lambda rows, radii: margins.of(rows).radii(constants(rows, radii)),
        active=(margins.room > 0).all(dim=1),
        known=known,
        asked=asked,
        largest=largest,
        progress=progress,
        settled=settled,
    )


def searched_radii(
    verified_on: VerifiedOn,
    *,
    active: Bool[Tensor, " images"],
    known: Float[Tensor, " images"],
    asked: Sequence[float],
    largest: float,
    progress: Callable[[SearchProgress], None] | None = None,
    settled: Callable[[float, Tensor], None] | None = None,
) -> Float[Tensor, " images"]:
    """Radii that a bound on a ball at least as large verifies; at the asked radii, exactly where it does.

    A bound on the ball of radius r holds on every smaller one. So one look at r verifies min(r, what it says), which
    is how a bisection between what is verified and what is not goes on; nothing is interpolated.

    Args:
        verified_on: the radii that bounds on balls verify.
        active: the images that are looked at.
        known: radii verified already.
        asked: every one is looked at.
        largest: no radius beyond it is looked for.
        progress: called after every few images.
        settled: called with each asked radius, the smallest first, and the radii verified so far: which of them reach
            it does not change any more.
    """
    verified = known.clamp_max(largest)
    beyond = torch.full_like(known, largest)  # not verified there, or not to be looked at
    wanted = sorted(set(asked))

    def said(number: int, rows: Tensor, radii: Tensor) -> Tensor:
        parts, done = [], 0
        for some, around in zip(rows.split(IMAGES_AT_ONCE), radii.split(IMAGES_AT_ONCE), strict=True):
            parts.append(verified_on(some, around))
            done += len(some)
            if progress is not None:
                looks = len(wanted) + HALVINGS
                progress(SearchProgress(look=number, looks=looks, done=done, images=len(rows)))
        return torch.cat(parts)

    def look(number: int, rows: Tensor, radii: Tensor) -> None:
        found = torch.minimum(radii, said(number, rows, radii))
        verified[rows] = torch.maximum(verified[rows], found)
        beyond[rows] = torch.where(found < radii, torch.minimum(beyond[rows], radii), beyond[rows])

    for number, epsilon in enumerate(wanted, start=1):
        rows = (active & (verified < epsilon) & (beyond > epsilon)).nonzero()[:, 0]
        if len(rows):
            look(number, rows, torch.full_like(known[rows], epsilon))
        if settled is not None:
            settled(epsilon, verified)
    for number in range(len(wanted) + 1, len(wanted) + HALVINGS + 1):
        rows = (active & (beyond > verified * (1.0 + 1e-3))).nonzero()[:, 0]
        if len(rows) == 0:
            break
        # The constants at what is verified are the least that can hold beyond it: a guess that is exact where they
        # do not change; half-way, where it failed before.
        middle = 0.5 * (verified[rows] + beyond[rows])
        look(number, rows, middle)
    return verified
