"""The balls around each image of one batch, cut by the pixel range: where projections end."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TypeAlias, final

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from natrob_theory.numbers.norms import per_sample_l2

Images: TypeAlias = Float[Tensor, "batch *pixels"]


class AbstractNeighbourhood(ABC):
    """A ball around each image of one batch: what projections have in common is computed once."""

    @abstractmethod
    def project(self, x: Images) -> Images:
        """Projects as `AbstractBall.project`, unchecked: shapes, dtype and device must be those of the center."""

    @abstractmethod
    def select(self, index: Int64[Tensor, " chosen"]) -> "AbstractNeighbourhood":
        """The neighbourhood of some of the images."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Box(AbstractNeighbourhood):
    """The part of the pixel range around each image that an L∞ ball leaves."""

    lower: Images
    upper: Images

    def project(self, x: Images) -> Images:
        """Clamping."""
        return torch.clamp(x, self.lower, self.upper)

    def select(self, index: Int64[Tensor, " chosen"]) -> "Box":
        """The boxes of some of the images."""
        return replace(self, lower=self.lower[index], upper=self.upper[index])


@dataclass(frozen=True, kw_only=True, eq=False)
class AbstractClippedBall(AbstractNeighbourhood):
    """Balls of one radius around each image, cut by the pixel range; a norm says how far a point is, and where to go.

    Attributes:
        epsilon: the radius.
        center: the images.
        free: which pixels may change; None lets all.
    """

    epsilon: float
    center: Images
    free: Bool[Tensor, "*pixels"] | None = None

    @final
    def project(self, x: Images) -> Images:
        """Held pixels are put back, points too far are moved, and rounded towards the center; then clipped."""
        if self.free is not None:
            x = torch.where(self.free, x, self.center)
        center = self.center.double()
        offset = x.double() - center
        # float64 sums over d entries are off by less than about d·2⁻⁵³, in the norm here and in the one that judges
        # the result, in whatever order they add: aim that much short of the sphere.
        distance, step = self._shortened(offset, self.epsilon * (1 - 4 * (x[0].numel() + 8) * 2.0**-53))
        moved = (center + step).to(x.dtype)
        too_far = (moved.double() - center).abs() > step.abs()
        moved = torch.where(too_far, torch.nextafter(moved, self.center), moved)
        kept = values_per_sample(distance <= self.epsilon, x) | x.isnan()
        return torch.where(kept, x, moved).clamp(0, 1)

    @final
    def select(self, index: Int64[Tensor, " chosen"]) -> "AbstractClippedBall":
        """The balls of some of the images."""
        return replace(self, center=self.center[index])

    @abstractmethod
    def _shortened(self, offset: Float64[Tensor, "batch *pixels"], target: float) -> tuple[Tensor, Tensor]:
        """The size of each offset from the center, and an offset no larger than `target` in each pixel's direction."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ClippedSphere(AbstractClippedBall):
    """L2 balls; see `L2Ball`."""

    def _shortened(self, offset: Float64[Tensor, "batch *pixels"], target: float) -> tuple[Tensor, Tensor]:
        """Scaled onto the sphere."""
        distance = per_sample_l2(offset)
        return distance, offset * values_per_sample(target / distance.where(distance > 0, 1.0), offset)


def values_per_sample(values: Tensor, like: Tensor) -> Tensor:
    """One value per sample, shaped to broadcast over the pixels of `like`."""
    return values.reshape(-1, *[1] * (like.dim() - 1))
