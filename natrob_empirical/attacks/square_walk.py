"""The walk of Square: moves in their order, of which each sample looks up several at a time."""

from typing import Final, NamedTuple, final

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from .active_set import ActiveSet
from .averaged_model import AveragedModel
from .square_windows import AbstractSquares, Surroundings
from .tensor_types import Counts, ExactValues, Images, Logits, Truths, Values
from .tries import most_at_once

_CAUTION: Final = 4  # a sample looks ahead a quarter of the moves that it makes in vain: a tenth of the looks is wasted


class _State(NamedTuple):
    """Where each sample stands; a row per active sample.

    Attributes:
        point, room: the image, and what the moves know of it besides.
        lowest, answer: the margin and the logits at it.
        vain: moves rejected between two that were kept, on average.
        keys: of all moves of this size so far, those of the batch of moves in progress included.
        changed: the number of the last move of this size that was kept; −1 if none was.
        corners, signs: of the moves in progress.
        before: the number of the last move with the same key; −1 if there is none.
        position: of the next move to be made, among those in progress.
    """

    point: Images
    room: ExactValues
    lowest: Values
    answer: Logits
    vain: Counts
    keys: Int64[Tensor, "batch moves"]
    changed: Counts
    corners: Tensor
    signs: Tensor
    before: Int64[Tensor, "batch count"]
    position: Counts


@final
class SquareWalk:
    """Square's random search at every active sample, from its random start.

    What a sample does is the sequential search, move after move: a move is kept where it lowers the margin. Since most
    moves are rejected, a sample looks up its next few from where it stands in one pass, keeps the first that lowers the
    margin, and forgets the later ones, which it makes again from the new point. How far it looks ahead changes the
    number of passes, not the outcome. A move that changes nothing, or that was rejected at the same point before, has
    an answer that is known: it is not asked again, unless the model draws at random.

    Args:
        active: the samples.
        squares: how they start and move.
    """

    def __init__(self, active: ActiveSet, squares: AbstractSquares) -> None:
        self._active = active
        self._squares = squares
        self._remembers = not isinstance(active.model.classifier, AveragedModel)
        self._side = 0
        point, room = squares.start(active)
        logits = active.model.logits(point)
        none = torch.zeros_like(active.y)
        empty = none[:, None][:, :0]
        state = _State(point, room, active.margin(logits), logits, none, empty, none, empty, empty, empty, none)
        self._state = _State(*active.settle(point, logits, *state))

    def finish(self) -> None:
        """Records where each sample stands."""
        self._active.settle(self._state.point, self._state.answer)

    def walk(self, share: float, count: int) -> None:
        """Makes the next `count` moves, with squares of this share of the image's pixels."""
        active, squares = self._active, self._squares
        side = squares.side(share)
        if side != self._side:
            self._side = side
            old = self._state
            self._state = old._replace(keys=old.keys[:, :0], changed=torch.full_like(old.changed, -1))
        corners, signs = squares.draw(active, side, count)
        made = self._state.keys.shape[1]
        keys = torch.cat([self._state.keys, squares.keys(corners, signs, first=made)], dim=1)
        self._state = self._state._replace(
            keys=keys,
            corners=corners,
            signs=signs,
            before=_last_before(keys)[:, made:],
            position=torch.zeros_like(active.y),
        )
        window = squares.window(side, active.x.device)
        while not active.all_fooled:
            chosen = self._next_moves()
            of, move = chosen.nonzero(as_tuple=True)
            if not len(of):
                return
            point = self._state.point[of]
            room = squares.move(
                self._around(of), point, self._state.room[of], window, self._state.corners[of, move],
                self._state.signs[of, move],
            )  # fmt: skip
            if self._remembers:
                new = (point != self._state.point[of]).flatten(1).any(dim=1).nonzero().squeeze(1)
                of, move, point, room = of[new], move[new], point[new], room[new]
            reach = torch.where(chosen, torch.arange(1, count + 1, device=chosen.device), 0).amax(dim=1)
            self._state = self._state._replace(position=torch.maximum(self._state.position, reach))
            if len(of):
                self._look(of, move, point, room, made)

    def _next_moves(self) -> Bool[Tensor, "batch count"]:
        """The moves that each sample looks up next."""
        state = self._state
        numbers = torch.arange(state.before.shape[1], device=state.before.device)
        pending = numbers >= state.position[:, None]
        if self._remembers:
            pending &= state.before <= state.changed[:, None]
        most, samples = most_at_once(self._active), len(state.position)
        if most == samples:
            ahead = torch.ones_like(state.vain)
        else:
            busy = max(int(pending.any(dim=1).sum()), 1)
            ahead = (state.vain // _CAUTION).clamp(1, most // busy)
        return pending & (pending.cumsum(dim=1) <= ahead[:, None])

    def _around(self, of: Tensor) -> ActiveSet | Surroundings:
        """The images and their balls, for the moves of these samples."""
        active = self._active
        if torch.equal(of, torch.arange(len(active), device=of.device)):
            return active
        return Surroundings(x=active.x[of], neighbourhood=active.neighbourhood.select(of))

    def _look(self, of: Tensor, move: Tensor, point: Tensor, room: Tensor, made: int) -> None:
        """Asks the model about the points of some moves, and goes on to each sample's first one that is better."""
        active, state = self._active, self._state
        samples, asked = len(active), len(of)
        logits = active.model.select(of).logits_ahead(point)
        found = active.goal.margin(logits, active.classes[of])
        order = torch.arange(asked, device=of.device)
        better = (found < state.lowest[of]) | (found <= 0)
        first = torch.full((samples,), asked, device=of.device).scatter_reduce(
            0, of, order.where(better, asked), "amin"
        )
        used = order <= first[of]
        active.model.select(of[used]).book_queries()
        rows = (first < asked).nonzero().squeeze(1)
        taken = first[rows]
        vain = state.vain.index_add(0, of[used], torch.ones_like(of[used]))
        vain[rows] //= 2
        self._state = state._replace(
            point=state.point.index_copy(0, rows, point[taken]),
            room=state.room.index_copy(0, rows, room[taken]),
            lowest=state.lowest.index_copy(0, rows, torch.minimum(found[taken], state.lowest[rows])),
            answer=state.answer.index_copy(0, rows, logits[taken]),
            vain=vain,
            changed=state.changed.index_copy(0, rows, made + move[taken]),
            position=state.position.index_copy(0, rows, move[taken] + 1),
        )
        suspect = torch.zeros(samples, dtype=torch.bool, device=of.device)
        suspect[rows] = found[taken] <= 0
        if bool(suspect.any()):
            self._leave(suspect)

    def _leave(self, suspect: Truths) -> None:
        """Lets go those that are fooled where they stand."""
        state = self._state
        self._state = _State(*self._active.settle(state.point, state.answer, *state, judged=suspect))


def _last_before(keys: Int64[Tensor, "batch moves"]) -> Int64[Tensor, "batch moves"]:
    """The number of the last earlier move of the same row with the same key; −1 if there is none."""
    ordered, order = keys.sort(dim=1, stable=True)
    same = ordered[:, 1:] == ordered[:, :-1]
    before = torch.nn.functional.pad(torch.where(same, order[:, :-1], -1), (1, 0), value=-1)
    return torch.zeros_like(keys).scatter_(1, order, before)
