"""The nearest misclassified image of every sample, while an attack looks for it."""

from typing import final

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from natrob_empirical.threat_models import AbstractBall

from .active_set import ActiveSet


@final
class NearestSearch:
    """The samples of a minimum-norm attack that still search, and the nearest misclassified image found for each.

    An attack keeps its own state in tensors with one row per searching sample and hands them to `settle`, which
    returns the rows of those that stay. Where `leave_inside`, a sample leaves as soon as it has a misclassified image
    inside its ball; else nobody leaves.

    Args:
        active: the samples.
        ball: whose norm distances are measured in; inside its radius a sample may leave.
        leave_inside: whether to stop there.

    Attributes:
        active: the samples that still search: their images, labels, model and random streams.
        nearest: per searching sample, the nearest misclassified image so far; its own image where there is none.
        distance: ‖nearest − x‖ in the ball's norm, float64; ∞ where there is none.
    """

    def __init__(self, active: ActiveSet, ball: AbstractBall, *, leave_inside: bool) -> None:
        self.active = active
        self.ball = ball
        self._leave_inside = leave_inside
        self.nearest: Float[Tensor, "batch channels height width"] = active.x.clone()
        self.distance: Float64[Tensor, " batch"] = torch.full(
            active.y.shape, torch.inf, dtype=torch.float64, device=active.x.device
        )

    def __len__(self) -> int:
        return len(self.active)

    @property
    def over(self) -> bool:
        """Whether no work is left."""
        return self._leave_inside and self.active.all_fooled

    def settle(
        self,
        point: Float[Tensor, "batch channels height width"],
        logits: Float[Tensor, "batch classes"],
        *state: Tensor,
    ) -> tuple[Tensor, ...]:
        """Record the model's answer to `point`; return the rows of `state` that stay.

        Args:
            point: one image in the pixel range per searching sample, at any distance.
            logits: what the model answered to it.
            state: tensors with one row per searching sample.

        Raises:
            ValueError: as `ActiveSet.settle`.
        """
        distance = self.ball.distance(point, self.active.x)
        nearer = (logits.argmax(dim=1) != self.active.y) & (distance < self.distance)
        self.nearest = torch.where(nearer[:, None, None, None], point, self.nearest)
        self.distance = torch.where(nearer, distance, self.distance)
        if not self._leave_inside:
            return state
        inside = distance <= self.ball.epsilon
        self.nearest, self.distance, *state_left = self.active.settle(
            point, logits, self.nearest, self.distance, *state, judged=inside
        )
        return tuple(state_left)
