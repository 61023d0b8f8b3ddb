"""Move to Gray: the impossibility's own attack, a walk towards the gray image."""

from dataclasses import KW_ONLY, dataclass
from typing import final

from natrob_theory.numbers.argument_checks import require_count

from .abstract_attack import AbstractAttack
from .active_set import ActiveSet
from .most_calls import MostCalls


@final
@dataclass(frozen=True)
class MoveToGray(AbstractAttack):
    """The points `x + (k/steps)(½ − x)`, k = 1 … steps, each projected onto the ball; the first that is misclassified.

    With pixels in [0, 1] and an L∞ radius of at least ½ the last of them is the constant image ½, which lies in the
    ball of every image. A deterministic classifier gives it one label, so at most the largest class keeps its own:
    no gradient is needed to show it. In smaller balls this is a weak attack.
    Spends at most 2 + steps queries and no gradient call per sample.

    Source: theory, section 2 (Impossibility).
    Proof: proofs/coq/impossibility.v, proofs/symbolic/impossibility.py.

    Args:
        ball: the threat model.
        steps: points on the way, at least 1.

    Raises:
        TypeError, ValueError: `steps` is not such an integer.
    """

    kind = "corruption"
    takes_targets = True

    _: KW_ONLY
    steps: int = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("steps", self.steps)

    def _most_calls(self, num_classes: int | None, *, targeted: bool) -> MostCalls:
        return MostCalls(2 + self.steps, 0)

    def _perturb(self, active: ActiveSet) -> None:
        shares = (step / self.steps for step in range(1, self.steps + 1))
        active.show(active.neighbourhood.project(active.x + share * (0.5 - active.x)) for share in shares)
