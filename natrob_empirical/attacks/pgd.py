"""Projected gradient descent on the negative loss."""

from dataclasses import KW_ONLY, dataclass
from typing import final

import torch

from natrob_theory.numbers.argument_checks import require_count

from .active_set import ActiveSet
from .fixed_step_attack import AbstractFixedStepAttack
from .most_calls import MostCalls


@final
@dataclass(frozen=True)
class PGD(AbstractFixedStepAttack):
    """Repeated steps `x ← project(x + α·direction(∇ℓ))` from the image or from a random point of its ball.

    The direction is the ball's steepest ascent, ℓ the cross-entropy loss. Of all images on the way, the last
    included, the first misclassified one is kept, else that of the highest loss. With the same `step_size`
    and the same generator, more steps or more restarts therefore never return a weaker result.

    Spends at most 2 + restarts·(steps + 1) queries and restarts·steps gradient calls per sample: whoever is fooled
    leaves.

    Source: Madry, Makelov, Schmidt, Tsipras and Vladu, "Towards deep learning models resistant to adversarial
    attacks", ICLR 2018; the default step size too, which can cross the ball from any start.

    Args:
        ball: the threat model.
        step_size: α, in the ball's norm, greater than 0; None means `2.5·ε/steps`.
        steps: gradient steps per restart, at least 1.
        random_start: start from a uniformly drawn point of the ball instead of the image.
        restarts: independent runs, at least 1; more than one needs `random_start`.

    Raises:
        TypeError, ValueError: a setting that is not as described.
    """

    kind = "gradient"
    takes_targets = True

    _: KW_ONLY
    random_start: bool = True
    restarts: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("restarts", self.restarts)
        if not isinstance(self.random_start, bool):
            raise TypeError(f"`random_start` must be True or False, got {self.random_start!r}")
        if self.restarts > 1 and not self.random_start:
            raise ValueError(
                f"`restarts` must be 1 without `random_start`, as all would be the same, got {self.restarts}"
            )

    def _most_calls(self, num_classes: int | None, *, targeted: bool) -> MostCalls:
        return MostCalls(2 + self.restarts * (self.steps + 1), self.restarts * self.steps)

    def _perturb(self, active: ActiveSet) -> None:
        step_size = self.alpha
        for _ in range(self.restarts):
            point = active.random_point() if self.random_start else active.x
            for _ in range(self.steps):
                logits, gradient = active.model.logits_and_gradient(point, active.classes, active.goal.loss)
                point, gradient = active.settle(point, logits, point, gradient)
                if active.all_fooled:
                    return
                direction = self.ball.ascent_step(gradient, point)
                point = active.neighbourhood.project(torch.add(point, direction, alpha=step_size))
            active.settle(point, active.model.logits(point))
            if active.all_fooled:
                return
