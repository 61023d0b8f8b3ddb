"""The nearest misclassified image of every sample, while an attack looks for it."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_empirical.threat_models import AbstractBall

from .active_set import ActiveSet
from .tensor_types import ExactValues, Images, Logits, Truths


@final
class NearestSearch:
    """The samples of a minimum-norm attack that still search, and the nearest misclassified image found for each.

    An attack keeps its own state in tensors with one row per searching sample and hands them to `settle`, which
    returns the rows of those that stay. Where `leave_inside`, a sample leaves as soon as it has a misclassified image
    inside its ball; else nobody leaves but whom `release` lets go.

    `settle` measures every image in float64. An attack that asks often and improves rarely may judge the answers
    itself, and hand over what it found by `record` before samples go and at its end.

    Args:
        active: the samples.
        ball: whose norm distances are measured in; inside its radius a sample may leave.
        leave_inside: whether to stop there.

    Attributes:
        active: the samples that still search: their images, labels, model and random streams.
        distance: per searching sample, ‖nearest − x‖ in the ball's norm, float64; ∞ where there is none.
    """

    def __init__(self, active: ActiveSet, ball: AbstractBall, *, leave_inside: bool) -> None:
        self.active = active
        self.ball = ball
        self.leave_inside = leave_inside
        self.distance: ExactValues = torch.full(active.y.shape, torch.inf, dtype=torch.float64, device=active.x.device)
        self._best = active.x.clone()
        self._rows = torch.arange(len(active), device=active.x.device)

    def __len__(self) -> int:
        return len(self.active)

    @property
    def over(self) -> bool:
        """Whether no work is left."""
        return len(self) == 0 or (self.leave_inside and self.active.all_fooled)

    @property
    def nearest(self) -> Images:
        """The nearest misclassified image of each searching sample; its own image where there is none."""
        return self._best[self._rows]

    @property
    def best(self) -> Float[Tensor, "all channels height width"]:
        """As `nearest`, of every sample, those that have left included."""
        return self._best

    def settle(self, point: Images, logits: Logits, *state: Tensor) -> tuple[Tensor, ...]:
        """Record the model's answer to `point`; return the rows of `state` that stay.

        Args:
            point: one image in the pixel range per searching sample, at any distance.
            logits: what the model answered to it.
            state: tensors with one row per searching sample.

        Raises:
            ValueError: as `ActiveSet.settle`.
        """
        distance = self._record(point, self.active.reached(logits))
        if not self.leave_inside:
            return state
        return self.leave(point, logits, distance <= self.ball.epsilon, *state)

    def leave(self, point: Images, logits: Logits, inside: Truths, *state: Tensor) -> tuple[Tensor, ...]:
        """Let those go whose `point` lies inside the ball and is misclassified; return the rows of `state` that stay.

        Args:
            point, logits, state: as in `settle`.
            inside: whether the point lies inside the ball.
        """
        self.distance, self._rows, *left = self.active.settle(
            point, logits, self.distance, self._rows, *state, judged=inside
        )
        return tuple(left)

    def record(self, point: Images, misclassified: Truths) -> None:
        """Take images that the model is known to misclassify where they are nearer than the nearest; nobody leaves."""
        self._record(point, misclassified)

    def release(self, staying: Truths, *state: Tensor) -> tuple[Tensor, ...]:
        """Let all others go, which have nothing left to try; return the rows of `state` that stay.

        Raises:
            ValueError: as `ActiveSet.release`.
        """
        self.distance, self._rows, *left = self.active.release(staying, self.distance, self._rows, *state)
        return tuple(left)

    def _record(self, point: Tensor, misclassified: Truths) -> ExactValues:
        """The distances of `point`."""
        distance = self.ball.distance(point, self.active.x)
        nearer = misclassified & (distance < self.distance)
        index = nearer.nonzero().squeeze(1)
        self._best[self._rows[index]] = point[index]
        self.distance = torch.where(nearer, distance, self.distance)
        return distance
