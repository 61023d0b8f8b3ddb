"""The fast gradient sign method."""

from dataclasses import dataclass
from typing import final

from .abstract_attack import AbstractAttack
from .active_set import ActiveSet
from .most_calls import MostCalls


@final
@dataclass(frozen=True)
class FGSM(AbstractAttack):
    """One step of size ε along the steepest ascent of the loss.

    `x + ε sign(∇ℓ)` in an L∞ ball, `x + ε ∇ℓ/‖∇ℓ‖₂` in an L2 ball, projected.

    Exact for a linear model whose answer no pixel bound limits, and weak in general: one gradient says
    little of a curved loss. Spends 3 queries and 1 gradient call per sample.

    Source: Goodfellow, Shlens and Szegedy, "Explaining and harnessing adversarial examples", ICLR 2015.

    Args:
        ball: the threat model.
    """

    kind = "gradient"
    takes_targets = True

    @property
    def reach(self) -> float:
        """ε, the one step."""
        return self.ball.epsilon

    def _most_calls(self, num_classes: int | None, *, targeted: bool) -> MostCalls:
        return MostCalls(3, 1)

    def _perturb(self, active: ActiveSet) -> None:
        _, gradient = active.model.logits_and_gradient(active.x, active.classes, active.goal.loss)
        active.propose(active.x + self.ball.epsilon * self.ball.steepest_ascent(gradient))
