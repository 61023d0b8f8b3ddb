"""The sets of images an attack may return: norm balls intersected with the pixel range [0, 1]."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, TypeAlias, final

import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from natrob_empirical.norms import IMPOSSIBLE_RADIUS
from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models.neighbourhoods import (
    AbstractNeighbourhood,
    Box,
    ClippedSphere,
    Images,
    values_per_sample,
)
from natrob_empirical.threat_models.pixel_shares import describe_mask, radius_and_shares, require_mask
from natrob_theory.numbers.argument_checks import require_nonnegative
from natrob_theory.numbers.norms import per_sample_l2

Distances: TypeAlias = Float64[Tensor, " batch"]
Shares: TypeAlias = Float64[Tensor, "*pixels"]

_LARGEST_RADIUS: Final = 1e6  # holds every image of 10¹² pixels; far larger ones would overflow float32 steps


@dataclass(frozen=True, eq=False, repr=False)
class AbstractBall(ABC):
    """All images within `epsilon` of a center, in the ball's norm, whose pixels lie in [0, 1].

    With a mask only some of the pixels may differ from the center's.

    Membership is decided in float64 without tolerance, so an image that is kept in float32 must be rounded
    towards the center. A new ball supplies the four methods marked abstract; `project` of the neighbourhood that
    `_around` returns may assume float32 or float64 images of one shape and a center in [0, 1], must return a point for
    which `contains` is true, and must return points of the set unchanged, bit for bit.

    Args:
        epsilon: the radius in units of the pixel range, from 0 to 1e6.
        mask: which pixels may change, as a tensor that broadcasts to an image, (channels, height, width): bools, or 0
            and 1. None lets all change. Balls are equal where their masks are, too.

    Raises:
        TypeError: `epsilon` is not a real number (a bool is none), or `mask` no such tensor.
        ValueError: `epsilon` is negative, NaN, infinite or above 1e6; `mask` has other values, no pixel that may
            change, or more than three dimensions.
    """

    partial_shares: ClassVar[bool] = False
    """Whether a pixel may be given a part of the radius."""

    epsilon: float
    mask: Tensor | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if self.mask is not None:
            object.__setattr__(self, "mask", require_mask(self.mask, partial=self.partial_shares))
        radius = require_nonnegative("epsilon", self.epsilon)
        if radius > _LARGEST_RADIUS:
            raise ValueError(f"`epsilon` must be at most {_LARGEST_RADIUS:g}, pixels being in [0, 1], got {radius}")
        object.__setattr__(self, "epsilon", radius)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other) or not isinstance(other, AbstractBall):
            return NotImplemented
        return self._key == other._key

    def __hash__(self) -> int:
        return hash((type(self), self._key))

    def __repr__(self) -> str:
        mask = "" if self.mask is None else f", mask={describe_mask(self.mask)}"
        return f"{type(self).__name__}(epsilon={self.epsilon!r}{mask})"

    @property
    def _holds_pixels(self) -> bool:
        """Whether the mask lets some pixel not change."""
        return self.mask is not None and not bool((self.mask > 0).all())

    @property
    def _key(self) -> tuple[float, str | None]:
        return self.epsilon, None if self.mask is None else describe_mask(self.mask)

    @final
    def shares(self, like: Images) -> Shares | None:
        """The share of the radius that each pixel of such images may use, from 0 to 1; None without a mask.

        Raises:
            ValueError: the mask does not broadcast to the images' shape.
        """
        if self.mask is None:
            return None
        try:
            return self.mask.to(like.device).expand(like.shape[1:])
        except RuntimeError:
            raise ValueError(
                f"`mask` must broadcast to an image, of shape {tuple(like.shape[1:])}, got {tuple(self.mask.shape)}"
            ) from None

    @final
    def _free(self, like: Images) -> Bool[Tensor, "*pixels"] | None:
        """Which pixels of such images may change; None without a mask."""
        shares = self.shares(like)
        return None if shares is None else shares > 0

    @final
    def restrict(self, x: Images, center: Images) -> Images:
        """Each `x` with the pixels that may not change put back to those of its center."""
        shares = self.shares(center)
        return x if shares is None else torch.where(shares > 0, x, center)

    @final
    def _unless_held_pixels_differ(self, distance: Distances, offset: Images) -> Distances:
        """These distances; ∞ for images in which a pixel differs that may not change."""
        shares = self.shares(offset)
        if shares is None:
            return distance
        return torch.where(((offset != 0) & (shares == 0)).flatten(1).any(dim=1), torch.inf, distance)

    @final
    def spread(self, offset: Images) -> Images:
        """Offsets from the center of which each pixel gets its share; none where it may not change."""
        shares = self.shares(offset)
        return offset if shares is None else offset * shares.to(offset.dtype)

    def grey_radius(self, shape: Sequence[int]) -> float:
        """The radius from which on this ball of every image of a shape holds the gray one; ∞ where none does.

        Raises:
            NotImplementedError: the ball does not say; it has no `grey_radius` of its own. No attack needs it.
        """
        raise NotImplementedError(
            f"{type(self).__name__} does not say from which radius on it holds the gray image: it has no `grey_radius`"
        )

    @final
    def project(self, x: Images, center: Images) -> Images:
        """The image of each `x` in the set around its `center`, in the dtype of `x`.

        `contains(project(x, center), center)` is true, without tolerance; a point of the set is returned
        as it is. NaN stays NaN.

        Raises:
            ValueError: the shapes, dtypes or devices differ, the dtype is neither float32 nor float64, or
                `center` leaves [0, 1].
        """
        require_pair(x, center)
        self._require_center(center)
        return self._around(center).project(x)

    @final
    def around(self, center: Images) -> AbstractNeighbourhood:
        """The ball around the images of one batch, prepared for many projections.

        Raises:
            ValueError: `center` leaves [0, 1].
        """
        self._require_center(center)
        return self._around(center)

    @final
    def contains(self, x: Images, center: Images) -> Bool[Tensor, " batch"]:
        """Whether each `x` is within `epsilon` of its `center` and in [0, 1]; in float64, no tolerance."""
        in_range = ((x >= 0) & (x <= 1)).flatten(1).all(dim=1)
        return in_range & (self.distance(x, center) <= self.epsilon)

    @abstractmethod
    def distance(self, x: Images, center: Images) -> Distances:
        """The distance of each `x` from its `center` in the ball's norm, in float64."""

    @abstractmethod
    def random_point(self, center: Images, streams: SampleStreams) -> Images:
        """A point drawn uniformly from the ball around each `center`, then projected onto the set."""

    @abstractmethod
    def steepest_ascent(self, gradient: Images) -> Images:
        """The direction of unit size, in the ball's norm, in which a function of this gradient grows fastest.

        Zero where a sample's gradient is zero.
        """

    @abstractmethod
    def _around(self, center: Images) -> AbstractNeighbourhood:
        """The neighbourhood of a center that has been checked."""

    def ascent_step(self, gradient: Images, point: Images) -> Images:
        """The direction of unit size in which one of many steps is made; that of steepest ascent unless a ball says so.

        Args:
            gradient: of what shall grow, at the point.
            point: from which the step is made.
        """
        del point
        return self.steepest_ascent(gradient)

    @final
    def _require_center(self, center: Tensor) -> None:
        outside = ~((center >= 0) & (center <= 1))
        if bool(outside.any()):
            raise ValueError(
                f"`center` must lie in the pixel range [0, 1], got {int(outside.sum())} entries outside or NaN"
            )


@final
@dataclass(frozen=True, eq=False, repr=False, init=False)
class LinfBall(AbstractBall):
    """`|x_i − c_i| ≤ s_i ε` and `0 ≤ x_i ≤ 1` for every pixel: a box, so clamping gives the nearest point.

    The shares s_i are those of the mask, which may be partial here, and 1 without one. A tensor for `epsilon`, one
    radius per pixel of an image, stands for its largest entry and the shares of it. The norm is then `max |d_i|/s_i`,
    with 0/0 = 0: distances, step sizes and `epsilon` itself are those of a pixel whose share is 1.
    """

    partial_shares: ClassVar[bool] = True

    def __init__(self, epsilon: float | Tensor, *, mask: Tensor | None = None) -> None:
        if isinstance(epsilon, Tensor):
            epsilon, shares = radius_and_shares(epsilon)
            mask = shares if mask is None else _product(shares, require_mask(mask, partial=True))
        object.__setattr__(self, "epsilon", epsilon)
        object.__setattr__(self, "mask", mask)
        self.__post_init__()

    def grey_radius(self, shape: Sequence[int]) -> float:
        """½ over the smallest share."""
        smallest = 1.0 if self.mask is None else float(self.mask.min())
        return IMPOSSIBLE_RADIUS / smallest if smallest > 0 else math.inf

    def distance(self, x: Images, center: Images) -> Distances:
        """`max_i |x_i − c_i|/s_i` in float64, at most ε just where no pixel is farther than its radius."""
        require_pair(x, center)
        offset, shares = (x.double() - center.double()).abs(), self.shares(center)
        if shares is None:
            return offset.flatten(1).amax(dim=1)
        unmoved = torch.where(offset == 0, 0.0, torch.inf)
        distance = torch.where(shares > 0, offset / shares, unmoved.where(offset.isfinite(), offset))
        inside = (offset <= shares * self.epsilon).flatten(1).all(dim=1)
        found = distance.flatten(1).amax(dim=1)
        return torch.where(
            inside, found.clamp(max=self.epsilon), found.clamp(min=math.nextafter(self.epsilon, math.inf))
        )

    def random_point(self, center: Images, streams: SampleStreams) -> Images:
        """`c + ε(2u − 1)` with independent uniform u, projected."""
        offset = 2 * streams.uniform(*center.shape[1:], dtype=center.dtype) - 1
        return self.project(center + self.spread(self.epsilon * offset), center)

    def steepest_ascent(self, gradient: Images) -> Images:
        """`s_i sign(g_i)`."""
        return self.spread(gradient.sign())

    def _around(self, center: Images) -> AbstractNeighbourhood:
        shares = self.shares(center)
        radius = self.epsilon if shares is None else self.epsilon * shares
        lower, upper = (self._face(center, side, radius) for side in (-1, 1))
        return Box(lower=lower.clamp(0, 1), upper=upper.clamp(0, 1))

    def _face(self, center: Images, side: int, radius: float | Shares) -> Images:
        """The last number of the dtype on the way from `center` to `center ± radius` that is not too far."""
        face = (center.double() + side * radius).to(center.dtype)
        too_far = (face.double() - center.double()).abs() > radius
        return torch.where(too_far, torch.nextafter(face, center), face)


@final
@dataclass(frozen=True, eq=False, repr=False)
class L2Ball(AbstractBall):
    """`‖x − c‖₂ ≤ ε` over all pixels and channels of an image, and `0 ≤ x_i ≤ 1`.

    The projection scales `x − c` to length ε where it is longer, then clips to [0, 1]. Clipping keeps the
    point inside the ball because the center is in the pixel range: clipping then moves no coordinate away
    from the center's, so each `|x_i − c_i|`, and with them the norm, can only shrink. Where clipping acts
    the result need not be the nearest point of the intersection. Pixels that a mask holds are put back first; an image
    in which one of them differs is infinitely far.
    """

    def grey_radius(self, shape: Sequence[int]) -> float:
        """½√d; no ball that holds a pixel holds the gray image of every other."""
        return math.inf if self._holds_pixels else IMPOSSIBLE_RADIUS * math.sqrt(math.prod(shape))

    def distance(self, x: Images, center: Images) -> Distances:
        """`‖x − c‖₂` in float64. Differences below 1e-154 vanish when they are squared."""
        require_pair(x, center)
        offset = x.double() - center.double()
        return self._unless_held_pixels_differ(per_sample_l2(offset), offset)

    def random_point(self, center: Images, streams: SampleStreams) -> Images:
        """`c + ε u^{1/d} z/‖z‖₂`, z normal and u uniform, which is uniform in the d-ball; then projected.

        d counts the pixels that may change.
        """
        shares = self.shares(center)
        dimensions = center[0].numel() if shares is None else int((shares > 0).sum())
        direction = self.steepest_ascent(streams.normal(*center.shape[1:], dtype=center.dtype))
        radius = self.epsilon * streams.uniform(dtype=torch.float64) ** (1 / dimensions)
        return self.project(center + direction * values_per_sample(radius, center).to(center.dtype), center)

    def steepest_ascent(self, gradient: Images) -> Images:
        """`g/‖g‖₂` of each sample, divided by `max|g_i|` first: squares of tiny entries would underflow."""
        gradient = self.spread(gradient)
        largest = gradient.abs().flatten(1).amax(dim=1).double()
        scaled = gradient.double() / values_per_sample(largest.where(largest > 0, 1.0), gradient)
        norm = per_sample_l2(scaled)
        return (scaled / values_per_sample(norm.where(norm > 0, 1.0), gradient)).to(gradient.dtype)

    def _around(self, center: Images) -> AbstractNeighbourhood:
        return ClippedSphere(epsilon=self.epsilon, center=center, free=self._free(center))


def _product(first: Tensor, second: Tensor) -> Tensor:
    try:
        return first * second.to(first.device)
    except RuntimeError:
        raise ValueError(
            f"`mask` must broadcast with `epsilon`, of shape {tuple(first.shape)}, got {tuple(second.shape)}"
        ) from None


def require_pair(x: Tensor, center: Tensor) -> None:
    """Raise ValueError unless both are float32 or both float64, of one shape, on one device."""
    if x.shape != center.shape or x.dim() < 2:
        raise ValueError(
            f"`x` and `center` must have one shape (batch, *pixels), got {tuple(x.shape)} and {tuple(center.shape)}"
        )
    if x.dtype != center.dtype or x.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"`x` and `center` must both be float32 or both be float64, got {x.dtype} and {center.dtype}")
    if x.device != center.device:
        raise ValueError(f"`x` and `center` must be on one device, got {x.device} and {center.device}")
