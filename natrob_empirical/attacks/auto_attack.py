"""AutoAttack: four attacks that differ in kind, each on what the ones before it left."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from typing import final

from natrob_empirical.attack_names import label_of
from natrob_empirical.runs.work_watch import current_watch
from natrob_theory.numbers.argument_checks import require_count

from .abstract_attack import AbstractAttack
from .active_set import ActiveSet
from .apgd import APGD
from .averaged_model import AveragedModel
from .fab import FAB
from .losses import Margin
from .model_checks import compare_answers
from .most_calls import MostCalls
from .square import Square
from .targeted_apgd import TargetedAPGD

_CALLS = 2


@final
@dataclass(frozen=True, kw_only=True)
class PartReport:
    """The work of one part of AutoAttack on one batch.

    Attributes:
        part: the attack.
        attacked: samples that it found unfooled.
        left: samples that it left unfooled.
        of: samples of the batch that were classified correctly without an attack.
    """

    part: AbstractAttack
    attacked: int
    left: int
    of: int

    @property
    def name(self) -> str:
        """As in the literature: APGD-CE, Targeted APGD, …."""
        return _name_of(self.part)


@final
@dataclass(frozen=True)
class AutoAttack(AbstractAttack):
    """APGD-CE, targeted APGD-DLR, FAB-T and Square in turn; a sample that one of them fools is spared the rest.

    With the settings as they are this is the standard version. It first looks twice at the images: a model whose answer
    changes is refused, unless it is an `AveragedModel`, and one that returns probabilities is warned of.

    The targeted DLR loss needs 4 classes. With 2 or 3 its place is taken by APGD on the margin of the logits, which
    cannot saturate either, from `targets` random points: see `parts_for`. Given target classes, all parts aim at them.

    Spends at most 14 + steps + targets·(3·steps + 1) + queries queries and (1 + 2·targets)·steps gradient calls per
    sample, with `targets` at most the number of other classes: 7,823 and 1,900 as it is.

    Source: Croce and Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
    attacks", ICML 2020, section 4; the sequence is that of the authors' standard version.

    Args:
        ball: the threat model.
        steps: of each run of APGD and FAB, at least 1.
        targets: target classes of APGD and FAB, at least 1.
        queries: of Square, at least 1.
        on_part: called with a `PartReport` after each part on each batch; for a display of progress.

    Raises:
        TypeError, ValueError: a setting that is not as described.
        RandomisedModelError: in a call, for a model that is random and no AveragedModel.
    """

    kind = "ensemble"
    takes_targets = True

    _: KW_ONLY
    steps: int = 100
    targets: int = 9
    queries: int = 5000
    on_part: Callable[[PartReport], object] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count("steps", self.steps)
        require_count("targets", self.targets)
        require_count("queries", self.queries)
        if self.on_part is not None and not callable(self.on_part):
            raise TypeError(f"`on_part` must be callable or None, got {self.on_part!r}")

    @property
    def parts(self) -> tuple[AbstractAttack, ...]:
        """The attacks, in their order, for a model of at least 4 classes."""
        return self.parts_for(4)

    def parts_for(self, num_classes: int) -> tuple[AbstractAttack, ...]:
        """The attacks for a model of so many classes."""
        return (
            APGD(self.ball, steps=self.steps),
            self._second(num_classes),
            FAB(self.ball, steps=self.steps, targets=self.targets),
            Square(self.ball, queries=self.queries),
        )

    def _second(self, num_classes: int) -> AbstractAttack:
        if num_classes < 4:
            return APGD(self.ball, loss=Margin(), steps=self.steps, restarts=self.targets)
        return TargetedAPGD(self.ball, steps=self.steps, targets=self.targets)

    def _most_calls(self, num_classes: int | None, *, targeted: bool) -> MostCalls:
        if num_classes is None:  # below 4 classes another part takes a place, which costs more where targets are given
            few, many = (self._most_calls(count, targeted=targeted) for count in (3, max(4, self.targets + 1)))
            return MostCalls(max(few.queries, many.queries), max(few.gradient_calls, many.gradient_calls))
        parts = [part.most_calls(num_classes, targeted=targeted) for part in self.parts_for(num_classes)]
        # each part says what it costs with a first look and a verdict of its own
        return MostCalls(
            2 + _CALLS + sum(part.queries - 2 for part in parts), sum(part.gradient_calls for part in parts)
        )

    def _perturb(self, active: ActiveSet) -> None:
        of = active.unfooled
        parts = self.parts_for(self._check(active))
        watch = current_watch()
        for number, part in enumerate(parts, start=1):
            attacked = active.unfooled
            if watch is not None:
                watch.begin_part(_name_of(part), number, len(parts))
            part._perturb(active)
            if self.on_part is not None:
                self.on_part(PartReport(part=part, attacked=attacked, left=active.unfooled, of=of))
            if active.all_fooled:
                return

    def _check(self, active: ActiveSet) -> int:
        """Look at the model itself; the number of its classes."""
        check = compare_answers([active.model.full_precision_logits(active.x) for _ in range(_CALLS)])
        if not isinstance(active.model.classifier, AveragedModel):
            check.require_deterministic()
        check.warn_of_probabilities()
        return check.num_classes


def _name_of(part: AbstractAttack) -> str:
    """The part's name in the literature."""
    return f"APGD-{part.loss.abbreviation}" if isinstance(part, APGD) else label_of(part)
