"""Records in the order a report needs them: one section per data set, one entry per model, one value per seed."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, final

from natrob_empirical.attack_names import AttackKind, AttackName, attack_named, steps_of
from natrob_empirical.display.formatting import clean_text, natural_order
from natrob_empirical.records import (
    AttackRefusal,
    AttackResult,
    AttackRunResult,
    CellRecord,
    DataResult,
    Number,
    StepSizeResult,
    TheoryRefusal,
    TheoryResult,
)

RESIDUAL_NETWORKS: Final = ("resnet", "resnet50", "preact_resnet18")
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


@final
@dataclass(frozen=True, kw_only=True)
class SeedSummary:
    """One quantity of one model over the seeds that have it.

    Attributes:
        values: one per seed.
        kinds: the distinct kinds, sorted; one, unless the seeds disagree.
        counts: the distinct sample sizes; None for a bound that holds for all inputs.
    """

    values: tuple[float, ...]
    kinds: tuple[str, ...]
    counts: tuple[int | None, ...]

    @property
    def mean(self) -> float:
        """The arithmetic mean over the seeds; infinite as soon as one value is, or where the sum overflows."""
        if not all(map(math.isfinite, self.values)):
            return sum(self.values)
        return math.fsum(value / len(self.values) for value in self.values)

    @property
    def kind(self) -> str:
        """The kind, or the kinds joined by a slash where the seeds disagree."""
        return "/".join(self.kinds)


@final
@dataclass(frozen=True, kw_only=True)
class ModelRuns:
    """All that the records hold on one model of one data set.

    Attributes:
        label: unique in its section; names the training too where a model comes with more than one.
        network, training: as in the cell's key.
        theory: seed → result.
        attacks: budget → seed → result.
        name: as in the cell's key; attacks name the source of transferred images by it.
        refusals: seed → why there is no theory result.
        attack_refusals: budget → seed → why the attack came to no result.
        specification, recipe: the model's and the training's settings as in the records; empty where they hold none.
    """

    label: str
    network: str
    training: str
    theory: Mapping[int, TheoryResult]
    attacks: Mapping[AttackBudget, Mapping[int, AttackResult]]
    name: str = ""
    refusals: Mapping[int, TheoryRefusal] = field(default_factory=dict)
    attack_refusals: Mapping[AttackBudget, Mapping[int, AttackRefusal]] = field(default_factory=dict)
    specification: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)

    def accuracy(self, budget: AttackBudget) -> SeedSummary | None:
        """Accuracy under this attack over the seeds, or None without a record."""
        return summarise(result.accuracy for result in self.attacks.get(budget, {}).values())

    def theory_number(self, field: str) -> SeedSummary | None:
        """A `Number` field of the theory records over the seeds, of a refusal if it has the field; None without any."""
        found = (getattr(result, field, None) for result in self.theory_cells)
        return summarise(number for number in found if number is not None)

    @property
    def theory_cells(self) -> list[TheoryResult | TheoryRefusal]:
        """The results of every seed's theory cell."""
        return [*self.theory.values(), *self.refusals.values()]

    @property
    def residual(self) -> bool:
        """Whether it is a residual network with normalisation, whose h scales its branches."""
        return self.network in RESIDUAL_NETWORKS

    @property
    def step_size(self) -> float | None:
        """The step size h, if every seed has the same one; of a residual network, what its specification says."""
        if self.residual and "step_size" in self.specification:
            return float(self.specification["step_size"])
        sizes = {result.step_size for result in self.theory.values()}
        return sizes.pop() if len(sizes) == 1 else None


@final
@dataclass(frozen=True, kw_only=True)
class Section:
    """The records of one preset on one data set.

    Attributes:
        preset, dataset: names.
        models: ordered by network class, then label.
        seeds: every seed that occurs.
        budgets: every attack with a budget that occurs, in order.
        records: the records of the models shown.
        sweep: the record of the sweep over step sizes; None without one.
        superseded: records left out because the same cell or model has a newer record with other settings.
        attacks: an attack's label → its settings as in the records, without norm and radius.
    """

    preset: str
    dataset: str
    models: tuple[ModelRuns, ...]
    seeds: tuple[int, ...]
    budgets: tuple[AttackBudget, ...]
    records: tuple[CellRecord, ...]
    sweep: CellRecord | None
    superseded: tuple[CellRecord, ...]
    attacks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def source_of(self, attack: str) -> str | None:
        """The name of the model that the attack's images are made on; None for an attack on the model itself."""
        source = self.attacks.get(attack, {}).get("source")
        return clean_text(source) if isinstance(source, str) else None

    def identity_of(self, attack: str) -> str:
        """Which attack a label stands for, such as "PGD"; the label itself where the records do not say."""
        return str(self.attacks.get(attack, {}).get("attack") or attack)

    def attack_of(self, attack: str) -> AttackName | None:
        """The library's attack that a label stands for; None for another's."""
        return attack_named(self.identity_of(attack)) or attack_named(attack)

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
    def step_sizes(self) -> StepSizeResult | None:
        """The sweep over step sizes, which is about no model."""
        return self.sweep.result if self.sweep and isinstance(self.sweep.result, StepSizeResult) else None

    @property
    def norms(self) -> tuple[str, ...]:
        """The norms in which anything was attacked, certified or judged vacuous, L∞ first."""
        found = {budget.norm for budget in self.budgets}
        for model in self.models:
            for theory in model.theory.values():
                found |= {point.norm for point in (*theory.certified, *theory.vacuity)}
        return ordered_norms(found)


def ordered_norms(norms: Iterable[str]) -> tuple[str, ...]:
    """Norms, L∞ first."""
    return tuple(sorted(norms, key=lambda norm: (_NORM_ORDER.get(norm, 2), norm)))


def summarise(numbers: Iterable[Number]) -> SeedSummary | None:
    """Sums up one quantity over several seeds; None if there is none."""
    found = list(numbers)
    if not found:
        return None
    counts = sorted({number.n for number in found}, key=lambda n: -1 if n is None else n)
    return SeedSummary(
        values=tuple(number.value for number in found),
        kinds=tuple(sorted({number.kind for number in found})),
        counts=tuple(counts),
    )


def group_records(records: Sequence[CellRecord]) -> tuple[Section, ...]:
    """Sections by data set and preset; the order of `records` does not matter."""
    about_models = [record for record in records if not isinstance(record.result, DataResult)]
    ordered = sorted(about_models, key=_record_order)
    names = sorted({(record.cell.dataset, record.cell.preset) for record in ordered})
    return tuple(
        _section(dataset, preset, [r for r in ordered if (r.cell.dataset, r.cell.preset) == (dataset, preset)])
        for dataset, preset in names
    )


def _record_order(record: CellRecord) -> tuple[str, ...]:
    """By cell, then by age; the full text decides between records of the same second."""
    return (record.cell.model_dump_json(), record.environment.created, record.model_dump_json())


def _section(dataset: str, preset: str, records: list[CellRecord]) -> Section:
    """One section; of records with changed settings the newest are shown."""
    sweeps = [record for record in records if isinstance(record.result, StepSizeResult)]
    sweep = max(sweeps, key=_age, default=None)
    by_run: dict[tuple[str, str, int], list[CellRecord]] = {}
    for record in (record for record in records if record not in sweeps):
        by_run.setdefault((record.cell.model, record.cell.training, record.cell.seed), []).append(record)
    newest = {record.cell: record for run in by_run.values() for record in _of_one_model(run)}
    shown = tuple(record for record in records if newest.get(record.cell) is record)
    by_model: dict[tuple[str, str], list[CellRecord]] = {}
    for record in shown:
        by_model.setdefault((record.cell.model, record.cell.training), []).append(record)
    names = [model for model, _ in by_model]
    models = [
        _model_runs(clean_text(model if names.count(model) == 1 else f"{model}, {training}"), cells)
        for (model, training), cells in by_model.items()
    ]
    return Section(
        preset=clean_text(preset),
        dataset=clean_text(dataset),
        models=tuple(sorted(models, key=_model_order)),
        seeds=tuple(sorted({record.cell.seed for record in shown})),
        budgets=tuple(
            sorted({b for model in models for b in (*model.attacks, *model.attack_refusals)}, key=lambda b: b.order)
        ),
        records=shown,
        sweep=sweep,
        superseded=tuple(r for r in records if newest.get(r.cell) is not r and r is not sweep),
        attacks=_attack_settings(shown),
    )


def _model_order(model: ModelRuns) -> tuple[object, ...]:
    """By network class, residual networks by falling h, then by label."""
    step_size = -(model.step_size or 0.0) if model.residual else 0.0
    return (model.network, step_size, natural_order(model.label), model.label, model.training)


def _attack_settings(records: Iterable[CellRecord]) -> dict[str, dict[str, Any]]:
    """Label → settings, from the first record of each attack."""
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        settings = record.settings.get("attack")
        if record.cell.attack is not None and isinstance(settings, dict):
            own = {name: value for name, value in settings.items() if name not in {"norm", "epsilon"}}
            found.setdefault(clean_text(record.cell.attack), own)
    return found


def _of_one_model(run: list[CellRecord]) -> list[CellRecord]:
    """The records of the same trained model as the newest one, in their order.

    A changed preset trains another model under the old label. The two are told apart by the settings that all
    records of the run have, such as the model's, the training's and the data's; an attack's own are left out.
    """
    shared = set.intersection(*(set(record.settings) for record in run)) - {"attack"}

    def model_settings(record: CellRecord) -> str:
        return json.dumps({name: record.settings[name] for name in shared}, sort_keys=True, default=str)

    newest = max(run, key=_age)
    return [record for record in run if model_settings(record) == model_settings(newest)]


def _age(record: CellRecord) -> tuple[str, str]:
    """Sorts the newest last; the full text decides between records of the same second."""
    return (record.environment.created, record.model_dump_json())


def _model_runs(label: str, records: list[CellRecord]) -> ModelRuns:
    """The records of one model, by seed."""
    theory: dict[int, TheoryResult] = {}
    refusals: dict[int, TheoryRefusal] = {}
    attacks: dict[AttackBudget, dict[int, AttackResult]] = {}
    attack_refusals: dict[AttackBudget, dict[int, AttackRefusal]] = {}
    for record in sorted(records, key=lambda record: record.cell.seed):
        if isinstance(record.result, TheoryResult):
            theory[record.cell.seed] = record.result
        elif isinstance(record.result, TheoryRefusal):
            refusals[record.cell.seed] = record.result
        elif isinstance(record.result, AttackRefusal):
            attack_refusals.setdefault(budget_of(record), {})[record.cell.seed] = record.result
        elif (attacked := attack_result_of(record)) is not None:
            attacks.setdefault(budget_of(record), {})[record.cell.seed] = attacked
    cell = records[0].cell
    return ModelRuns(
        label=label,
        network=clean_text(cell.network),
        training=clean_text(cell.training),
        theory=theory,
        attacks=attacks,
        name=clean_text(cell.model),
        refusals=refusals,
        attack_refusals=attack_refusals,
        specification=_mapping(records[0].settings.get("model")),
        recipe=_mapping(records[0].settings.get("training")),
    )


def _mapping(value: object) -> dict[str, Any]:
    """The settings of a part, or none where the record holds something else."""
    return {str(name): entry for name, entry in value.items()} if isinstance(value, dict) else {}


def attack_result_of(record: CellRecord) -> AttackResult | None:
    """The outcome of the record's attack, from a benchmark or a run of its own; None if it holds none."""
    result = record.result.summary if isinstance(record.result, AttackRunResult) else record.result
    return result if isinstance(result, AttackResult) else None


def budget_of(record: CellRecord) -> AttackBudget:
    """The attack and budget of an attack record."""
    cell = record.cell
    return AttackBudget(
        attack=clean_text(cell.attack or "unnamed attack"),
        norm=cell.norm or "unknown norm",
        epsilon=math.nan if cell.epsilon is None else cell.epsilon,
    )
