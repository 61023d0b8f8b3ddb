"""The table of accuracies: attacks and certificates of one norm, a column per budget."""

import math
from typing import Final

from natrob_empirical.display.formatting import NORM_SIGNS, clean_text, format_epsilon, format_number, format_share
from natrob_empirical.norms import IMPOSSIBLE_RADIUS
from natrob_empirical.records import AttackResult, Number
from natrob_empirical.reporting.record_groups import AttackBudget, ModelRuns, Section, SeedSummary, summarise
from natrob_empirical.reporting.strongest_attack import strongest
from natrob_empirical.reporting.tables.table import (
    Cell,
    Column,
    Table,
    missing_cell,
    seeds_sentence,
    summary_note,
    summary_text,
    text_cell,
)
from natrob_empirical.statistics.share_intervals import sampling_error

_ROUNDING: Final = 1e-9


def accuracy_tables(section: Section) -> tuple[Table, ...]:
    """One table per norm in which anything was attacked, certified or judged."""
    return tuple(table for norm in section.norms if (table := accuracy_table(section, norm)).rows)


def accuracy_table(section: Section, norm: str) -> Table:
    """Per model: a row per attack (upper bounds), one for the certificate (lower), one for the bound's vacuity."""
    radii = _radii(section, norm)
    attacks = list(dict.fromkeys(budget.attack for budget in section.budgets if budget.norm == norm))
    rows: list[tuple[Cell, ...]] = []
    for model in section.models:
        for attack in attacks:
            if section.source_of(attack) != model.name and (model.attacks or model.theory_cells):
                rows.append(_attack_row(section, model, attack, norm, radii))
                rows += _published_row(model, attack, norm, radii)
        rows += _strongest_row(section, model, norm, radii)
        rows += _certified_row(section, model, norm, radii)
        rows += _vacuity_row(model, norm, radii)
    columns = (
        Column(heading="Model", numeric=False),
        Column(heading="What", note="kind, n", numeric=False),
        Column(heading="ε = 0", note="clean"),
        *(Column(heading=f"ε = {format_epsilon(radius)}") for radius in radii),
    )
    return Table(caption=_caption(section, norm), columns=columns, rows=tuple(rows))


def certified_accuracy(model: ModelRuns, norm: str, radius: float) -> SeedSummary | None:
    """Certified accuracy at exactly this budget over the seeds."""
    return summarise(
        point.accuracy
        for theory in model.theory.values()
        for point in theory.certified
        if point.norm == norm and point.epsilon == radius
    )


def clean_accuracy(model: ModelRuns, attack: str | None = None, norm: str | None = None) -> SeedSummary | None:
    """Accuracy without a perturbation: on the attacked images if an attack is named, else of the theory record."""
    if attack is None:
        return model.theory_number("clean_accuracy")
    per_seed: dict[int, Number] = {}
    for budget, by_seed in model.attacks.items():
        if budget.attack == attack and budget.norm == norm:
            for seed, result in by_seed.items():
                per_seed.setdefault(seed, result.clean_accuracy)
    return summarise(per_seed.values())


def certificate_refusals(section: Section) -> dict[str, str]:
    """Model label → why it has no certificate, for the models without one."""
    return {
        model.label: clean_text(theory.certificate_refusal)
        for model in section.models
        for theory in model.theory.values()
        if theory.certificate_refusal
    }


def _radii(section: Section, norm: str) -> list[float]:
    """Every radius above 0 that occurs in this norm."""
    radii = {budget.epsilon for budget in section.budgets if budget.norm == norm}
    for model in section.models:
        for theory in model.theory.values():
            radii |= {point.epsilon for point in (*theory.certified, *theory.vacuity) if point.norm == norm}
    return sorted(radius for radius in radii if radius > 0)


def _attack_row(section: Section, model: ModelRuns, attack: str, norm: str, radii: list[float]) -> tuple[Cell, ...]:
    """One attack on one model over the budgets."""
    summaries = [model.accuracy(AttackBudget(attack=attack, norm=norm, epsilon=radius)) for radius in radii]
    clean = clean_accuracy(model, attack, norm)
    row = _row(model.label, attack, clean, summaries, seeds=len(section.seeds))
    cells = [
        cell if summary is None else flagged(cell.text, summary.mean, _ceiling(model, norm, radius), norm, radius)
        for cell, summary, radius in zip(row[3:], summaries, radii, strict=True)
    ]
    return (*row[:3], *cells)


def _published_row(model: ModelRuns, attack: str, norm: str, radii: list[float]) -> list[tuple[Cell, ...]]:
    """The row of a publication's own network under the same attack; none if it reports nothing."""
    by_radius = [model.attacks.get(AttackBudget(attack=attack, norm=norm, epsilon=radius), {}) for radius in radii]
    if not any(result.published for results in by_radius for result in results.values()):
        return []
    cells: list[Cell] = []
    for radius, results in zip(radii, by_radius, strict=True):
        published = [result for result in results.values() if result.published]
        cells.append(_published_cell(published[0], norm, radius) if published else text_cell(""))
    name = f"published: {attack} (the paper's own network)"
    return [(text_cell(model.label), text_cell(name), text_cell(""), *cells)]


def _published_cell(result: AttackResult, norm: str, radius: float) -> Cell:
    """The published number with four digits, flagged where it lies above what is possible."""
    value = result.published.value if result.published else math.nan
    return flagged(format_number(value, digits=4), value, result.majority_share, norm, radius)


def _strongest_row(section: Section, model: ModelRuns, norm: str, radii: list[float]) -> list[tuple[Cell, ...]]:
    """The row of what all attacks leave of their common images, where outcomes tell; none below two attacks."""
    cells: list[Cell] = []
    for radius in radii:
        kept = [found for seed in section.seeds if (found := strongest(model, norm, radius, seed)) and found.outcomes]
        kept = [found for found in kept if len(found.attacks) > 1]
        if not kept:
            cells.append(missing_cell())
            continue
        share = math.fsum(found.share for found in kept) / len(kept)
        text = f"{format_share(share, kind='upper')} (n = {min(found.n for found in kept):,})"
        cells.append(flagged(text, share, _ceiling(model, norm, radius), norm, radius))
    if all(cell.mark == "missing" for cell in cells):
        return []
    return [(text_cell(model.label), text_cell("all attacks, image by image (upper)"), text_cell(""), *cells)]


def flagged(text: str, value: float, ceiling: float | None, norm: str, radius: float) -> Cell:
    """A cell with ▲ where the number lies above what any deterministic classifier can have at this radius."""
    above = norm == "Linf" and radius >= IMPOSSIBLE_RADIUS and ceiling is not None and value > ceiling + _ROUNDING
    return Cell(text=f"{text} ▲", mark="above") if above else text_cell(text)


def _ceiling(model: ModelRuns, norm: str, radius: float) -> float | None:
    """The largest class's share among the attacked images, the largest over the attacks."""
    shares = [
        result.majority_share
        for budget, results in model.attacks.items()
        if (budget.norm, budget.epsilon) == (norm, radius)
        for result in results.values()
    ]
    return max(shares, default=None)


def _certified_row(section: Section, model: ModelRuns, norm: str, radii: list[float]) -> list[tuple[Cell, ...]]:
    """The certificate's row; none if the model has no certificate in this norm."""
    summaries = [certified_accuracy(model, norm, radius) for radius in radii]
    if not any(summaries):
        return []
    return [_row(model.label, "certified", None, summaries, seeds=len(section.seeds))]


def _row(
    label: str, what: str, clean: SeedSummary | None, summaries: list[SeedSummary | None], *, seeds: int
) -> tuple[Cell, ...]:
    """Kind and n stand in the second column if they are the same in the whole row, else in every cell."""
    notes = {summary_note(summary) for summary in summaries if summary is not None}
    cells = [
        missing_cell()
        if summary is None
        else text_cell(
            summary_text(summary, share=True, seeds=seeds) + (f" ({summary_note(summary)})" if len(notes) > 1 else "")
        )
        for summary in summaries
    ]
    name = f"{what} ({notes.pop()})" if len(notes) == 1 else what
    first = text_cell(summary_text(clean, share=True, seeds=seeds)) if clean else text_cell("")
    return (text_cell(label), text_cell(name), first, *cells)


def _vacuity_row(model: ModelRuns, norm: str, radii: list[float]) -> list[tuple[Cell, ...]]:
    """The row of what the growth bound excludes at each budget; none if the model was not judged in this norm."""
    cells: list[Cell] = []
    for radius in radii:
        verdicts = [
            point.vacuous
            for theory in model.theory.values()
            for point in theory.vacuity
            if point.norm == norm and point.epsilon == radius
        ]
        cells.append(_vacuity_cell(verdicts))
    if all(cell.mark == "missing" for cell in cells):
        return []
    return [(text_cell(model.label), text_cell("growth bound (upper)"), text_cell(""), *cells)]


def _vacuity_cell(verdicts: list[bool]) -> Cell:
    """ "vacuous" or "informative", or how many seeds of how many."""
    if not verdicts:
        return missing_cell()
    count = sum(verdicts)
    if count == 0:
        return Cell(text="informative", mark="good")
    return Cell(
        text="vacuous" if count == len(verdicts) else f"vacuous, {count} of {len(verdicts)} seeds", mark="vacuous"
    )


def _caption(section: Section, norm: str) -> str:
    """Says what the table holds, and how far n images pin an accuracy down."""
    counts = {
        count
        for model in section.models
        for budget, by_seed in model.attacks.items()
        if budget.norm == norm
        for result in by_seed.values()
        if (count := result.accuracy.n)
    }
    text = f"Accuracy by {NORM_SIGNS.get(norm, norm)} budget: under attack an upper bound of the robust accuracy, "
    text += f"certified a lower bound. {seeds_sentence(section.seeds)}"
    if counts:
        fewest = min(counts)
        error = format_share(sampling_error(fewest), kind="upper")
        text += f" With n = {fewest:,} images an accuracy is known to ±{error} at worst (95 %)."
    if len(counts) > 1:
        text += " The rows are not on the same number of images (n is in the second column): compare rows of one n, or "
        text += "the last of a model's attack rows, which is on the images common to all of its attacks."
    return text + _published_note(section, norm) + _ceiling_note(section, norm)


def _published_note(section: Section, norm: str) -> str:
    """Where the published numbers are from; empty without any."""
    sources = {
        clean_text(result.published.source)
        for model in section.models
        for budget, results in model.attacks.items()
        if budget.norm == norm
        for result in results.values()
        if result.published
    }
    if not sources:
        return ""
    return (
        f" Published: {'; '.join(sorted(sources))}, of the paper's own network, training and full test set; shown "
        "beside ours, and in no mean, interval or finding of ours."
    )


def _ceiling_note(section: Section, norm: str) -> str:
    """Says what ▲ means; empty where no radius is that large."""
    if norm != "Linf" or not any(b.norm == "Linf" and b.epsilon >= IMPOSSIBLE_RADIUS for b in section.budgets):
        return ""
    shares = sorted({
        result.majority_share
        for model in section.models
        for budget, results in model.attacks.items()
        if budget.norm == "Linf" and budget.epsilon >= IMPOSSIBLE_RADIUS
        for result in results.values()
    })  # fmt: skip
    share = " to ".join(format_number(value) for value in dict.fromkeys((shares[0], shares[-1])))
    return (
        f" ▲: above the share of the largest class among the images ({share}). From L∞ ε = 0.5 on no deterministic "
        "classifier is that robust, so that the number is a fact about the attack."
    )
