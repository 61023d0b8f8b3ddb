"""One run of a preset with one seed, as a judge needs it: its models, their theory and what attacks did to them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, final

from natrob_empirical.attack_names import AttackKind, AttackName, attack_named, steps_of
from natrob_empirical.display.formatting import clean_text, format_budget, natural_order
from natrob_empirical.records import (
    AttackRefusal,
    AttackResult,
    CeilingPoint,
    CellRecord,
    Number,
    StepSizeResult,
    TheoryRefusal,
    TheoryResult,
)

RESIDUAL_NETWORKS: Final = ("resnet", "resnet50", "preact_resnet18")
PLAIN_TRAININGS: Final = ("standard", "plain")
_TITLES: Final = {"mnist": "MNIST", "cifar10": "CIFAR-10", "digits": "the digits"}
_NORM_ORDER: Final = {"Linf": 0, "L2": 1}


@final
@dataclass(frozen=True, kw_only=True)
class AttackBudget:
    """An attack's label and its budget."""

    attack: str
    norm: str
    epsilon: float

    @property
    def order(self) -> tuple[object, ...]:
        """Sorts by norm (L∞ first), attack, radius."""
        return (_NORM_ORDER.get(self.norm, 2), self.norm, natural_order(self.attack), self.attack, self.epsilon)

    @property
    def text(self) -> str:
        """The attack with its budget: "PGD-20 at L∞ ε = 0.1"."""
        return f"{self.attack} at {format_budget(self.norm, self.epsilon)}"


@final
@dataclass(frozen=True, kw_only=True)
class Model:
    """All that the records of one run hold on one model.

    Attributes:
        label: unique in its run; names the training too where a model comes with more than one.
        name: as in the cell's key; attacks name the source of transferred images by it.
        network, training: as in the cell's key.
        theory: None without a theory record, or where it was refused.
        refusal: why there is no theory result, if it was refused.
        attacks: what each attack at each budget left.
        attack_refusals: why attacks came to no result.
        specification, recipe: the model's and the training's settings as in the records; empty where they hold none.
    """

    label: str
    name: str
    network: str
    training: str
    theory: TheoryResult | None
    refusal: TheoryRefusal | None
    attacks: Mapping[AttackBudget, AttackResult]
    attack_refusals: Mapping[AttackBudget, AttackRefusal]
    specification: Mapping[str, Any]
    recipe: Mapping[str, Any]

    @property
    def trained(self) -> TheoryResult | TheoryRefusal | None:
        """The record of its training: clean accuracy and parameters are in both kinds."""
        return self.theory or self.refusal

    @property
    def clean_accuracy(self) -> Number | None:
        """On all test images used; None without a theory record."""
        return None if self.trained is None else self.trained.clean_accuracy

    @property
    def parameters(self) -> int | None:
        """How many are trained; None without a theory record."""
        return None if self.trained is None else self.trained.parameters

    @property
    def plain(self) -> bool:
        """Whether it was trained without any defence."""
        return self.training in PLAIN_TRAININGS

    @property
    def is_neural_ode(self) -> bool:
        """Whether it is a Neural ODE."""
        return self.network.lower().replace(" ", "").replace("_", "").replace("-", "") == "neuralode"

    @property
    def residual(self) -> bool:
        """Whether it is a residual network with normalisation, whose h scales its branches."""
        return self.network in RESIDUAL_NETWORKS

    @property
    def step_size(self) -> float | None:
        """The step size h; of a residual network, what its specification says."""
        if self.residual and "step_size" in self.specification:
            return float(self.specification["step_size"])
        return None if self.theory is None else self.theory.step_size

    def certified(self, norm: str, epsilon: float) -> Number | None:
        """Certified accuracy at exactly this budget, a lower bound; None without."""
        points = () if self.theory is None else self.theory.certified
        return next((point.accuracy for point in points if (point.norm, point.epsilon) == (norm, epsilon)), None)


@final
@dataclass(frozen=True, kw_only=True)
class Run:
    """The records of one preset on one data set with one seed from one folder; two runs are never averaged.

    Attributes:
        source: the folder's name; empty where records came without one.
        preset, dataset, seed: as in the records.
        models: ordered by network class, then label.
        budgets: every attack with a budget that occurs, in order.
        records: the records that count.
        sweep: the sweep over step sizes; None without one.
        class_counts: of the whole test set, by label; empty where no record holds them.
        superseded: records left out because the same cell or model has a newer record with other settings.
        attacks: an attack's label → its settings as in the records, without norm and radius.
        ceilings: of the test images at the run's radii; none in records from before there were any.
    """

    source: str
    preset: str
    dataset: str
    seed: int
    models: tuple[Model, ...]
    budgets: tuple[AttackBudget, ...]
    records: tuple[CellRecord, ...]
    sweep: StepSizeResult | None
    class_counts: tuple[int, ...]
    superseded: tuple[CellRecord, ...]
    attacks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ceilings: tuple[CeilingPoint, ...] = ()

    @property
    def name(self) -> str:
        """Preset, data set and seed, after the folder where it says more than the preset."""
        place = f"{self.preset} on {self.dataset}, seed {self.seed}"
        return place if self.source in {"", self.preset} else f"{self.source}: {place}"

    @property
    def experiment(self) -> str:
        """How the preset's name starts: "table1" of "table1-cpu"."""
        return self.preset.partition("-")[0]

    def source_of(self, attack: str) -> str | None:
        """The name of the model that the attack's images are made on; None for an attack on the model itself."""
        source = self.attacks.get(attack, {}).get("source")
        return clean_text(source) if isinstance(source, str) else None

    def attack_of(self, attack: str) -> AttackName | None:
        """The library's attack that a label stands for; None for another's."""
        return attack_named(str(self.attacks.get(attack, {}).get("attack") or attack)) or attack_named(attack)

    def kind_of(self, attack: str) -> AttackKind | None:
        """The kind of a label's attack, or of the one that made its images on another model; None for another's."""
        named = self.attack_of(attack)
        return None if named is None else named.kind

    def fixed_steps_of(self, attack: str) -> int | None:
        """How many gradient steps of one size the attack of a label takes; None for one that takes no such steps."""
        named = self.attack_of(attack)
        if named is None or named.steps is None:
            return None
        return steps_of(attack) or self.attacks.get(attack, {}).get("steps") or named.steps

    @property
    def largest_class_share(self) -> Number | None:
        """The share of the largest class of the whole test set, what a constant answer keeps at any radius."""
        if not self.class_counts:
            return None
        n = sum(self.class_counts)
        return Number(value=max(self.class_counts) / n, kind="measured", n=n, source="labels of the whole test set")

    @property
    def norms(self) -> tuple[str, ...]:
        """The norms in which anything was attacked or certified, L∞ first."""
        certified = {p.norm for m in self.models if m.theory for p in (*m.theory.certified, *m.theory.vacuity)}
        return ordered_norms({budget.norm for budget in self.budgets} | certified)

    def radii(self, attack: str | None = None) -> list[tuple[str, float]]:
        """(norm, ε > 0) of one attack or of all, in order."""
        found = [b for b in self.budgets if b.epsilon > 0 and attack in {None, b.attack}]
        return sorted({(b.norm, b.epsilon) for b in found}, key=lambda place: (_NORM_ORDER.get(place[0], 2), *place))


def ordered_norms(norms: Iterable[str]) -> tuple[str, ...]:
    """Norms, L∞ first."""
    return tuple(sorted(norms, key=lambda norm: (_NORM_ORDER.get(norm, 2), norm)))


def titled(dataset: str) -> str:
    """The data set as pages name it."""
    return _TITLES.get(dataset, dataset)


def budget_of(record: CellRecord) -> AttackBudget:
    """The attack and budget of an attack record."""
    cell = record.cell
    return AttackBudget(
        attack=clean_text(cell.attack or "unnamed attack"),
        norm=cell.norm or "unknown norm",
        epsilon=math.nan if cell.epsilon is None else cell.epsilon,
    )
