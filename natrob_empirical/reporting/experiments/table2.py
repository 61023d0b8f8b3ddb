"""Table 2: the plainly trained Neural ODE against networks trained to be robust."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from natrob_empirical.display.formatting import format_budget, format_share, join_words
from natrob_empirical.reporting.experiments.experiment import Claim, Experiment, ExperimentPart
from natrob_empirical.reporting.experiments.neural_ode_findings import attack_labels, is_neural_ode
from natrob_empirical.reporting.experiments.weak_attacks import gaps_part, transfer_beats_own, weak_against_strong
from natrob_empirical.reporting.figure_style import ModelStyle
from natrob_empirical.reporting.finding import Finding, Verdict
from natrob_empirical.reporting.model_pairs import (
    STRONGEST,
    VERDICT_WORDS,
    BudgetComparison,
    common_seed,
    compare_strongest,
    compare_under,
    difference_text,
    p_phrase,
    p_text,
)
from natrob_empirical.reporting.record_groups import ModelRuns, Section
from natrob_empirical.reporting.tables.table import Cell, Column, Table, missing_cell, text_cell
from natrob_empirical.statistics.p_values import SIGNIFICANCE, holm_adjusted

PAPER_EPSILON: Final = 8 / 255
ADVERSARIAL: Final = ("pgd", "trades", "yopo")

Compare = Callable[[ModelRuns, ModelRuns], Sequence[BudgetComparison]]


def under_pgd_20(section: Section) -> Finding | None:
    """The paper's claim at its own radius and attack."""
    label = next((attack for attack in attack_labels(section) if _is_pgd_20(section, attack)), None)
    if label is None:
        return None
    return _finding(section, "table2-pgd", label, lambda ode, other: compare_under(section, ode, other, label))


def under_auto_attack(section: Section) -> Finding | None:
    """Compares under AutoAttack."""
    label = next((attack for attack in attack_labels(section) if section.kind_of(attack) == "ensemble"), None)
    if label is None:
        return None
    return _finding(section, "table2-autoattack", label, lambda ode, other: compare_under(section, ode, other, label))


def under_strongest(section: Section) -> Finding | None:
    """Compares under everything that was tried, image by image."""
    return _finding(section, "neural-ode", STRONGEST, lambda ode, other: compare_strongest(section, ode, other))


def _is_pgd_20(section: Section, attack: str) -> bool:
    own = section.identity_of(attack) == "PGD" and section.source_of(attack) is None
    return own and section.fixed_steps_of(attack) == 20


def _finding(section: Section, name: str, attack: str, compare: Compare) -> Finding | None:
    """Is the Neural ODE ahead of every adversarially trained network at 8/255?"""
    sentences: list[str] = []
    verdicts: set[Verdict] = set()
    summaries: list[str] = []
    for ode in filter(is_neural_ode, section.models):
        rivals = [
            model for model in section.models if model.training in ADVERSARIAL and common_seed(ode, model) is not None
        ]
        found = [(rival, row) for rival in rivals for row in compare(ode, rival) if _at_paper_budget(row)]
        if not found:
            continue
        adjusted = holm_adjusted([row.comparison.p_value for _, row in found])
        directions = [_direction(row, p) for (_, row), p in zip(found, adjusted, strict=True)]
        verdict = judge_against_all(directions)
        verdicts.add(verdict)
        listed = [
            f"{rival.label} {row.second.text}, difference {difference_text(row.comparison)}, {p_phrase(p)}"
            for (rival, row), p in zip(found, adjusted, strict=True)
        ]
        kept = found[0][1].first
        summaries.append(
            f"{ode.label} {format_share(kept.share, kind='upper')} against "
            + join_words([format_share(row.second.share, kind="upper") for _, row in found])
        )
        sentences.append(
            f"“The natural robustness of {ode.label} is better than adversarial training” is {VERDICT_WORDS[verdict]} "
            f"under {attack} at L∞ ε = 8/255: {ode.label} keeps {kept.text} (upper, n = {kept.n:,}), against "
            f"{'; '.join(listed)}."
        )
    if not sentences:
        return None
    verdict = verdicts.pop() if len(verdicts) == 1 else "undecided"
    remark = "Differences are the Neural ODE's lead on the same images; the claim asks for a lead over every one."
    return Finding(name=name, text=f"{' '.join(sentences)} {remark}", summary="; ".join(summaries), verdict=verdict)


def judge_against_all(directions: Sequence[int]) -> Verdict:
    """Judges "better than each": holds if ahead of all, does not hold if behind one, else undecided."""
    if -1 in directions:
        return "does not hold"
    return "holds" if set(directions) == {1} else "undecided"


def _direction(row: BudgetComparison, adjusted: float) -> int:
    """Who is ahead beyond chance, after the adjustment over the rivals."""
    if adjusted > SIGNIFICANCE or row.comparison.difference == 0:
        return 0
    return 1 if row.comparison.difference > 0 else -1


def _at_paper_budget(row: BudgetComparison) -> bool:
    return row.norm == "Linf" and math.isclose(row.epsilon, PAPER_EPSILON, rel_tol=1e-9)


def trainings_part(section: Section, prefix: str, styles: Mapping[str, ModelStyle]) -> ExperimentPart | None:
    """Every model under every attack, and the Neural ODE's lead over it on the same images."""
    del prefix, styles
    odes = [model for model in section.models if is_neural_ode(model)]
    tables = tuple(_table(section, ode) for ode in odes if ode.attacks)
    if not tables:
        return None
    text = (
        "Each network beside the Neural ODE on the same images. A positive lead is the Neural ODE's. What an attack "
        "leaves is an upper bound of the robust accuracy.",
    )
    return ExperimentPart(heading="Trained for robustness, and not", text=text, tables=tables)


def _table(section: Section, ode: ModelRuns) -> Table:
    """A row per attack, radius and model."""
    rows: list[tuple[Cell, ...]] = []
    others = [model for model in section.models if model is not ode and common_seed(ode, model) is not None]
    for attack in [*attack_labels(section), STRONGEST]:
        found = {
            other.label: compare_strongest(section, ode, other)
            if attack == STRONGEST
            else compare_under(section, ode, other, attack)
            for other in others
        }
        places = dict.fromkeys((row.norm, row.epsilon) for compared in found.values() for row in compared)
        for norm, epsilon in places:
            at = {
                label: row
                for label, compared in found.items()
                for row in compared
                if (row.norm, row.epsilon) == (norm, epsilon)
            }
            where = f"{attack}, {format_budget(norm, epsilon)}"
            first = next(iter(at.values()))
            rows.append((*map(text_cell, (where, ode.label, ode.training, first.first.text, f"{first.first.n:,}", "")),
                         text_cell("")))  # fmt: skip
            rows += [_row(where, other, at.get(other.label)) for other in others]
    columns = (
        Column(heading="Attack and budget", numeric=False),
        Column(heading="Model", numeric=False),
        Column(heading="Training", numeric=False),
        Column(heading="Accuracy left", note="upper [Wilson 95 %]"),
        Column(heading="n"),
        Column(heading="Neural ODE's lead", note="95 %, same images"),
        Column(heading="p", note="exact McNemar, over budgets adjusted"),
    )
    caption = f"{ode.label} against every other network, attack by attack; an attack's rows are on the same images."
    return Table(caption=caption, columns=columns, rows=tuple(rows))


def _row(where: str, other: ModelRuns, row: BudgetComparison | None) -> tuple[Cell, ...]:
    """One rival."""
    if row is None:
        return (*map(text_cell, (where, other.label, other.training)), *(missing_cell() for _ in range(4)))
    texts = (
        where,
        other.label,
        other.training,
        row.second.text,
        f"{row.comparison.n:,}",
        difference_text(row.comparison),
        p_text(row.adjusted),
    )
    return tuple(map(text_cell, texts))


TABLE_2: Final = Experiment(
    key="table2",
    title="Table 2: adversarial training and the Neural ODE",
    introduction=(
        "The paper claims that the natural robustness of a plainly trained Neural ODE is better than what adversarial "
        "training (PGD-10, TRADES-10, YOPO-5-3) gives PreAct-ResNet-18, under PGD-20 at L∞ ε = 8/255.",
        "Where a label names a width or a number of channels, that network stands in for the paper's, and its training "
        "is shorter; another data set than CIFAR-10 stands in for it. All numbers under attack are upper bounds of the "
        "robust accuracy.",
    ),
    finders=(under_strongest, under_pgd_20, under_auto_attack, weak_against_strong, transfer_beats_own),
    parts=(trainings_part, gaps_part),
    claims=(
        Claim(
            text="A plainly trained Neural ODE is more robust than adversarially trained networks under PGD-20.",
            place="section 4, Table 2",
            finding="table2-pgd",
        ),
        Claim(text="The same under AutoAttack.", place="not tested there", finding="table2-autoattack"),
    ),
)
