"""The Square attack: random search with squares."""

import itertools
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Final, cast, final

from natrob_empirical.threat_models import L2Ball, LinfBall
from natrob_theory.numbers.argument_checks import require_count, require_positive

from .abstract_attack import AbstractAttack
from .active_set import ActiveSet
from .most_calls import MostCalls
from .square_walk import SquareWalk
from .square_windows import AbstractSquares, L2Squares, LinfSquares

_SQUARES: Final[dict[type, type[AbstractSquares]]] = {LinfBall: LinfSquares, L2Ball: L2Squares}
_HALVINGS: Final = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)  # of 10,000 queries
_MOST_AT_ONCE: Final = 100  # moves whose random numbers are drawn together


@final
@dataclass(frozen=True)
class Square(AbstractAttack):
    """Random search that changes one square of the image at a time and keeps what lowers the margin.

    Every move puts a square at a random place of each image: in an L∞ ball its pixels go to x − ε or x + ε, channel by
    channel; in an L2 ball it takes over the budget of another square. A move is kept where the margin
    `s_y − max_{j≠y} s_j` falls. The squares shrink: their share of the image's pixels is halved after 10, 50, 200,
    500, 1000, 2000, 4000, 6000 and 8000 of 10,000 queries, and in proportion for another budget.

    With a mask, squares lie in the smallest rectangle around the pixels that may change, of which they cover a share.

    A move with a known answer is not asked again: one that changes no pixel, or was rejected at the same point before.
    Few stubborn samples look up several moves in one pass, which changes no outcome, and answers that are dropped
    unread are not counted: see `SquareWalk`.

    Black-box: the model answers with logits only, so masked gradients do not hinder it.
    Spends at most 2 + queries queries and no gradient call per sample.

    Source: Andriushchenko, Croce, Flammarion and Hein, "Square Attack: a query-efficient black-box adversarial attack
    via random search", ECCV 2020, algorithms 1 to 3. Here a square may reach the last row and column, and each image
    has squares of its own.

    Args:
        ball: the threat model, L∞ or L2.
        queries: images shown to the model, the random start included, at least 1.
        initial_share: of an image's pixels that the first squares cover, greater than 0 and at most 1.

    Raises:
        TypeError, ValueError: a setting that is not as described.
    """

    kind = "score"
    takes_targets = True

    _: KW_ONLY
    queries: int = 5000
    initial_share: float = 0.8

    def __post_init__(self) -> None:
        super().__post_init__()
        if type(self.ball) not in _SQUARES:
            raise TypeError(f"`ball` must be a LinfBall or an L2Ball, as squares differ by norm, got {self.ball!r}")
        require_count("queries", self.queries)
        share = require_positive("initial_share", self.initial_share)
        if share > 1:
            raise ValueError(f"`initial_share` must be at most 1, the whole image, got {share}")
        object.__setattr__(self, "initial_share", share)

    def _most_calls(self, num_classes: int | None, *, targeted: bool) -> MostCalls:
        return MostCalls(2 + self.queries, 0)

    def _perturb(self, active: ActiveSet) -> None:
        shape = cast(tuple[int, int, int], tuple(active.x.shape[1:]))
        squares = _SQUARES[type(self.ball)](self.ball.epsilon, shape, self.ball.shares(active.x))
        walk = SquareWalk(active, squares)
        for share, count in _stages(self.queries, self.initial_share):
            if active.all_fooled:
                return
            walk.walk(share, count)
        if not active.all_fooled:
            walk.finish()


def _stages(queries: int, initial_share: float) -> Iterator[tuple[float, int]]:
    """The share of the pixels in a square and for how many of the moves it stays, a hundred moves at most."""
    halvings = (bisect_left(_HALVINGS, move * 10_000 // queries) for move in range(1, queries))
    for halved, moves in itertools.groupby(halvings):
        left = len(list(moves))
        while left:
            count = min(left, _MOST_AT_ONCE)
            yield initial_share / 2**halved, count
            left -= count
