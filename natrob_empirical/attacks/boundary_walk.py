"""The steps of the Boundary Attack, for all samples at once and each at its own pace."""

import math
from typing import Final, final

import torch
from jaxtyping import Float
from torch import Tensor

from .boundary_start import BoundaryStart
from .nearest_search import NearestSearch
from .tensor_types import Counts, Logits, Values

SUCCESS_RATE: Final = 0.3  # at which a sample's step keeps its size
GROWTH: Final = 0.1  # of the step's logarithm after a success
LARGEST_SOURCE_STEP: Final = 0.5
_ROUNDING: Final = 1e-4  # far more than a distance in float32 is off by

_STATE: Final = (
    "_left",
    "_low",
    "_high",
    "_point",
    "_offset",
    "_radius",
    "_log_step",
    "_sign",
    "_noise",
    "_noise_square",
)
"""The attributes that have one row per sample on its way."""


@final
class BoundaryWalk:
    """The samples on their way from their starts to their images; their points are misclassified throughout.

    Images are kept flat, and distances on the way in their precision: `NearestSearch` measures what counts.

    Args:
        search: the samples that have a start.
        start: their starts, of which those inside the ball end the search at once where it may end.
        queries: the budget of a sample, its start included.
        spherical_step: the first step, relative to the distance.
    """

    def __init__(self, search: NearestSearch, start: BoundaryStart, *, queries: int, spherical_step: float) -> None:
        self._search = search
        self._point: Float[Tensor, "batch pixels"] = start.point.flatten(1)
        self._offset = self._point - self._x  # from the image to the start, later to the point
        self._radius: Values = torch.linalg.vector_norm(self._offset, dim=1)
        self._left: Counts = queries - start.spent
        self._ends = frozenset(self._left.tolist())
        self._low, self._high = torch.zeros_like(self._radius), torch.ones_like(self._radius)
        self._log_step = torch.full_like(self._radius, math.log(spherical_step))
        self._smallest = math.log(2 * math.sqrt(torch.finfo(start.point.dtype).eps))  # below, ε is lost in rounding
        self._sign = torch.ones_like(self._radius)
        self._noise, self._noise_square = torch.zeros_like(self._point), torch.zeros_like(self._radius)
        self._candidate, self._scratch = torch.empty_like(self._point), torch.empty_like(self._point)
        self._settle(self._point, start.logits, self._radius)

    @property
    def _x(self) -> Float[Tensor, "batch pixels"]:
        return self._search.active.x.flatten(1)

    def over(self, spent: int) -> bool:
        """Let the samples go whose budget ends after `spent` queries from here; whether none is left."""
        if spent in self._ends and not self._search.over:
            point = self._point.view_as(self._search.active.x)
            if self._search.leave_inside:
                self._search.active.propose(point)
            else:
                self._search.record(point, torch.ones_like(self._left, dtype=torch.bool))
            self._keep(self._search.release(self._left > spent, *self._rows()))
        return self._search.over

    def halve(self) -> None:
        """Ask about the middle of the segment between the nearest misclassified point and the last that is not."""
        middle = (self._low + self._high) / 2
        candidate = torch.addcmul(self._x, self._offset, middle[:, None]).clamp_(0, 1)
        logits = self._ask(candidate)
        misclassified = self._search.active.reached(logits)
        self._low = torch.where(misclassified, self._low, middle)
        self._high = torch.where(misclassified, middle, self._high)
        rows = misclassified.nonzero().squeeze(1)
        self._point[rows] = candidate[rows]
        self._settle(candidate, logits, middle * self._radius)

    def begin(self) -> None:
        """Measure the points that the halvings found."""
        self._offset = self._point - self._x
        self._radius = torch.linalg.vector_norm(self._offset, dim=1)

    def draw_directions(self) -> None:
        """New random directions for the next two steps: the second goes the same way or, after a failure, back."""
        streams = self._search.active.streams
        noise = streams.near_normal(self._point.shape[1], dtype=self._point.dtype)
        self._noise = self._search.ball.spread(noise.view_as(self._search.active.x)).flatten(1)
        self._noise_square = torch.linalg.vector_norm(self._noise, dim=1).square()
        self._sign = torch.ones_like(self._radius)

    def step(self, ratio: float) -> None:
        """Ask about one step, accept it where it succeeds, and adapt the step sizes; source steps are `ratio·δ²`."""
        candidate = self._propose(ratio)
        offset = torch.sub(candidate, self._x, out=self._scratch)
        radius = torch.linalg.vector_norm(offset, dim=1)
        logits = self._ask(candidate)
        accepted = self._search.active.reached(logits) & (radius < self._radius)
        chosen = accepted.to(candidate.dtype)[:, None]  # lerp returns either end bit for bit, faster than any indexing
        self._point.lerp_(candidate, chosen)
        self._offset.lerp_(offset, chosen)
        self._radius = torch.where(accepted, radius, self._radius)
        self._sign = torch.where(accepted, self._sign, -self._sign)
        change = (chosen.squeeze(1) - SUCCESS_RATE) * (GROWTH / (1 - SUCCESS_RATE))
        self._log_step = (self._log_step + change).clamp_(self._smallest, 0)
        self._settle(candidate, logits, radius)

    def _propose(self, ratio: float) -> Float[Tensor, "batch pixels"]:
        """`clip(x + (1 − ε)(d + δη)/√(1 + δ²))`, η the part of the noise orthogonal to d, as long as d.

        d and the noise are only combined, with two numbers per sample: η itself is never formed. Written into one
        piece of memory for all steps: fresh memory for each would cost as much as the arithmetic.
        """
        step, square = self._log_step.exp(), self._radius.square()
        smallest = torch.finfo(square.dtype).tiny
        inner = torch.mul(self._noise, self._offset, out=self._scratch).sum(dim=1)
        along = self._sign * inner / square.clamp_min(smallest)
        across = (self._noise_square - along.square() * square).clamp_min(smallest).sqrt()
        shrink = (1 - (ratio * step.square()).clamp_(max=LARGEST_SOURCE_STEP)) / (1 + step.square()).sqrt()
        turn = shrink * step * self._radius / across
        torch.addcmul(self._x, self._offset, (shrink - turn * along)[:, None], out=self._candidate)
        return self._candidate.addcmul_(self._noise, (self._sign * turn)[:, None]).clamp_(0, 1)

    def _ask(self, candidate: Float[Tensor, "batch pixels"]) -> Logits:
        active = self._search.active
        return active.model.logits(candidate.view_as(active.x))

    def _settle(self, point: Tensor, logits: Tensor, distance: Values) -> None:
        """Let the samples leave that are fooled inside their balls; exact distances only where one seems to be."""
        if not self._search.leave_inside:
            return
        active = self._search.active
        seems_inside = distance <= self._search.ball.epsilon * (1 + _ROUNDING)
        if bool((seems_inside & active.reached(logits)).any()):
            self._keep(self._search.settle(point.view_as(active.x), logits, *self._rows()))

    def _rows(self) -> list[Tensor]:
        return [getattr(self, name) for name in _STATE]

    def _keep(self, rows: tuple[Tensor, ...]) -> None:
        for name, tensor in zip(_STATE, rows, strict=True):
            setattr(self, name, tensor)
        if len(self._candidate) != len(self._point):
            self._candidate, self._scratch = torch.empty_like(self._point), torch.empty_like(self._point)
