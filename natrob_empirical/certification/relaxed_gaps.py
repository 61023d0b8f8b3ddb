"""Lower bounds of logit gaps on balls of images, by linear relaxation of the whole classifier.

An adaptive solve is relaxed on a fixed grid; its distance from there is part of the thresholds.
"""

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from natrob_empirical.certification.adaptive_features import AdaptiveBounds
from natrob_empirical.certification.adaptive_relaxation import SolvesOnFixedGrids
from natrob_empirical.certification.constants import CertificateConstants
from natrob_empirical.certification.errors import CertificateRefusedError
from natrob_empirical.certification.margins import SAFETY
from natrob_empirical.certification.sequential_classifier import SequentialClassifier
from natrob_empirical.models import AbstractClassifier, IntegratorClassifier
from natrob_theory import LayerRefusedError
from natrob_theory.layers.refusal import ActivationRefusedError
from natrob_theory.layers.remembered import constants_remembered
from natrob_theory.networks import AbstractFixedStepNet
from natrob_theory.numbers.norms import Norm, per_sample_l2
from natrob_theory.relaxation import AbstractRegion, Ascent, Enclosure, RelaxedNetwork, region_around
from natrob_theory.relaxation.bounds_of_network import ENTRIES_AT_ONCE

ROW_ASCENT = Ascent(steps=20)
"""How the slopes of the gaps' own lines are optimised, for each image and gap."""

NODE_ASCENT = Ascent(steps=10)
"""How those of the lines before every activation are, for each of its entries."""


class RelaxedGaps:
    """The classifier as a graph, and bounds of its gaps s_y − s_j on balls within the pixel range.

    Args:
        constants: of the classifier.
        norm: of the balls.

    Raises:
        CertificateRefusedError: a classifier, layer or method without a linear relaxation.
    """

    def __init__(self, constants: CertificateConstants, norm: Norm) -> None:
        self._constants = constants
        self._norm: Norm = norm
        self._solves: SolvesOnFixedGrids | None = None
        try:
            with constants_remembered():
                if isinstance(constants.bounds, AdaptiveBounds):
                    self._solves = SolvesOnFixedGrids(constants, norm)
                parts = _parts_of(constants.model) if self._solves is None else self._solves.parts
                self.network = RelaxedNetwork(parts, constants.image_shape)
        except (LayerRefusedError, ActivationRefusedError) as refusal:
            raise CertificateRefusedError(f"no certificate by linear relaxation: {refusal}") from refusal
        widest, classes = self.network.widest, constants.model.head.out_features
        self.images_at_once = max(1, ENTRIES_AT_ONCE // (2 * widest * widest))
        self.intervals_at_once = max(1, ENTRIES_AT_ONCE // (classes * widest))

    def region(self, images: Float[Tensor, "images *image"], radii: Float[Tensor, " images"]) -> AbstractRegion:
        """The balls around these images, within the pixel range."""
        return region_around(images.flatten(1).double(), radii.double(), self._norm)

    def enclosed(self, region: AbstractRegion, *, thorough: bool) -> Enclosure:
        """Bounds of every node: with lines of least area, or optimised for every entry that an activation takes."""
        return self.network.enclosed(region, NODE_ASCENT if thorough else Ascent(steps=0))

    def certified(
        self,
        images: Float[Tensor, "images *image"],
        y: Int64[Tensor, " images"],
        radii: Float[Tensor, " images"],
        *,
        thorough: bool,
        intervals_alone: bool = False,
    ) -> Bool[Tensor, " images"]:
        """Whether every gap is bounded above its threshold on the ball; `thorough` as in `enclosed`.

        Lines over intervals alone come first: they cost one backward pass, and networks trained with intervals hold so.
        With `intervals_alone` nothing else is tried.
        """
        parts = zip(*(values.split(self.intervals_at_once) for values in (images, y, radii)), strict=True)
        found = []
        for some, labels, around in parts:
            region = self.region(some, around)
            left = self._left(self.network.intervals(region), labels).any(dim=1)
            still = left.nonzero()[:, 0] if not intervals_alone else left.new_zeros(0, dtype=torch.int64)
            for rows in still.split(self.images_at_once) if len(still) else ():
                enclosure = self.enclosed(region.of(rows), thorough=thorough)
                left[rows] = self.open_gaps(enclosure, labels[rows]).any(dim=1)
            found.append(~left)
        return torch.cat(found)

    def open_gaps(self, enclosure: Enclosure, y: Int64[Tensor, " images"]) -> Bool[Tensor, "images classes"]:
        """The gaps that are not bounded above their threshold: first by the lines of least area, then optimised."""
        left = self._left(enclosure, y)
        rows, thresholds = self.rows(y), self.thresholds(enclosure, y)
        images = left.any(dim=1).nonzero()[:, 0]
        if len(images):
            bound = self.network.lower(enclosure.of(images), rows[images], ascent=ROW_ASCENT).bound
            left[images] &= ~(bound > thresholds[images])
        return left

    def _left(self, enclosure: Enclosure, y: Int64[Tensor, " images"]) -> Bool[Tensor, "images classes"]:
        """The gaps that lines of least area leave open."""
        rows = self.rows(y)
        own = torch.nn.functional.one_hot(y, rows.shape[2]).bool()
        return ~(self.network.lower(enclosure, rows).bound > self.thresholds(enclosure, y)) & ~own

    def rows(self, y: Int64[Tensor, " images"]) -> Float[Tensor, "images classes logits"]:
        """e_y − e_j for every class j: 0 for the label itself."""
        unit = torch.eye(self._constants.model.head.out_features, dtype=torch.float64)
        return unit[y][:, None] - unit[None]

    def complete(
        self, images: Float[Tensor, "images *image"], radii: Float[Tensor, " images"]
    ) -> Bool[Tensor, " images"]:
        """Whether every adaptive solve of every image of these balls is proved to reach its end."""
        if self._solves is None:
            return torch.ones_like(radii, dtype=torch.bool)
        parts = zip(images.split(self.images_at_once), radii.split(self.images_at_once), strict=True)
        with constants_remembered():  # the weights are those of a frozen copy
            return torch.cat(
                [
                    self._solves.complete(self.network, self.network.intervals(self.region(some, around)))
                    for some, around in parts
                ]
            )

    def thresholds(self, enclosure: Enclosure, y: Int64[Tensor, " images"]) -> Float[Tensor, "images classes"]:
        """Bounds that the gaps are to exceed on the ball, for floating point and for adaptive solves."""
        if self._solves is not None:
            with constants_remembered():
                return self._solves.thresholds(self.network, enclosure, y)
        region = enclosure.region
        deployed = self._constants.deployed
        if deployed is None:
            return torch.zeros((len(y), self._constants.model.head.out_features), dtype=torch.float64)
        largest = per_sample_l2(torch.maximum(region.lower.abs(), region.upper.abs()))[:, None] * SAFETY
        return (deployed.per_norm[y] * largest + deployed.constant[y]) * SAFETY


def _parts_of(model: AbstractClassifier) -> tuple[nn.Module, ...]:
    """The map from images to logits, part by part."""
    if isinstance(model, SequentialClassifier):
        return model.layers, nn.Flatten(), model.head
    if isinstance(model, IntegratorClassifier) and isinstance(model.trunk, AbstractFixedStepNet):
        return model.stem, model.trunk, model.pool, nn.Flatten(), model.head
    raise CertificateRefusedError(
        f"no certificate by linear relaxation: {type(model).__name__} is no chain of layers with a trunk of fixed steps"
    )
