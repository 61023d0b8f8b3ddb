"""Several tries at every sample side by side, so that few stubborn samples fill a batch."""

from collections.abc import Iterator
from typing import Final, final

import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from natrob_empirical.threat_models import AbstractNeighbourhood

from .active_set import ActiveSet
from .averaged_model import AveragedModel
from .company import OneImageAtATime
from .counted_model import CountedModel
from .goal import AbstractGoal
from .nearest_search import NearestSearch
from .tensor_types import Classes, Images, Logits

_PIXELS_AT_ONCE: Final = 256 * 3 * 32 * 32  # more of them keep a machine busy by themselves


def most_at_once(active: ActiveSet) -> int:
    """Counts the images that one pass may show: a batch of efficient size, or the active samples where they are more.

    One image per sample where several would change what happens to it, or gain nothing: where somebody watches every
    point, where mixed precision has every find confirmed, and of a model that draws at random or is shown its images
    alone.
    """
    lone = isinstance(active.model.classifier, OneImageAtATime | AveragedModel)
    if lone or active.watched or active.model.mixed_precision:
        return len(active)
    return max(len(active), min(active.at_once, _PIXELS_AT_ONCE // active.x.shape[1:].numel()))


def groups(active: ActiveSet, tries: int) -> Iterator[range]:
    """Yields the numbers of the tries that are made together, as many as a pass holds of the samples still active."""
    first = 0
    while first < tries:
        last = min(first + max(most_at_once(active) // max(len(active), 1), 1), tries)
        yield range(first, last)
        first = last


@final
class Tries:
    """The rows samples × tries of a batch: the tries at the first sample, those at the second, and so on.

    Tries differ in their start or their target class, and none sees another. A sample that one of them fools leaves
    with all of its tries; if several do in the same step, the first of them counts. So the outcome for a sample depends
    on its own tries only, and each of them is booked to it.

    Args:
        active: the samples.
        count: tries at each, at least 1.
        carried: tensors with one row per active sample that somebody needs afterwards.

    Attributes:
        carried: their rows that stay.
    """

    def __init__(self, active: ActiveSet, count: int, *carried: Tensor) -> None:
        self.active = active
        self.count = count
        self.carried = carried
        self._spread()

    def __len__(self) -> int:
        return len(self.active) * self.count

    @property
    def goal(self) -> AbstractGoal:
        """As of the active set."""
        return self.active.goal

    @property
    def all_fooled(self) -> bool:
        """Whether no work is left."""
        return self.active.all_fooled

    def _spread(self) -> None:
        """Repeats what belongs to each sample for its tries."""
        active = self.active
        rows = torch.arange(len(active), device=active.x.device).repeat_interleave(self.count)
        self.model: CountedModel = active.model if self.count == 1 else active.model.select(rows)
        self.neighbourhood: AbstractNeighbourhood = (
            active.neighbourhood if self.count == 1 else active.neighbourhood.select(rows)
        )
        self.x: Images = self.of_samples(active.x)
        self.y: Classes = self.of_samples(active.y)
        self.classes: Classes = self.y if active.target is None else self.of_samples(active.target)

    def of_samples(self, values: Tensor) -> Tensor:
        """Repeats the row of each sample for its tries."""
        return values if self.count == 1 else values.repeat_interleave(self.count, dim=0)

    def random_points(self) -> Tensor:
        """A uniformly drawn point for each try, drawn as if the tries came one after the other."""
        return self.together([self.active.random_point() for _ in range(self.count)])

    def together(self, points: list[Tensor]) -> Tensor:
        """Rows of the tries from the points of all samples' first tries, of their second, and so on."""
        return points[0] if self.count == 1 else torch.stack(points, dim=1).flatten(0, 1)

    def settle(self, point: Images, logits: Logits, *state: Tensor) -> tuple[Tensor, ...]:
        """Records the model's answers as `ActiveSet.settle` does; returns the rows of `state` of the samples that stay.

        Args:
            point: one image per try.
            logits: what the model answered to it.
            state: tensors with one row per try.
        """
        if self.count == 1:
            return self._kept(self.active.settle(point, logits, *state, *self.carried), len(state))
        grids = tuple(map(self._grid, (point, logits, *state)))
        reached = self._grid(self.goal.reached(logits, self.classes))
        chosen = _strongest(reached, self._grid(self.goal.closeness(logits.double(), self.classes)))
        shown, answers = (_of(grid, chosen) for grid in grids[:2])
        return self._kept(self.active.settle(shown, answers, *grids[2:], *self.carried), len(state))

    def settle_nearest(
        self, search: NearestSearch, point: Images, logits: Logits, *state: Tensor
    ) -> tuple[Tensor, ...]:
        """Records them as `NearestSearch.settle` does; arguments as of `settle`."""
        if self.count == 1:
            return self._kept(search.settle(point, logits, *state, *self.carried), len(state))
        grids = tuple(map(self._grid, (point, logits, *state)))
        reached = self._grid(self.goal.reached(logits, self.classes))
        closeness = self._grid(self.goal.closeness(logits.double(), self.classes))
        distance = self._grid(search.ball.distance(point, self.x))
        inside = distance <= search.ball.epsilon
        nearest = distance.where(reached, torch.inf).argmin(dim=1)
        search.record(_of(grids[0], nearest), reached.any(dim=1))
        if not search.leave_inside:
            return state
        chosen = _strongest(reached & inside, closeness.where(inside, -torch.inf))
        shown, answers = (_of(grid, chosen) for grid in grids[:2])
        rest = search.leave(shown, answers, inside.any(dim=1), *grids[2:], *self.carried)
        return self._kept(rest, len(state))

    def _kept(self, rest: tuple[Tensor, ...], states: int) -> tuple[Tensor, ...]:
        """Flattens the states that stay, and follows the samples that have left."""
        self.carried = rest[states:]
        if len(self.active) * self.count != len(self.y):
            self._spread()
        return tuple(grid if self.count == 1 else grid.flatten(0, 1) for grid in rest[:states])

    def _grid(self, values: Tensor) -> Tensor:
        """Rows of the tries as (samples, tries, …)."""
        return values.unflatten(0, (len(self.active), self.count))


def _strongest(
    reached: Bool[Tensor, "samples tries"], closeness: Float64[Tensor, "samples tries"]
) -> Int64[Tensor, " samples"]:
    """The number of the first try that reached the goal, else of the closest."""
    return torch.where(reached.any(dim=1), reached.to(torch.uint8).argmax(dim=1), closeness.argmax(dim=1))


def _of(grid: Tensor, chosen: Int64[Tensor, " samples"]) -> Tensor:
    """The entry of each sample's chosen try."""
    return grid[torch.arange(len(grid), device=grid.device), chosen]
