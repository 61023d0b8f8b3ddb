"""Records sorted into runs: by folder, data set, preset and seed, each judged apart."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

from natrob_empirical.display.formatting import clean_text, natural_order
from natrob_empirical.evidence.run import AttackBudget, Model, Run, budget_of
from natrob_empirical.records import (
    AttackRefusal,
    AttackResult,
    AttackRunResult,
    CellRecord,
    DataResult,
    StepSizeResult,
    TheoryRefusal,
    TheoryResult,
)

OF_NO_MODEL: Final = ("step sizes", "data")
Result = TypeVar("Result")


def runs_of(records: Iterable[CellRecord], *, source: str = "") -> tuple[Run, ...]:
    """Sorts records of one folder into runs; their order does not matter.

    Args:
        records: of any presets, data sets and seeds.
        source: the folder's name.
    """
    groups: dict[tuple[str, str, int], list[CellRecord]] = {}
    for record in sorted(records, key=_record_order):
        cell = record.cell
        groups.setdefault((cell.dataset, cell.preset, cell.seed), []).append(record)
    return tuple(_run(clean_text(source) if source else "", *groups[key], key=key) for key in sorted(groups))


def _record_order(record: CellRecord) -> tuple[str, ...]:
    """By cell, then by age; the full text decides between records of the same second."""
    return (record.cell.model_dump_json(), *_age(record))


def _age(record: CellRecord) -> tuple[str, str]:
    """Sorts the newest last."""
    return (record.environment.created, record.model_dump_json())


def _run(source: str, *records: CellRecord, key: tuple[str, str, int]) -> Run:
    """One run; of records with changed settings the newest count."""
    dataset, preset, seed = key
    by_model: dict[tuple[str, str], list[CellRecord]] = {}
    for record in records:
        by_model.setdefault((record.cell.model, record.cell.training), []).append(record)
    newest = {record.cell: record for cells in by_model.values() for record in _of_one_model(cells)}
    shown, superseded = [], []  # told apart by identity: records are too large to compare by content
    for record in records:
        (shown if newest.get(record.cell) is record else superseded).append(record)
    trained: dict[tuple[str, str], list[CellRecord]] = {}
    for record in shown:
        if record.result.kind not in OF_NO_MODEL:
            trained.setdefault((record.cell.model, record.cell.training), []).append(record)
    names = [model for model, _ in trained]
    models = [
        _model(clean_text(model if names.count(model) == 1 else f"{model}, {training}"), cells)
        for (model, training), cells in trained.items()
    ]
    data = _last(shown, DataResult)
    return Run(
        source=source,
        preset=clean_text(preset),
        dataset=clean_text(dataset),
        seed=seed,
        models=tuple(sorted(models, key=_model_order)),
        budgets=tuple(
            sorted({b for model in models for b in (*model.attacks, *model.attack_refusals)}, key=lambda b: b.order)
        ),
        records=tuple(shown),
        sweep=_last(shown, StepSizeResult),
        class_counts=tuple(data.class_counts) if data else (),
        superseded=tuple(superseded),
        attacks=_attack_settings(shown),
        ceilings=tuple(data.ceilings) if data else (),
    )


def _last(records: Sequence[CellRecord], kind: type[Result]) -> Result | None:
    """The newest result of one kind."""
    return next((r.result for r in sorted(records, key=_age, reverse=True) if isinstance(r.result, kind)), None)


def _model_order(model: Model) -> tuple[object, ...]:
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


def _of_one_model(cells: list[CellRecord]) -> list[CellRecord]:
    """The records of the same trained model as the newest one, in their order.

    A changed preset trains another model under the old label. The two are told apart by the settings that all
    records of the run have, such as the model's, the training's and the data's; an attack's own are left out.
    """
    shared = set.intersection(*(set(record.settings) for record in cells)) - {"attack"}

    def model_settings(record: CellRecord) -> str:
        return json.dumps({name: record.settings[name] for name in shared}, sort_keys=True, default=str)

    newest = max(cells, key=_age)
    return [record for record in cells if model_settings(record) == model_settings(newest)]


def _model(label: str, records: list[CellRecord]) -> Model:
    """The records of one model."""
    attacks: dict[AttackBudget, AttackResult] = {}
    refusals: dict[AttackBudget, AttackRefusal] = {}
    for record in records:
        if isinstance(record.result, AttackRefusal):
            refusals[budget_of(record)] = record.result
        elif (attacked := attack_result_of(record)) is not None:
            attacks[budget_of(record)] = attacked
    cell = records[0].cell
    return Model(
        label=label,
        name=clean_text(cell.model),
        network=clean_text(cell.network),
        training=clean_text(cell.training),
        theory=_last(records, TheoryResult),
        refusal=_last(records, TheoryRefusal),
        attacks=attacks,
        attack_refusals=refusals,
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
