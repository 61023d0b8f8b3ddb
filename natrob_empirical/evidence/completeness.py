"""The cells that an interrupted run has not finished, as far as its records can tell."""

from collections.abc import Mapping

from natrob_empirical.display.formatting import clean_text, format_budget
from natrob_empirical.evidence.run import AttackBudget, Model, Run


def missing_cells(run: Run) -> Mapping[str, tuple[str, ...]]:
    """Compares every model with the cells that occur anywhere in its run: label → what it lacks, in words.

    Records do not hold the preset's own list of cells, so that a cell that no model has finished is not seen. A
    theory cell is expected of every model as soon as one model has it.
    """
    with_theory = any(model.trained for model in run.models)
    found: dict[str, tuple[str, ...]] = {}
    for model in run.models:
        cells = ["theory"] if with_theory and model.trained is None else []
        cells += [
            f"{budget.attack}, {format_budget(budget.norm, budget.epsilon)}{_reason(model, budget)}"
            for budget in _expected(model, run)
            if budget not in model.attacks
        ]
        if cells:
            found[model.label] = tuple(cells)
    return found


def _expected(model: Model, run: Run) -> list[AttackBudget]:
    """The attacks that a model should meet: none made on itself or for others only, and none if it is a source only."""
    if not model.attacks and model.name in {run.source_of(budget.attack) for budget in run.budgets}:
        return []
    return [b for b in run.budgets if run.source_of(b.attack) != model.name and _meant_for(model, b, run)]


def _meant_for(model: Model, budget: AttackBudget, run: Run) -> bool:
    """Whether no record of the attack says that it is for other models only."""
    results = (each.attacks.get(budget) or each.attack_refusals.get(budget) for each in run.models)
    named = [result.only_on for result in results if result is not None]
    return not all(named) or any(model.name == clean_text(label) for labels in named for label in labels)


def _reason(model: Model, budget: AttackBudget) -> str:
    """Why the attack was run and came to no result; empty where it was not run."""
    refusal = model.attack_refusals.get(budget)
    return "" if refusal is None else f" (run, without a result: {clean_text(refusal.reason)})"
