"""Radii by deciding balls: at every radius asked for, and by bisection between what is decided and what is not."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from natrob_empirical.attacks import APGD
from natrob_empirical.attacks.losses import Margin
from natrob_empirical.certification.adaptive_features import AdaptiveBounds
from natrob_empirical.certification.constants import CertificateConstants
from natrob_empirical.certification.radius_search import SearchProgress
from natrob_empirical.certification.relaxed_gaps import RelaxedGaps
from natrob_empirical.certification.split_boxes import label_holds_on_box
from natrob_empirical.threat_models import L2Ball, LinfBall
from natrob_theory.numbers.norms import Norm
from natrob_theory.relaxation import BranchAndBound

HALVINGS = 6
"""So many bisections follow the radii that were asked for."""

BOXES_SHARE = 0.3
"""The part of an image's time that cutting boxes of pixels may take; cutting activations has the rest."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class DecidedRadii:
    """Holds the findings of a search of balls.

    Attributes:
        radii: certified, per image, in the norm of the balls.
        routes: by which way each image's radius was found; "none" where nothing is certified.
        found: per image the smallest radius at which an attack changed the label, 0 where it is wrong already, ∞ where
            none was found; None where nothing was attacked.
    """

    radii: Float[Tensor, " images"]
    routes: tuple[str, ...]
    found: Float[Tensor, " images"] | None


@final
class BallSearch:
    """Decides balls around images: linear relaxation of all, then attacks and branching of what that leaves.

    Args:
        constants: of the classifier.
        images, y: float64, with their labels.
        norm: of the balls.
        time_limit: seconds an image may take in branching, over all radii; None for no branching.
        intervals_alone: whether lines over intervals are all that is tried.
    """

    def __init__(
        self,
        constants: CertificateConstants,
        images: Float[Tensor, "images channels height width"],
        y: Int64[Tensor, " images"],
        *,
        norm: Norm,
        time_limit: float | None,
        intervals_alone: bool = False,
    ) -> None:
        self._intervals_alone = intervals_alone
        self._constants, self._images, self._y, self._norm = constants, images, y, norm
        self._time_left = torch.full((len(y),), 0.0 if time_limit is None else time_limit, dtype=torch.float64)
        self._branches = time_limit is not None
        self._attacks = self._branches and norm in APGD.norms
        self._gaps = RelaxedGaps(constants, norm)
        with torch.no_grad():
            right = constants.model(images).argmax(dim=1) == y
        self.found = torch.where(right, torch.inf, torch.zeros_like(self._time_left))

    def radii(
        self,
        known: Float[Tensor, " images"],
        routes: Sequence[str],
        wanted: Sequence[float],
        *,
        progress: Callable[[SearchProgress], None] | None = None,
        settled: Callable[[float, Tensor], None] | None = None,
    ) -> DecidedRadii:
        """The radii known before, and what can be certified beyond them; by intervals alone, of those wanted.

        Args:
            known: certified before.
            routes: by which way, one an image.
            wanted: radii to be decided.
            progress, settled: as for `verified_radii`.
        """
        verified, by = known.clone(), list(routes)
        entries = self._images[0].numel()
        largest = {"Linf": 1.0, "L2": math.sqrt(entries), "L1": float(entries)}[self._norm]
        beyond = self.found.clamp_max(largest)
        wanted = sorted(set(wanted))

        def look(number: int, rows: Tensor, radii: Tensor, *, asked: bool) -> None:
            for name, holding in self._decided(rows, radii, asked=asked):
                verified[holding] = torch.maximum(verified[holding], radii[torch.isin(rows, holding)])
                for row in holding.tolist():
                    by[row] = f"{name} in {self._norm}"
            failed = verified[rows] < radii
            beyond[rows[failed]] = torch.minimum(beyond[rows[failed]], radii[failed])
            if progress is not None:
                looks = len(wanted) + HALVINGS
                progress(SearchProgress(look=number, looks=looks, done=len(rows), images=len(rows)))

        for number, epsilon in enumerate(wanted, start=1):
            rows = ((verified < epsilon) & (beyond > epsilon)).nonzero()[:, 0]
            if len(rows):
                look(number, rows, torch.full_like(known[rows], epsilon), asked=True)
            if settled is not None:
                settled(epsilon, verified)
        for number in range(len(wanted) + 1, len(wanted) + (0 if self._intervals_alone else HALVINGS) + 1):
            rows = (beyond > verified * (1.0 + 1e-3)).nonzero()[:, 0]
            if len(rows) == 0:
                break
            look(number, rows, 0.5 * (verified[rows] + beyond[rows]), asked=False)
        return DecidedRadii(radii=verified, routes=tuple(by), found=self.found if self._attacks else None)

    def proved(self, radii: Float[Tensor, " images"]) -> Bool[Tensor, " images"]:
        """Whether each image's ball is decided at its radius: by relaxation, then by branching if there is time.

        Nothing is attacked, and no other radius is looked at.
        """
        holds = self._gaps.certified(
            self._images, self._y, radii, thorough=False, intervals_alone=self._intervals_alone
        )
        left = (~holds).nonzero()[:, 0]
        if len(left) and not self._intervals_alone:
            holds[left] = self._gaps.certified(self._images[left], self._y[left], radii[left], thorough=True)
        for row in (~holds).nonzero()[:, 0] if self._branches else ():
            holds[row] = self._branched(row, radii[row])
        return holds

    def complete(self, radii: Float[Tensor, " images"]) -> Bool[Tensor, " images"]:
        """Whether every adaptive solve of every image of these balls is proved to reach its end."""
        return self._gaps.complete(self._images, radii)

    def _decided(self, rows: Tensor, radii: Tensor, *, asked: bool) -> list[tuple[str, Tensor]]:
        """The images whose balls are certified, by each method; whom an attack breaks is noted in `found`.

        Only balls of radii that were asked for are worth an attack, optimised bounds of every entry, and branching.
        """
        holds = self._gaps.certified(
            self._images[rows], self._y[rows], radii, thorough=False, intervals_alone=self._intervals_alone
        )
        if self._intervals_alone:
            return [("intervals", rows[holds])]
        left = (~holds).nonzero()[:, 0]
        if asked and self._attacks and len(left):
            left = left[~self._attacked(rows[left], float(radii[0]))]
        if asked and len(left):
            places = rows[left]
            optimised = self._gaps.certified(self._images[places], self._y[places], radii[left], thorough=True)
            holds[left[optimised]] = True
            left = left[~optimised]
        decided = [("linear_relaxation", rows[holds])]
        if asked and self._branches:
            branched = [rows[place] for place in left if self._branched(rows[place], radii[place])]
            decided += [("branch_and_bound", torch.stack(branched))] if branched else []
        return decided

    def _attacked(self, rows: Tensor, epsilon: float) -> Tensor:
        """Whom a margin attack breaks in the ball: nothing is to be proved there."""
        ball = LinfBall(epsilon) if self._norm == "Linf" else L2Ball(epsilon)
        attack = APGD(ball, loss=Margin(), steps=40, restarts=10)
        generator = torch.Generator().manual_seed(0)
        result = attack(self._constants.model, self._images[rows], self._y[rows], generator=generator)
        broken = rows[result.success]
        self.found[broken] = self.found[broken].clamp_max(epsilon)
        return result.success

    def _branched(self, row: Tensor, radius: Tensor) -> bool:
        """One image's ball: boxes of pixels by the constants first, then activations; within the image's time."""
        started, budget = time.monotonic(), float(self._time_left[row])
        image, label = self._images[row][None], self._y[row][None]
        region = self._gaps.region(image, radius[None])

        def within(share: float) -> Callable[[], bool]:
            return lambda: time.monotonic() - started < share * budget

        by_constants = self._norm == "Linf" and not isinstance(self._constants.bounds, AdaptiveBounds)
        holds = by_constants and label_holds_on_box(
            self._constants, int(label), region.lower[0], region.upper[0], go_on=within(BOXES_SHARE)
        )
        if not holds:
            enclosure = self._gaps.enclosed(region, thorough=True)
            still = self._gaps.open_gaps(enclosure, label)[0]
            search = BranchAndBound(self._gaps.network.graph, enclosure)
            rows, thresholds = self._gaps.rows(label)[0][still], self._gaps.thresholds(enclosure, label)[0][still]
            holds = search.search(rows, thresholds, go_on=within(1.0)).settled
        self._time_left[row] -= time.monotonic() - started
        return holds
