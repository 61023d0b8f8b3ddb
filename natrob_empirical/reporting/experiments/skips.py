"""Section 3.3: other skip connections, each at h = 1 and at a small h with T fixed."""

from collections.abc import Mapping
from typing import Final

from natrob_empirical.display.formatting import MISSING, format_budget, format_number, format_share
from natrob_empirical.reporting.experiments.experiment import Claim, Experiment, ExperimentPart
from natrob_empirical.reporting.experiments.weak_attacks import gaps_part, weak_against_strong
from natrob_empirical.reporting.figure_style import ModelStyle
from natrob_empirical.reporting.finding import Finding, Verdict
from natrob_empirical.reporting.model_pairs import compare_strongest, judge, most_telling, p_phrase, verdict_sentence
from natrob_empirical.reporting.record_groups import ModelRuns, Section
from natrob_empirical.reporting.strongest_attack import strongest
from natrob_empirical.reporting.tables.table import Cell, Column, Table, missing_cell, text_cell


def step_pairs(section: Section) -> list[tuple[ModelRuns, ModelRuns]]:
    """(small step, large step) of every network that has two step sizes and the same T."""
    by_network: dict[tuple[str, str], list[ModelRuns]] = {}
    for model in section.models:
        if model.step_size is not None and model.attacks:
            by_network.setdefault((model.network, model.training), []).append(model)
    pairs: list[tuple[ModelRuns, ModelRuns]] = []
    for models in by_network.values():
        small, large = (pick(models, key=lambda m: m.step_size or 0.0) for pick in (min, max))
        if small.step_size != large.step_size and total_times(small) == total_times(large):
            pairs.append((small, large))
    return pairs


def total_times(model: ModelRuns) -> set[float]:
    """T over the seeds, up to rounding."""
    return {round(theory.total_time, 6) for theory in model.theory.values()}


def small_steps(section: Section) -> Finding | None:
    """Does the small step help, network by network, under everything that was tried?"""
    sentences: list[str] = []
    summaries: list[str] = []
    verdicts: set[Verdict] = set()
    for small, large in step_pairs(section):
        compared = compare_strongest(section, small, large)
        if not compared:
            continue
        telling = most_telling(compared)
        claim = f"{small.label} is more robust than {large.label}"
        sentences.append(f"{verdict_sentence(claim, compared)} The clearest is {telling.text}.")
        summaries.append(f"{small.network}: {judge(compared)}")
        verdicts.add(judge(compared))
    if not sentences:
        return None
    text = f"Small steps with T fixed, under all attacks image by image: {' '.join(sentences)} Intervals are about the "
    text += "images only; another training may differ by more."
    verdict: Verdict = verdicts.pop() if len(verdicts) == 1 else "undecided"
    return Finding(name="step-size", text=text, summary="; ".join(summaries), verdict=verdict)


def steps_part(section: Section, prefix: str, styles: Mapping[str, ModelStyle]) -> ExperimentPart | None:
    """Bound, measured growth and accuracy of every pair."""
    del prefix, styles
    pairs = step_pairs(section)
    if not pairs:
        return None
    places = sorted({(b.norm, b.epsilon) for b in section.budgets if b.epsilon > 0}, key=lambda p: (p[0] != "Linf", *p))
    rows: list[tuple[Cell, ...]] = []
    for small, large in pairs:
        compared = {(row.norm, row.epsilon): row for row in compare_strongest(section, small, large)}
        for model in (large, small):
            left = [_left(section, model, place) for place in places]
            rows.append((text_cell(model.network), text_cell(model.label), *_growth(model), *left))
        p_values = [text_cell(p_phrase(compared[place].adjusted) if place in compared else "") for place in places]
        blank = text_cell("")
        rows.append((text_cell(large.network), text_cell("small against large step"), blank, blank, blank, *p_values))
    columns = (
        Column(heading="Network", numeric=False),
        Column(heading="Model", numeric=False),
        Column(heading="Growth bound", note="upper"),
        Column(heading="Growth measured", note="median; largest"),
        Column(heading="Clean", note="measured"),
        *(Column(heading=format_budget(*place), note="left by all attacks, upper") for place in places),
    )
    caption = "Each network at its large and its small step, T fixed: the bound on the growth of a perturbation, the "
    caption += "growth measured, and the accuracy that all attacks together leave, on the images common to them (n in "
    caption += "brackets). p: exact McNemar test of small against large, adjusted by Holm's method over the budgets."
    text = (
        "A smaller step at the same T takes more steps through the same field. If small steps made these networks "
        "robust, the second row of each network would keep more than the first.",
    )
    table = Table(caption=caption, columns=columns, rows=tuple(rows))
    return ExperimentPart(heading="The same network at two step sizes", text=text, tables=(table,))


def _growth(model: ModelRuns) -> list[Cell]:
    """Bound, measured growth and clean accuracy."""
    bound, median = model.theory_number("growth_bound"), model.theory_number("measured_growth_median")
    largest, clean = model.theory_number("measured_growth_largest"), model.theory_number("clean_accuracy")
    measured = MISSING
    if median is not None and largest is not None:
        measured = f"{format_number(median.mean)}; {format_number(largest.mean)}"
    return [
        missing_cell() if bound is None else text_cell(format_number(bound.mean, kind="upper")),
        text_cell(measured),
        missing_cell() if clean is None else text_cell(format_share(clean.mean)),
    ]


def _left(section: Section, model: ModelRuns, place: tuple[str, float]) -> Cell:
    """The share that all attacks leave, with n; of the first seed that has it."""
    found = [kept for seed in section.seeds if (kept := strongest(model, *place, seed))]
    return text_cell(f"{format_share(found[0].share, kind='upper')} ({found[0].n:,})") if found else missing_cell()


SKIPS: Final = Experiment(
    key="skips",
    title="Section 3.3: other skip connections at large and small steps",
    introduction=(
        "The paper claims, without testing it, that PolyNet, FractalNet and RevNet are discretisations of ordinary "
        "differential equations too, so that a small step size would make them robust.",
        "The networks here share one small field over their steps and stand in for the published ones. Every number "
        "under attack is an upper bound of the robust accuracy.",
    ),
    finders=(small_steps, weak_against_strong),
    parts=(steps_part, gaps_part),
    claims=(
        Claim(
            text="Networks with other skip connections are robust at small steps.",
            place="section 3.3, not tested there",
            finding="step-size",
        ),
    ),
)
