"""The tables beside the trajectories: constants, bounds and measured growth, and the bound checks one by one."""

import math

from natrob_empirical.display.formatting import (
    NORM_SIGNS,
    clean_text,
    format_kind,
    format_number,
)
from natrob_empirical.reporting.findings.tightness import tightness_of
from natrob_empirical.reporting.record_groups import ModelRuns, Section, ordered_norms
from natrob_empirical.reporting.tables.table import (
    Cell,
    Column,
    Table,
    missing_cell,
    number_column,
    seeds_sentence,
    text_cell,
)


def growth_table(section: Section) -> Table:
    """K as an interval, growth bound, exp(KT), measured growth, worst ratio, violations, vacuity per model."""
    models, seeds = section.models, len(section.seeds)
    numbers = [
        number_column(heading, [model.theory_number(field) for model in models], seeds=seeds)
        for heading, field in (
            ("Growth bound", "growth_bound"),
            ("exp(KT), exact flow", "exponential_bound"),
            ("Growth, median", "measured_growth_median"),
            ("Growth, largest", "measured_growth_largest"),
        )
    ]
    columns, cells = zip(
        (Column(heading="Model", numeric=False), [text_cell(model.label) for model in models]),
        (Column(heading="K", note=_interval_note(section)), [_interval(model) for model in models]),
        *numbers,
        *_tightness_columns(section),
        (
            Column(heading="Worst ratio", note="measured/bound, upper K or own secants"),
            [_worst(model) for model in models],
        ),
        (Column(heading="Violations", note="of comparisons"), [_violations(model) for model in models]),
        (
            Column(heading="Vacuous?", note="at the smallest budget", numeric=False),
            [_vacuous(model) for model in models],
        ),
        strict=True,
    )
    caption = (
        "Constants, bounds and measured growth of the trunk: ‖e_N‖/‖e_0‖ over pairs of trajectories. "
        f"{seeds_sentence(section.seeds)}"
    )
    if seeds > 1:
        caption += " K spans the seeds: smallest lower to largest upper bound."
    caption += _infinite_bounds(section)
    return Table(caption=caption, columns=columns, rows=tuple(zip(*cells, strict=True)))


def _tightness_columns(section: Section) -> list[tuple[Column, list[Cell]]]:
    """The growth found by search, and the bound over the largest growth known; none in records from before the search.

    An upper bound below a lower one is an alarm.
    """
    found = [model.theory_number("trunk_lipschitz_lower") for model in section.models]
    if not any(found):
        return []
    ratios = [tightness_of(model) for model in section.models]
    tight = number_column("Bound / largest found", ratios, seeds=len(section.seeds))
    cells = [
        Cell(text=cell.text, mark="alarm" if ratio is not None and min(ratio.values) < 1 - 1e-6 else cell.mark)
        for cell, ratio in zip(tight[1], ratios, strict=True)
    ]
    return [number_column("Growth, searched", found, seeds=len(section.seeds)), (tight[0], cells)]


def checks_table(section: Section) -> Table | None:
    """Every bound check: constant, kind, pairs, comparisons, violations, worst ratio, rounding; None without any."""
    rows: list[tuple[Cell, ...]] = []
    for model in section.models:
        for seed, theory in model.theory.items():
            for check in theory.bound_checks:
                alarm = check.violations > 0 and check.kind == "upper"
                rows.append(
                    (
                        text_cell(model.label),
                        text_cell(str(seed)),
                        text_cell(clean_text(check.constant)),
                        text_cell(check.kind),
                        text_cell(f"{check.pairs:,}"),
                        text_cell(f"{check.comparisons:,}"),
                        Cell(text=f"{check.violations:,}", mark="alarm" if alarm else ""),
                        text_cell(format_number(check.worst_ratio, kind="upper")),
                        text_cell(clean_text(check.rounding)),
                    )
                )
    if not rows:
        return None
    headings = ("Model", "Seed", "Constant", "Kind", "Pairs", "Comparisons", "Violations", "Worst ratio", "Rounding")
    words = {"Model", "Constant", "Kind", "Rounding"}
    return Table(
        caption="Measured divergence against its bound. A violation of an estimate refutes its constant only.",
        columns=tuple(Column(heading=heading, numeric=heading not in words) for heading in headings),
        rows=tuple(rows),
    )


def smallest_budget_verdicts(model: ModelRuns) -> dict[str, list[bool]]:
    """Norm → is the bound vacuous at the smallest budget above 0 in that norm, per seed."""
    verdicts: dict[str, list[bool]] = {}
    for theory in model.theory.values():
        for norm in ordered_norms({point.norm for point in theory.vacuity if point.epsilon > 0}):
            points = [point for point in theory.vacuity if point.norm == norm and point.epsilon > 0]
            verdicts.setdefault(norm, []).append(min(points, key=lambda point: point.epsilon).vacuous)
    return verdicts


def _infinite_bounds(section: Section) -> str:
    """Why a growth bound is infinite, in the words of its source; nothing if all are finite."""
    reasons = {
        model.label: clean_text(theory.growth_bound.source)
        for model in section.models
        for theory in model.theory.values()
        if math.isinf(theory.growth_bound.value)
    }
    if not reasons:
        return ""
    return " Infinite growth bounds: " + "; ".join(f"{label}: {reason}" for label, reason in reasons.items()) + "."


def _interval(model: ModelRuns) -> Cell:
    """K as "[lower, upper]", over all seeds."""
    lower, upper = model.theory_number("field_lipschitz_lower"), model.theory_number("field_lipschitz_upper")
    if lower is None or upper is None:
        return missing_cell()
    low, high = min(lower.values), max(upper.values)
    text = f"[{format_number(low, kind='lower')}, {format_number(high, kind='upper')}]"
    return Cell(text=text, mark="alarm" if low > high * (1 + 1e-6) else "")


def _interval_note(section: Section) -> str:
    """Kinds and sample sizes of both ends of the interval."""
    notes: list[str] = []
    for kind, field in (("lower", "field_lipschitz_lower"), ("upper", "field_lipschitz_upper")):
        counts = {
            count
            for model in section.models
            if (summary := model.theory_number(field)) is not None
            for count in summary.counts
        }
        if counts:
            notes.append(format_kind(kind, tuple(counts)))
    return f"[{'; '.join(notes)}]" if notes else ""


def _worst(model: ModelRuns) -> Cell:
    """The largest measured/bound ratio over the checks with an upper bound."""
    ratios = [c.worst_ratio for t in model.theory.values() for c in t.bound_checks if c.kind == "upper"]
    ratios = [ratio for ratio in ratios if not math.isnan(ratio)]
    return text_cell(format_number(max(ratios), kind="upper")) if ratios else missing_cell()


def _violations(model: ModelRuns) -> Cell:
    """ "0 / 3,600" over the checks with an upper bound."""
    checks = [check for theory in model.theory.values() for check in theory.bound_checks if check.kind == "upper"]
    if not checks:
        return missing_cell()
    violations = sum(check.violations for check in checks)
    comparisons = sum(check.comparisons for check in checks)
    return Cell(text=f"{violations:,} / {comparisons:,}", mark="alarm" if violations else "")


def _vacuous(model: ModelRuns) -> Cell:
    """ "vacuous" or "no" where norms and seeds agree, else norm by norm."""
    verdicts = smallest_budget_verdicts(model)
    if not verdicts:
        return missing_cell()
    texts = {NORM_SIGNS.get(norm, norm): _verdict_text(found) for norm, found in verdicts.items()}
    common = set(texts.values())
    text = common.pop() if len(common) == 1 else "; ".join(f"{sign}: {word}" for sign, word in texts.items())
    return Cell(text=text, mark="vacuous" if any(map(any, verdicts.values())) else "good")


def _verdict_text(found: list[bool]) -> str:
    """The verdicts of all seeds in one norm."""
    if all(found) or not any(found):
        return "vacuous" if found[0] else "no"
    return f"vacuous for {sum(found)} of {len(found)} seeds"
