"""From bounds to accuracy: contractive integrator networks, their certificates, and what the bounds explain."""

from collections.abc import Mapping
from typing import Final

from natrob_empirical.display.formatting import format_budget, format_share
from natrob_empirical.reporting.contractive_pairs import contractive_pairs
from natrob_empirical.reporting.experiments.experiment import Claim, Experiment, ExperimentPart
from natrob_empirical.reporting.figure_style import ModelStyle
from natrob_empirical.reporting.findings.contractive import LANDMARKS
from natrob_empirical.reporting.findings.tightness import tightness_of
from natrob_empirical.reporting.image_bounds import ImageBounds, widest_bounds
from natrob_empirical.reporting.record_groups import Section
from natrob_empirical.reporting.tables.comparisons import comparison_table
from natrob_empirical.reporting.tables.table import Cell, Column, Table, missing_cell, number_column, text_cell


def overview_part(section: Section, prefix: str, styles: Mapping[str, ModelStyle]) -> ExperimentPart | None:
    """Clean, certified and attacked accuracy of every model at the landmarks, all on the same images."""
    del prefix, styles
    models = [model for model in section.models if model.theory]
    bounds = _bounds_on_common_images(section)
    if not any(each.methods for each in bounds.values()):
        return None
    seeds, n = len(section.seeds), len(next(iter(bounds.values())))
    own = [bounds.get(model.label) for model in models]
    columns: list[tuple[Column, list[Cell]]] = [
        (Column(heading="Model", numeric=False), [text_cell(model.label) for model in models]),
        (Column(heading="Clean", note=f"measured, n = {n:,}"), [_left(each, 0.0, "measured") for each in own]),
    ]
    for epsilon in _places(section):
        heading = format_budget("L2", epsilon)
        columns += [
            (Column(heading=heading, note=f"certified, lower, n = {n:,}"), [_certified(each, epsilon) for each in own]),
            (Column(heading=heading, note=f"all attacks, upper, n = {n:,}"), [_left(e, epsilon, "upper") for e in own]),
        ]
    columns += [
        number_column("Growth bound", [model.theory_number("growth_bound") for model in models], seeds=seeds),
        number_column("Bound / largest found", [tightness_of(model) for model in models], seeds=seeds),
    ]
    headings, cells = zip(*columns, strict=True)
    caption = "Certified accuracy is a lower bound of the robust accuracy, accuracy under attack an upper one. Every "
    caption += f"accuracy is of the same {n:,} images and of the lowest seed; an image counts as lost if any attack in "
    caption += "L2 that saw it found it misclassified within the radius. "
    if len({_met(each) for each in bounds.values()}) > 1:
        caption += "Not every model met every attack, and fewer attacks leave more: read an upper bound beside its own "
        caption += "lower bound or another model's, not beside another upper one. "
    caption += "The last column is the trunk's growth bound "
    caption += "over the largest growth known: 1 is a tight bound."
    table = Table(caption=caption, columns=tuple(headings), rows=tuple(zip(*cells, strict=True)))
    text = "What is guaranteed, what attacks leave, and how much of the gap the bound on the trunk may be to blame for."
    return ExperimentPart(heading="Guaranteed and attacked", text=(text,), tables=(table,))


def pairs_part(section: Section, prefix: str, styles: Mapping[str, ModelStyle]) -> ExperimentPart | None:
    """Every contractive network against the plain networks and the best control, radius by radius."""
    del prefix, styles
    tables = tuple(
        comparison_table(pair.first.label, pair.second.label, pair.compared)
        for pair in contractive_pairs(section)
        if pair.compared
    )
    if not tables:
        return None
    text = "Each table compares two networks on the same images at every radius of the attack."
    return ExperimentPart(heading="Contractive networks against the others", text=(text,), tables=tables)


def _places(section: Section) -> tuple[float, ...]:
    """The data set's landmarks, or the L2 radii that were attacked."""
    attacked = {budget.epsilon for budget in section.budgets if budget.norm == "L2" and budget.epsilon > 0}
    return LANDMARKS.get(section.dataset, ()) or tuple(sorted(attacked))


def _bounds_on_common_images(section: Section) -> dict[str, ImageBounds]:
    """Label → the lowest seed's bounds in L2, on as many first images as every model has."""
    found: dict[str, ImageBounds] = {}
    for each in sorted(widest_bounds(section), key=lambda each: each.seed):
        if each.norm == "L2":
            found.setdefault(each.model, each)
    n = min(map(len, found.values()), default=0)
    return {label: each.first_images(n) for label, each in found.items()}


def _met(bounds: ImageBounds) -> frozenset[tuple[str, float, int]]:
    """Every attack, its radius and on how many images."""
    return frozenset((label, epsilon, len(result.outcomes)) for label, epsilon, result in bounds.attacks)


def _certified(bounds: ImageBounds | None, epsilon: float) -> Cell:
    """The share certified at this radius; a dash where the certificate is refused."""
    if bounds is None or not bounds.methods:
        return missing_cell()
    return text_cell(format_share(bounds.certified(epsilon), kind="lower"))


def _left(bounds: ImageBounds | None, epsilon: float, kind: str) -> Cell:
    """The share that all attacks leave within this radius."""
    return missing_cell() if bounds is None else text_cell(format_share(bounds.attacked(epsilon), kind=kind))


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
            text="The networks built to contract, trained for margins, keep more accuracy than the plain ResNet, the "
            "plain Neural ODE and the best control.",
            place="section 5, future work",
            finding="contractive",
        ),
    ),
)
