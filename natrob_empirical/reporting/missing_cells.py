"""Which cells an interrupted run has not finished, as far as the records themselves can tell."""

from dataclasses import dataclass
from typing import final

from natrob_empirical.reporting.formatting import format_budget
from natrob_empirical.reporting.record_groups import ModelRuns, Section


@final
@dataclass(frozen=True, kw_only=True)
class Completeness:
    """What is there against what the other models and seeds have.

    Attributes:
        present: records shown.
        expected: (theory + every attack and budget seen) × models × seeds.
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
    with_theory = any(model.theory for model in section.models)
    per_run = len(section.budgets) + with_theory
    missing = {model.label: _missing_of(model, section, with_theory) for model in section.models}
    return Completeness(
        present=len(section.records),
        expected=per_run * len(section.models) * len(section.seeds),
        missing={label: cells for label, cells in missing.items() if cells},
    )


def _missing_of(model: ModelRuns, section: Section, with_theory: bool) -> tuple[str, ...]:
    """The cells this model lacks; the seed is named where there is more than one."""
    cells: list[str] = []
    for seed in section.seeds:
        suffix = f" (seed {seed})" if len(section.seeds) > 1 else ""
        if with_theory and seed not in model.theory:
            cells.append(f"theory{suffix}")
        cells += [
            f"{budget.attack}, {format_budget(budget.norm, budget.epsilon)}{suffix}"
            for budget in section.budgets
            if seed not in model.attacks.get(budget, {})
        ]
    return tuple(cells)
