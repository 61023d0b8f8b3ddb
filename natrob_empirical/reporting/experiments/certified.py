"""From bounds to accuracy: contractive integrator networks, their certificates, and what the bounds explain."""

from collections.abc import Mapping
from typing import Final

from natrob_empirical.reporting.experiments.experiment import Claim, Experiment, ExperimentPart
from natrob_empirical.reporting.figure_style import ModelStyle
from natrob_empirical.reporting.findings.contractive import LANDMARKS, contractive_pairs
from natrob_empirical.reporting.findings.tightness import tightness_of
from natrob_empirical.reporting.formatting import format_budget, format_share
from natrob_empirical.reporting.image_bounds import best_radii
from natrob_empirical.reporting.record_groups import ModelRuns, Section
from natrob_empirical.reporting.strongest_attack import strongest
from natrob_empirical.reporting.tables.comparisons import comparison_table
from natrob_empirical.reporting.tables.table import Cell, Column, Table, missing_cell, number_column, text_cell


def overview_part(section: Section, prefix: str, styles: Mapping[str, ModelStyle]) -> ExperimentPart | None:
    """Clean, certified and attacked accuracy of every model at the landmarks, and how tight its trunk's bound is."""
    del prefix, styles
    models = [model for model in section.models if model.theory]
    places = _places(section)
    if not models or not any(best_radii(theory, "L2") for model in models for theory in model.theory.values()):
        return None
    seeds = len(section.seeds)
    columns: list[tuple[Column, list[Cell]]] = [
        (Column(heading="Model", numeric=False), [text_cell(model.label) for model in models]),
        number_column("Clean", [model.theory_number("clean_accuracy") for model in models], share=True, seeds=seeds),
    ]
    for epsilon in places:
        heading = format_budget("L2", epsilon)
        columns.append((Column(heading=heading, note="certified, lower"), [_certified(m, epsilon) for m in models]))
        attacked = [_attacked(section, model, epsilon) for model in models]
        if any(cell.mark != "missing" for cell in attacked):
            columns.append((Column(heading=heading, note="all attacks, upper"), attacked))
    columns.append(
        number_column("Growth bound", [model.theory_number("growth_bound") for model in models], seeds=seeds)
    )
    columns.append(number_column("Bound / largest found", [tightness_of(model) for model in models], seeds=seeds))
    headings, cells = zip(*columns, strict=True)
    caption = "Certified accuracy is a lower bound of the robust accuracy, accuracy under attack an upper one. n in "
    caption += (
        "brackets; the lowest seed. The last column is the trunk's growth bound over the largest growth known: 1 is "
    )
    caption += "a tight bound."
    table = Table(caption=caption, columns=tuple(headings), rows=tuple(zip(*cells, strict=True)))
    text = "What is guaranteed, what attacks leave, and how much of the gap the bound on the trunk may be to blame for."
    return ExperimentPart(heading="Guaranteed and attacked", text=(text,), tables=(table,))


def pairs_part(section: Section, prefix: str, styles: Mapping[str, ModelStyle]) -> ExperimentPart | None:
    """Every contractive network against the plain ResNet and the Neural ODE, radius by radius."""
    del prefix, styles
    tables = tuple(
        comparison_table(first.label, second.label, compared) for first, second, compared in contractive_pairs(section)
    )
    if not tables:
        return None
    text = "Each table compares two networks on the same images at every radius of the attack."
    return ExperimentPart(heading="Contractive networks against the others", text=(text,), tables=tables)


def _places(section: Section) -> tuple[float, ...]:
    """The data set's landmarks, or the L2 radii that were attacked."""
    attacked = {budget.epsilon for budget in section.budgets if budget.norm == "L2" and budget.epsilon > 0}
    return LANDMARKS.get(section.dataset, ()) or tuple(sorted(attacked))


def _certified(model: ModelRuns, epsilon: float) -> Cell:
    """The share of the first seed's test images whose radius reaches so far."""
    radii = best_radii(model.theory[min(model.theory)], "L2")
    if not radii:
        return missing_cell()
    return text_cell(
        f"{format_share(sum(0 < r >= epsilon for r in radii) / len(radii), kind='lower')} ({len(radii):,})"
    )


def _attacked(section: Section, model: ModelRuns, epsilon: float) -> Cell:
    """What all attacks at this radius leave together."""
    found = [kept for seed in section.seeds if (kept := strongest(model, "L2", epsilon, seed))]
    return text_cell(f"{format_share(found[0].share, kind='upper')} ({found[0].n:,})") if found else missing_cell()


CERTIFIED: Final = Experiment(
    key="certified",
    title="From bounds to accuracy: certificates and contractive networks",
    introduction=(
        "The paper leaves constraining the Lipschitz constant to future work. Here the networks are integrators of "
        "fields whose structure bounds the growth of a perturbation by 1 at the step size chosen, so that a margin "
        "between logits becomes a radius within which no attack of any kind changes the label.",
        "For every image the certified radius is a lower bound and the smallest perturbation found an upper bound of "
        "the same distance. A radius above a perturbation found would be a bug, and stops the run.",
    ),
    parts=(overview_part, pairs_part),
    claims=(
        Claim(
            text="Networks whose trunk cannot expand perturbations are more robust than plain ones.",
            place="section 5, future work",
            finding="contractive",
        ),
    ),
)
