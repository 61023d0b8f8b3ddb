"""Which cells an interrupted run has not finished, as far as the records themselves can tell."""

from dataclasses import dataclass
from typing import final

from natrob_empirical.display.formatting import clean_text, format_budget
from natrob_empirical.reporting.record_groups import AttackBudget, ModelRuns, Section


@final
@dataclass(frozen=True, kw_only=True)
class Completeness:
    """Compares the cells that are there with those of the other models and seeds.

    Attributes:
        present: records shown.
        expected: theory and every attack and budget seen, for every model that meets the attack, × seeds.
        missing: model label → the cells it lacks, in words.
    """

    present: int
    expected: int
    missing: dict[str, tuple[str, ...]]


def completeness(section: Section) -> Completeness:
    """Compare every model and seed with the cells that occur anywhere in the section.

    The records do not hold the preset's own list of cells, so a cell that no model has finished is not seen. A
    theory cell is expected of every model as soon as one model has it.
    """
    with_theory = any(model.theory_cells for model in section.models)
    missing = {model.label: _missing_of(model, section, with_theory) for model in section.models}
    return Completeness(
        present=len(section.records),
        expected=sum(with_theory + len(_budgets_of(model, section)) for model in section.models) * len(section.seeds),
        missing={label: cells for label, cells in missing.items() if cells},
    )


def _budgets_of(model: ModelRuns, section: Section) -> list[AttackBudget]:
    """The attacks that a model should meet: none made on itself or for others only, and none if it is a source only."""
    sources = {section.source_of(budget.attack) for budget in section.budgets}
    if not model.attacks and model.name in sources:
        return []
    return [
        budget
        for budget in section.budgets
        if section.source_of(budget.attack) != model.name and _meant_for(model, budget, section)
    ]


def _meant_for(model: ModelRuns, budget: AttackBudget, section: Section) -> bool:
    """Whether no record of the attack says that it is for other models only."""
    named = [
        result.only_on
        for each in section.models
        for results in (each.attacks.get(budget, {}), each.attack_refusals.get(budget, {}))
        for result in results.values()
    ]
    return not all(named) or any(model.name == clean_text(label) for labels in named for label in labels)


def _missing_of(model: ModelRuns, section: Section, with_theory: bool) -> tuple[str, ...]:
    """The cells this model lacks; the seed is named where there is more than one."""
    cells: list[str] = []
    for seed in section.seeds:
        suffix = f" (seed {seed})" if len(section.seeds) > 1 else ""
        if with_theory and seed not in model.theory and seed not in model.refusals:
            cells.append(f"theory{suffix}")
        cells += [
            f"{budget.attack}, {format_budget(budget.norm, budget.epsilon)}{suffix}{_reason(model, budget, seed)}"
            for budget in _budgets_of(model, section)
            if seed not in model.attacks.get(budget, {})
        ]
    return tuple(cells)


def _reason(model: ModelRuns, budget: AttackBudget, seed: int) -> str:
    """Why the attack was run and came to no result; empty where it was not run."""
    refusal = model.attack_refusals.get(budget, {}).get(seed)
    return "" if refusal is None else f" (run, without a result: {clean_text(refusal.reason)})"
