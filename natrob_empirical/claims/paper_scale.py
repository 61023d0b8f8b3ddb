"""Which records replay the paper itself: its data set, its network at its width, its training, its attack."""

import math
from collections.abc import Sequence
from typing import Final, TypeGuard

from natrob_empirical.evidence.run import AttackBudget, Model, Run
from natrob_empirical.paper import DATASETS, DatasetName, PrintedAccuracy, table_a1

SCALE_IN_WORDS: Final = (
    "A record counts if data set and network are the paper’s: ResNets of the published width, Table A1’s Neural ODE.",
    "The Neural ODE must have been trained for half of Table A1’s epochs or more.",
)
_WIDTHS: Final = {"resnet50": 64, "preact_resnet18": 64}
_TRAININGS: Final = {"PGD-10": "pgd", "TRADES-10": "trades", "YOPO-5-3": "yopo"}


def is_papers_network(model: Model, dataset: str) -> bool:
    """Whether the records say that this is the paper's network on this data set, trained long enough."""
    settings = model.specification
    if not model.is_neural_ode:
        wide = settings.get("width") == _WIDTHS.get(model.network, 0)
        return wide and settings.get("step_size", 1) == 1
    if not _has_table_a1(dataset):
        return False
    table = table_a1(dataset)
    time = settings.get("step_size", 0.0) * settings.get("num_steps", 0)
    return (
        settings.get("channels") == settings.get("hidden") == table.channels
        and settings.get("field_convolutions") == table.convolution_layers
        and math.isclose(time, table.stop_time - table.start_time)
        and 2 * model.recipe.get("epochs", 0) >= table.epochs
    )


def papers_models(runs: Sequence[Run], printed: PrintedAccuracy) -> list[tuple[Run, Model]]:
    """The networks whose accuracy the paper prints here, each with its run."""
    return [
        (run, model)
        for run in runs
        for model in run.models
        if run.dataset == printed.dataset
        and model.network == printed.network
        and (model.plain if printed.training == "none" else model.training == _TRAININGS.get(printed.training))
        and is_papers_network(model, run.dataset)
    ]


def papers_budgets(run: Run, model: Model, printed: PrintedAccuracy) -> list[AttackBudget]:
    """The attacks on the model that have the printed one's settings; L∞ where the paper states no norm."""
    return [budget for budget in model.attacks if _is_printed_attack(run, budget, printed)]


def _is_printed_attack(run: Run, budget: AttackBudget, printed: PrintedAccuracy) -> bool:
    named, settings = run.attack_of(budget.attack), run.attacks.get(budget.attack, {})
    steps_differ = printed.steps is not None and run.fixed_steps_of(budget.attack) != printed.steps
    if named is None or run.source_of(budget.attack) is not None or steps_differ:
        return False
    if printed.step_size is not None and printed.steps != 1 and settings.get("step_size") != printed.step_size:
        return False
    same_attack = named.label == printed.attack.partition("-")[0]
    return same_attack and budget.norm == (printed.norm or "Linf") and math.isclose(budget.epsilon, printed.epsilon)


def _has_table_a1(dataset: str) -> TypeGuard[DatasetName]:
    return dataset in DATASETS
