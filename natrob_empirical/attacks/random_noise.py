"""Random points of the ball: the control that every attack must beat."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import final

from natrob_theory.numbers.argument_checks import require_count

from .abstract_attack import AbstractAttack
from .active_set import ActiveSet
from .most_calls import MostCalls


@final
@dataclass(frozen=True)
class RandomNoise(AbstractAttack):
    """The best of `trials` points drawn uniformly from the ball: the first misclassified, else of the highest loss.

    No attack, but what an attack is compared with: where a gradient attack does no better than this, its
    gradients carry no information (Athalye, Carlini and Wagner, ICML 2018, section 3.1).
    Spends at most 2 + trials queries and no gradient call per sample.

    Args:
        ball: the threat model.
        trials: points per sample, at least 1.

    Raises:
        TypeError, ValueError: `trials` is not such an integer.
    """

    kind = "corruption"
    takes_targets = True
    setting_names = MappingProxyType({"queries": "trials"})

    trials: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("trials", self.trials)

    def _most_calls(self, num_classes: int | None, *, targeted: bool) -> MostCalls:
        return MostCalls(2 + self.trials, 0)

    def _perturb(self, active: ActiveSet) -> None:
        active.show(active.random_point() for _ in range(self.trials))
