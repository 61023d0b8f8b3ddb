"""The windows that Square changes in an image: a window of pixels in an L∞ ball, a pair of windows in an L2 ball."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, cast, final

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from natrob_empirical.threat_models import AbstractNeighbourhood, Box

from .active_set import ActiveSet
from .tensor_types import Classes, ExactValues, Images

_KEY_BITS = 62  # of the numbers of moves, which are int64
_PARALLEL = 1e-6  # a sum of two unit vectors shorter than this is what rounding left of nothing


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Surroundings:
    """Images, and the ball around each of them.

    Attributes:
        x, neighbourhood: as of the active set.
    """

    x: Images
    neighbourhood: AbstractNeighbourhood


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Window:
    """A square of one size, for all moves that share it.

    Attributes:
        side: in pixels.
        offsets: from its upper left pixel to each pixel, as positions in the flattened image.
        bumps: `two_bumps` and its transpose, flattened.
    """

    side: int
    offsets: Int64[Tensor, " pixels"]
    bumps: Float64[Tensor, "2 pixels"]


@dataclass(frozen=True)
class AbstractSquares(ABC):
    """How Square starts and moves in the balls of one norm.

    `room` is what the moves know of each image besides its pixels: of the L2 radius, squared, the part not used up.

    Args:
        epsilon: the radius.
        shape: channels, height and width of an image.
        shares: the share of the radius that each pixel may use; None stands for 1 everywhere.

    Attributes:
        windows: how many a move changes.
    """

    windows: ClassVar[int]
    epsilon: float
    shape: tuple[int, int, int]
    shares: Float64[Tensor, "channels height width"] | None = field(default=None, compare=False)

    @property
    def frame(self) -> tuple[int, int, int, int]:
        """Top, left, height and width of the smallest rectangle around the pixels that may change."""
        if self.shares is None:
            return 0, 0, *self.shape[1:]
        free = (self.shares > 0).any(dim=0)
        rows, columns = (free.any(dim=across).nonzero().flatten() for across in (1, 0))
        top, left = int(rows[0]), int(columns[0])
        return top, left, int(rows[-1]) - top + 1, int(columns[-1]) - left + 1

    @property
    @abstractmethod
    def signs(self) -> int:
        """How many random signs a move needs."""

    @abstractmethod
    def side(self, share: float) -> int:
        """The side in pixels of a square with this share of the image's pixels."""

    @abstractmethod
    def start(self, active: ActiveSet) -> tuple[Images, ExactValues]:
        """The first image, drawn at random, and its room."""

    @abstractmethod
    def move(
        self,
        around: ActiveSet | Surroundings,
        point: Images,
        room: ExactValues,
        window: Window,
        corners: Int64[Tensor, "batch windows"],
        signs: Float[Tensor, "batch signs"],
    ) -> ExactValues:
        """Changes every image of `point` in place, and returns the room that is left."""

    @final
    def draw(
        self, active: ActiveSet, side: int, count: int
    ) -> tuple[Int64[Tensor, "batch {count} windows"], Float[Tensor, "batch {count} signs"]]:
        """Upper left corners, as positions in the flattened image, and signs ±1 for the next `count` moves.

        Many moves at once: the numbers of a single one are too few to be worth a call.
        """
        first_row, first_column, height, width = self.frame
        numbers = active.streams.uniform(count, 2 * self.windows + self.signs)
        rows, columns, signs = numbers.split((self.windows, self.windows, self.signs), dim=2)
        top, left = (rows * (height - side + 1)).long(), (columns * (width - side + 1)).long()
        corners = (first_row + top) * self.shape[2] + first_column + left
        return corners, torch.where(signs < 0.5, -1.0, 1.0).to(active.x.dtype)

    @final
    def keys(
        self, corners: Int64[Tensor, "batch count windows"], signs: Float[Tensor, "batch count signs"], *, first: int
    ) -> Int64[Tensor, "batch count"]:
        """A number for each move: equal ones are the same move, for one side.

        Args:
            corners, signs: of the moves.
            first: the number of the first of them; where a move does not fit into a number, its own stands for it.
        """
        pixels = self.shape[1] * self.shape[2]
        if pixels**self.windows << self.signs >= 1 << _KEY_BITS:
            return torch.arange(first, first + corners.shape[1], device=corners.device).expand(corners.shape[:2])
        key = torch.zeros_like(corners[..., 0])
        for part in corners.unbind(dim=2):
            key = key * pixels + part
        for sign in signs.unbind(dim=2):
            key = 2 * key + (sign > 0)
        return key

    @final
    def window(self, side: int, device: torch.device | str) -> Window:
        """The square of this side."""
        steps = torch.arange(side, device=device)
        offsets = (steps[:, None] * self.shape[2] + steps).flatten()
        bump = two_bumps(side, device)
        return Window(side=side, offsets=offsets, bumps=torch.stack([bump.flatten(), bump.T.flatten()]))

    @final
    def _place(self, window: Window, corner: Classes) -> Int64[Tensor, "batch channels pixels"]:
        return (corner[:, None, None] + window.offsets).expand(-1, self.shape[0], -1)


@final
@dataclass(frozen=True)
class LinfSquares(AbstractSquares):
    """Vertical stripes of one pixel's width at ±ε, then squares in which each channel goes to −ε or to +ε."""

    windows: ClassVar[int] = 1

    @property
    def signs(self) -> int:
        """One per channel."""
        return self.shape[0]

    def side(self, share: float) -> int:
        """`√(share·height·width)`, rounded, at least 1 and at most the smaller side."""
        _, _, height, width = self.frame
        return min(max(round((share * height * width) ** 0.5), 1), height, width)

    def start(self, active: ActiveSet) -> tuple[Images, ExactValues]:
        """`x ± ε`, one sign per column and channel; the room is of no use here."""
        channels, _, width = self.shape
        stripes = torch.where(active.streams.uniform(channels, 1, width) < 0.5, -self.epsilon, self.epsilon)
        point = active.neighbourhood.project(active.x + stripes.to(active.x.dtype))
        return point, torch.zeros_like(active.y, dtype=torch.float64)

    def move(
        self,
        around: ActiveSet | Surroundings,
        point: Images,
        room: ExactValues,
        window: Window,
        corners: Int64[Tensor, "batch windows"],
        signs: Float[Tensor, "batch signs"],
    ) -> ExactValues:
        """Adding ±2ε and clipping, which takes every pixel of the window to one of its two extremes."""
        box = cast(Box, around.neighbourhood)
        index = self._place(window, corners[:, 0])
        lower, upper = (face.flatten(2).gather(2, index) for face in (box.lower, box.upper))
        point.flatten(2).scatter_(2, index, torch.where(signs[:, :, None] > 0, upper, lower))
        return room


@final
@dataclass(frozen=True)
class L2Squares(AbstractSquares):
    """Bumps all over the image, then the budget of one window moved into another.

    A move empties the second window and gives its budget, what the image has not used, and the first window's own to
    the first window, whose new content is its old direction plus a bump of random sign, per channel.
    """

    windows: ClassVar[int] = 2

    @property
    def signs(self) -> int:
        """One per channel, and one for which way the bump lies."""
        return self.shape[0] + 1

    def side(self, share: float) -> int:
        """`√(share·height·width)`, rounded, at least 3, odd, at most the smaller side."""
        _, _, height, width = self.frame
        side = max(round((share * height * width) ** 0.5), 3)
        return min(side + (side + 1) % 2, height, width)

    def start(self, active: ActiveSet) -> tuple[Images, ExactValues]:
        """A grid of about 5 × 5 bumps with random signs and orientations, scaled to length ε and clipped."""
        channels, height, width = self.shape
        side = max(min(height, width) // 5, 1)
        down, across = height // side, width // side
        flips, signs = active.streams.uniform(down, across, channels + 1).split((1, channels), dim=3)
        bump = two_bumps(side, active.x.device)
        tiles = torch.where(flips[..., None, None] < 0.5, bump, bump.T)
        tiles = torch.where(signs[..., None, None] < 0.5, -tiles, tiles)
        grid = tiles.permute(0, 3, 1, 4, 2, 5).reshape(-1, channels, down * side, across * side)
        offset = torch.zeros(active.x.shape, dtype=torch.float64, device=active.x.device)
        top, left = (height - down * side) // 2, (width - across * side) // 2
        offset[:, :, top : top + down * side, left : left + across * side] = grid
        offset *= self._radius(active.x.dtype) / (channels * down * across) ** 0.5  # every tile has length 1
        if self.shares is not None:
            offset *= self.shares
        point = (active.x + offset).clamp(0, 1).to(active.x.dtype)
        used = (point.double() - active.x).square().flatten(1).sum(dim=1)
        return point, self._radius(active.x.dtype) ** 2 - used

    def move(
        self,
        around: ActiveSet | Surroundings,
        point: Images,
        room: ExactValues,
        window: Window,
        corners: Int64[Tensor, "batch windows"],
        signs: Float[Tensor, "batch signs"],
    ) -> ExactValues:
        """The pair of windows; where they overlap the pixels are the first one's."""
        pixels, image = point.flatten(2), around.x.flatten(2)
        first, second = self._place(window, corners[:, 0]), self._place(window, corners[:, 1])
        first_image, second_image = image.gather(2, first), image.gather(2, second)
        first_old = pixels.gather(2, first)
        pixels.scatter_(2, first, first_image)  # so that the second window shows only what the first has not
        second_old = pixels.gather(2, second)
        old_offset = first_old.double() - first_image
        budget = old_offset.square().sum(dim=2) + (second_old.double() - second_image).square().sum(dim=2)
        budget_with_room = (budget + room.clamp(min=0)[:, None] / self.shape[0]).sqrt()
        lying, standing = window.bumps
        bump = torch.where(signs[:, -1, None] > 0, lying, standing)[:, None] * signs[:, :-1, None]
        wanted = bump + _unit(old_offset)
        if self.shares is not None:
            wanted = wanted * self.shares.flatten(1).expand(len(point), -1, -1).gather(2, first)
        direction = _unit(wanted) * budget_with_room[:, :, None]
        first_new = (first_image + direction).clamp(0, 1).to(point.dtype)
        spent = (first_new.double() - first_image).square().sum(dim=2)
        pixels.scatter_(2, second, second_image)
        pixels.scatter_(2, first, first_new)
        return room + (budget - spent).sum(dim=1)

    def _radius(self, dtype: torch.dtype) -> float:
        """So much short of ε that rounding pixels to `dtype`, each by at most a quarter of its `eps`, stays inside."""
        channels, height, width = self.shape
        return max(self.epsilon - torch.finfo(dtype).eps / 2 * (channels * height * width) ** 0.5, 0.0)


def two_bumps(side: int, device: torch.device | str = "cpu") -> Float64[Tensor, "{side} {side}"]:
    """A bump in the upper half of a square and its negative in the lower half, of length 1 together.

    Within a half of h rows the bump is `Σ_{j=d+1}^{n+1} 1/j²` at Chebyshev distance d from the middle, n = ⌊side/2⌋.
    Source: Andriushchenko et al., ECCV 2020, equation 2.
    """
    upper = side // 2
    halves = torch.cat([_bump(upper, side, device), -_bump(side - upper, side, device)])
    return halves / torch.linalg.vector_norm(halves)


def _bump(height: int, width: int, device: torch.device | str) -> Float64[Tensor, "{height} {width}"]:
    furthest = max(height, width) // 2
    inverse_squares = torch.arange(1, furthest + 2, dtype=torch.float64, device=device) ** -2
    tail_sums = inverse_squares.flip(0).cumsum(0).flip(0)
    rows, columns = (torch.arange(size, device=device) - size // 2 for size in (height, width))
    bump = tail_sums[torch.maximum(rows.abs()[:, None], columns.abs()[None, :])]
    return bump / torch.linalg.vector_norm(bump) if height else bump


def _unit(offset: Float64[Tensor, "batch channels pixels"]) -> Float64[Tensor, "batch channels pixels"]:
    """Each channel's content at length 1; 0 where there is none."""
    length = torch.linalg.vector_norm(offset, dim=2, keepdim=True)
    return torch.where(length > _PARALLEL, offset / length.clamp(min=_PARALLEL), 0.0)
