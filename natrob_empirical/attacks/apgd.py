"""Auto-PGD: projected gradient ascent with momentum that finds its own step size."""

from dataclasses import KW_ONLY, dataclass, field
from types import MappingProxyType
from typing import final

from natrob_theory.numbers.argument_checks import require_count, require_finite

from .abstract_attack import AbstractAttack
from .active_set import ActiveSet
from .auto_pgd_ascent import ascend
from .losses import DLR, AbstractLoss, CrossEntropy
from .most_calls import MostCalls
from .tries import Tries, groups


@final
@dataclass(frozen=True)
class APGD(AbstractAttack):
    """Gradient steps with momentum on a loss, from random points; see `auto_pgd_ascent.ascend` for the step.

    The step starts at 2ε and is halved, for each sample on its own, where the sample makes no more progress; it then
    goes on from its best point. APGD-CE of the literature is `APGD(ball)`, APGD-DLR `APGD(ball, loss=DLR())`.
    Spends at most 2 + restarts·(steps + 1) queries and restarts·steps gradient calls per sample: whoever is fooled
    leaves.

    Source: Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
    attacks", ICML 2020, Algorithm 1.

    Args:
        ball: the threat model.
        loss: what is increased: `CrossEntropy()`, `DLR()` (3 classes or more) or `Margin()`.
        steps: gradient steps per restart, at least 1.
        restarts: independent runs, at least 1.
        rho: ρ, the share of steps that must raise the loss between two checkpoints, above 0 and at most 1.

    Raises:
        TypeError, ValueError: a setting that is not as described; in a call also ValueError for DLR and 2 classes.
    """

    kind = "gradient"
    takes_targets = True
    variants = MappingProxyType({"apgd-ce": {"loss": CrossEntropy()}, "apgd-dlr": {"loss": DLR()}})

    _: KW_ONLY
    loss: AbstractLoss = field(default_factory=CrossEntropy)
    steps: int = 100
    restarts: int = 1
    rho: float = 0.75

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.loss, AbstractLoss):
            raise TypeError(f"`loss` must be a loss such as CrossEntropy() or DLR(), got {self.loss!r}")
        require_ascent_settings(self.steps, self.restarts, self.rho)

    def _most_calls(self, num_classes: int | None, *, targeted: bool) -> MostCalls:
        return MostCalls(2 + self.restarts * (self.steps + 1), self.restarts * self.steps)

    def _perturb(self, active: ActiveSet) -> None:
        objective = self.loss if active.target is None else self.loss.towards
        for restarts in groups(active, self.restarts):
            ascend(Tries(active, len(restarts)), self.ball, objective, steps=self.steps, rho=self.rho)
            if active.all_fooled:
                return


def require_ascent_settings(steps: object, restarts: object, rho: object) -> None:
    """Raise TypeError or ValueError unless these settings of Auto-PGD are as required."""
    require_count("steps", steps)
    require_count("restarts", restarts)
    if not 0 < require_finite("rho", rho) <= 1:
        raise ValueError(f"`rho` must be above 0 and at most 1, got {rho}")
