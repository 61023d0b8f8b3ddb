"""Auto-PGD towards several wrong classes."""

from dataclasses import KW_ONLY, dataclass
from typing import final

from natrob_theory.numbers.argument_checks import require_count

from .abstract_attack import AbstractAttack
from .active_set import ActiveSet
from .apgd import require_ascent_settings
from .auto_pgd_ascent import ascend
from .losses import DLR, targeted_dlr
from .most_calls import MostCalls
from .rivals import rival_count, strongest_rivals
from .tries import Tries, groups


@final
@dataclass(frozen=True)
class TargetedAPGD(AbstractAttack):
    """Auto-PGD on the targeted DLR loss, for each of a sample's `targets` strongest rivals.

    The rivals are the classes of the largest logits of the unperturbed image, the largest first; the true label is
    never among them. With fewer other classes than `targets`, all of them are targets. Any misclassification counts,
    not only as the target. Where the attack is itself given target classes, they take the place of the rivals, and only
    they count.
    The runs of few samples are made side by side in one batch, those of many one after the other.
    Spends at most 3 + targets·restarts·(steps + 1) queries and targets·restarts·steps gradient calls per sample:
    whoever is fooled leaves.

    Source: Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
    attacks", ICML 2020, sections 3 and 4.

    Args:
        ball: the threat model.
        steps: gradient steps per run, at least 1.
        targets: target classes per sample, at least 1.
        restarts: independent runs per target, at least 1.
        rho: as in `APGD`.

    Raises:
        TypeError, ValueError: a setting that is not as described; in a call also ValueError for a model of fewer than
            4 classes.
    """

    kind = "gradient"
    takes_targets = True

    _: KW_ONLY
    steps: int = 100
    targets: int = 9
    restarts: int = 1
    rho: float = 0.75

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("targets", self.targets)
        require_ascent_settings(self.steps, self.restarts, self.rho)

    def _most_calls(self, num_classes: int | None, *, targeted: bool) -> MostCalls:
        if targeted:
            return MostCalls(2 + self.restarts * (self.steps + 1), self.restarts * self.steps)
        runs = self.restarts * rival_count(self.targets, num_classes)
        return MostCalls(3 + runs * (self.steps + 1), runs * self.steps)

    def _perturb(self, active: ActiveSet) -> None:
        if active.target is not None:
            for restarts in groups(active, self.restarts):
                ascend(Tries(active, len(restarts)), self.ball, DLR().towards, steps=self.steps, rho=self.rho)
                if active.all_fooled:
                    return
            return
        rivals = strongest_rivals(active.model.logits(active.x), active.y, self.targets)
        order = rivals.repeat_interleave(self.restarts, dim=1)
        for columns in groups(active, order.shape[1]):
            tries = Tries(active, len(columns), order)
            targets = order[:, columns.start : columns.stop].flatten()
            ascend(tries, self.ball, targeted_dlr, targets, steps=self.steps, rho=self.rho)
            if active.all_fooled:
                return
            (order,) = tries.carried
