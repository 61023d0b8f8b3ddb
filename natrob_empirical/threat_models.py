"""The sets of images an attack may return: norm balls intersected with the pixel range [0, 1]."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final, final

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from natrob_empirical.random_streams import SampleStreams
from natrob_theory.argument_checks import require_nonnegative
from natrob_theory.norms import per_sample_l2

_LARGEST_RADIUS: Final = 1e6  # holds every image of 10¹² pixels; far larger ones would overflow float32 steps


@dataclass(frozen=True)
class AbstractBall(ABC):
    """All images within `epsilon` of a center, in the ball's norm, whose pixels lie in [0, 1].

    Membership is decided in float64 without tolerance, so an image that is kept in float32 must be rounded
    towards the center. A new ball supplies the four methods marked abstract; `project` of the neighbourhood that
    `_around` returns may assume float32 or float64 images of one shape and a center in [0, 1], must return a point for
    which `contains` is true, and must return points of the set unchanged, bit for bit.

    Args:
        epsilon: the radius in units of the pixel range, from 0 to 1e6.

    Raises:
        TypeError: `epsilon` is not a real number (a bool is none).
        ValueError: `epsilon` is negative, NaN, infinite or above 1e6.
    """

    epsilon: float

    def __post_init__(self) -> None:
        radius = require_nonnegative("epsilon", self.epsilon)
        if radius > _LARGEST_RADIUS:
            raise ValueError(f"`epsilon` must be at most {_LARGEST_RADIUS:g}, pixels being in [0, 1], got {radius}")
        object.__setattr__(self, "epsilon", radius)

    @final
    def project(
        self, x: Float[Tensor, "batch *pixels"], center: Float[Tensor, "batch *pixels"]
    ) -> Float[Tensor, "batch *pixels"]:
        """The image of each `x` in the set around its `center`, in the dtype of `x`.

        `contains(project(x, center), center)` is true, without tolerance; a point of the set is returned
        as it is. NaN stays NaN.

        Raises:
            ValueError: the shapes, dtypes or devices differ, the dtype is neither float32 nor float64, or
                `center` leaves [0, 1].
        """
        _require_pair(x, center)
        self._require_center(center)
        return self._around(center).project(x)

    @final
    def around(self, center: Float[Tensor, "batch *pixels"]) -> "AbstractNeighbourhood":
        """The ball around the images of one batch, prepared for many projections.

        Raises:
            ValueError: `center` leaves [0, 1].
        """
        self._require_center(center)
        return self._around(center)

    @final
    def contains(
        self, x: Float[Tensor, "batch *pixels"], center: Float[Tensor, "batch *pixels"]
    ) -> Bool[Tensor, " batch"]:
        """Whether each `x` is within `epsilon` of its `center` and in [0, 1]; in float64, no tolerance."""
        in_range = ((x >= 0) & (x <= 1)).flatten(1).all(dim=1)
        return in_range & (self.distance(x, center) <= self.epsilon)

    @abstractmethod
    def distance(
        self, x: Float[Tensor, "batch *pixels"], center: Float[Tensor, "batch *pixels"]
    ) -> Float64[Tensor, " batch"]:
        """The distance of each `x` from its `center` in the ball's norm, in float64."""

    @abstractmethod
    def random_point(
        self, center: Float[Tensor, "batch *pixels"], streams: SampleStreams
    ) -> Float[Tensor, "batch *pixels"]:
        """A point drawn uniformly from the ball around each `center`, then projected onto the set."""

    @abstractmethod
    def steepest_ascent(self, gradient: Float[Tensor, "batch *pixels"]) -> Float[Tensor, "batch *pixels"]:
        """The direction of unit size, in the ball's norm, in which a function of this gradient grows fastest.

        Zero where a sample's gradient is zero.
        """

    @abstractmethod
    def _around(self, center: Float[Tensor, "batch *pixels"]) -> "AbstractNeighbourhood":
        """The neighbourhood of a center that has been checked."""

    @final
    def _require_center(self, center: Tensor) -> None:
        outside = ~((center >= 0) & (center <= 1))
        if bool(outside.any()):
            raise ValueError(
                f"`center` must lie in the pixel range [0, 1], got {int(outside.sum())} entries outside or NaN"
            )


class AbstractNeighbourhood(ABC):
    """A ball around each image of one batch: what projections have in common is computed once."""

    @abstractmethod
    def project(self, x: Float[Tensor, "batch *pixels"]) -> Float[Tensor, "batch *pixels"]:
        """As `AbstractBall.project`, without its checks: shapes, dtype and device must be those of the center."""

    @abstractmethod
    def select(self, index: Int64[Tensor, " chosen"]) -> "AbstractNeighbourhood":
        """The neighbourhood of some of the images."""


@final
@dataclass(frozen=True)
class LinfBall(AbstractBall):
    """`max_i |x_i − c_i| ≤ ε` and `0 ≤ x_i ≤ 1`: a box, so clamping gives the nearest point."""

    def distance(
        self, x: Float[Tensor, "batch *pixels"], center: Float[Tensor, "batch *pixels"]
    ) -> Float64[Tensor, " batch"]:
        """`max_i |x_i − c_i|` in float64."""
        _require_pair(x, center)
        return (x.double() - center.double()).abs().flatten(1).amax(dim=1)

    def random_point(
        self, center: Float[Tensor, "batch *pixels"], streams: SampleStreams
    ) -> Float[Tensor, "batch *pixels"]:
        """`c + ε(2u − 1)` with independent uniform u, projected."""
        offset = 2 * streams.uniform(*center.shape[1:], dtype=center.dtype) - 1
        return self.project(center + self.epsilon * offset, center)

    def steepest_ascent(self, gradient: Float[Tensor, "batch *pixels"]) -> Float[Tensor, "batch *pixels"]:
        """`sign(g)`."""
        return gradient.sign()

    def _around(self, center: Float[Tensor, "batch *pixels"]) -> AbstractNeighbourhood:
        lower, upper = self._face(center, -self.epsilon), self._face(center, self.epsilon)
        return Box(lower=lower.clamp(0, 1), upper=upper.clamp(0, 1))

    def _face(self, center: Float[Tensor, "batch *pixels"], offset: float) -> Float[Tensor, "batch *pixels"]:
        """The last number of the dtype on the way from `center` to `center + offset` that is not too far."""
        face = (center.double() + offset).to(center.dtype)
        too_far = (face.double() - center.double()).abs() > self.epsilon
        return torch.where(too_far, torch.nextafter(face, center), face)


@final
@dataclass(frozen=True)
class L2Ball(AbstractBall):
    """`‖x − c‖₂ ≤ ε` over all pixels and channels of an image, and `0 ≤ x_i ≤ 1`.

    The projection scales `x − c` to length ε where it is longer, then clips to [0, 1]. Clipping keeps the
    point inside the ball because the center is in the pixel range: clipping then moves no coordinate away
    from the center's, so each `|x_i − c_i|`, and with them the norm, can only shrink. Where clipping acts
    the result need not be the nearest point of the intersection.
    """

    def distance(
        self, x: Float[Tensor, "batch *pixels"], center: Float[Tensor, "batch *pixels"]
    ) -> Float64[Tensor, " batch"]:
        """`‖x − c‖₂` in float64. Differences below 1e-154 vanish when they are squared."""
        _require_pair(x, center)
        return per_sample_l2(x.double() - center.double())

    def random_point(
        self, center: Float[Tensor, "batch *pixels"], streams: SampleStreams
    ) -> Float[Tensor, "batch *pixels"]:
        """`c + ε u^{1/d} z/‖z‖₂`, z normal and u uniform, which is uniform in the d-ball; then projected."""
        direction = self.steepest_ascent(streams.normal(*center.shape[1:], dtype=center.dtype))
        radius = self.epsilon * streams.uniform(dtype=torch.float64) ** (1 / center[0].numel())
        return self.project(center + direction * _per_sample(radius, center).to(center.dtype), center)

    def steepest_ascent(self, gradient: Float[Tensor, "batch *pixels"]) -> Float[Tensor, "batch *pixels"]:
        """`g/‖g‖₂` of each sample, divided by `max|g_i|` first: squares of tiny entries would underflow."""
        largest = gradient.abs().flatten(1).amax(dim=1).double()
        scaled = gradient.double() / _per_sample(largest.where(largest > 0, 1.0), gradient)
        norm = per_sample_l2(scaled)
        return (scaled / _per_sample(norm.where(norm > 0, 1.0), gradient)).to(gradient.dtype)

    def _around(self, center: Float[Tensor, "batch *pixels"]) -> AbstractNeighbourhood:
        return ClippedSphere(epsilon=self.epsilon, center=center)


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Box(AbstractNeighbourhood):
    """What an L∞ ball leaves of the pixel range around each image."""

    lower: Float[Tensor, "batch *pixels"]
    upper: Float[Tensor, "batch *pixels"]

    def project(self, x: Float[Tensor, "batch *pixels"]) -> Float[Tensor, "batch *pixels"]:
        """Clamping."""
        return torch.clamp(x, self.lower, self.upper)

    def select(self, index: Int64[Tensor, " chosen"]) -> "Box":
        """The boxes of some of the images."""
        return Box(lower=self.lower[index], upper=self.upper[index])


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class ClippedSphere(AbstractNeighbourhood):
    """L2 balls of one radius around each image, cut by the pixel range; see `L2Ball`."""

    epsilon: float
    center: Float[Tensor, "batch *pixels"]

    def project(self, x: Float[Tensor, "batch *pixels"]) -> Float[Tensor, "batch *pixels"]:
        """Scaling onto the sphere, then clipping."""
        offset = x.double() - self.center.double()
        distance = per_sample_l2(offset)
        # float64 sums over d entries are off by less than about d·2⁻⁵³, in the norm above and in the one that
        # judges the result, in whatever order they add: aim that much short of the sphere.
        target = self.epsilon * (1 - 4 * (x[0].numel() + 8) * 2.0**-53)
        offset = offset * _per_sample(target / distance.where(distance > 0, 1.0), x)
        moved = (self.center.double() + offset).to(x.dtype)
        too_far = (moved.double() - self.center.double()).abs() > offset.abs()
        moved = torch.where(too_far, torch.nextafter(moved, self.center), moved)
        return torch.where(_per_sample(distance <= self.epsilon, x), x, moved).clamp(0, 1)

    def select(self, index: Int64[Tensor, " chosen"]) -> "ClippedSphere":
        """The balls of some of the images."""
        return ClippedSphere(epsilon=self.epsilon, center=self.center[index])


def _per_sample(values: Tensor, like: Tensor) -> Tensor:
    """One value per sample, shaped to broadcast over the pixels of `like`."""
    return values.reshape(-1, *[1] * (like.dim() - 1))


def _require_pair(x: Tensor, center: Tensor) -> None:
    """Raise ValueError unless both are float32 or both float64, of one shape, on one device."""
    if x.shape != center.shape or x.dim() < 2:
        raise ValueError(
            f"`x` and `center` must have one shape (batch, *pixels), got {tuple(x.shape)} and {tuple(center.shape)}"
        )
    if x.dtype != center.dtype or x.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"`x` and `center` must both be float32 or both be float64, got {x.dtype} and {center.dtype}")
    if x.device != center.device:
        raise ValueError(f"`x` and `center` must be on one device, got {x.device} and {center.device}")
