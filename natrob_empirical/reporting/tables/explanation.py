"""Quantities that tell fooled images from kept ones, model by model, with bootstrap intervals."""

from collections.abc import Sequence

from natrob_empirical.display.formatting import (
    MISSING,
    NORM_SIGNS,
    format_budget,
    format_interval,
    format_share,
    join_words,
)
from natrob_empirical.reporting.explanation import HIGHEST_SHARE, LOWEST_SHARE, Explanation
from natrob_empirical.reporting.tables.table import Cell, Column, Table, text_cell
from natrob_empirical.statistics.bootstrap import RESAMPLES, RESAMPLING_SEED, Interval


def explanation_table(found: Sequence[Explanation]) -> Table:
    """One row a model, seed, norm and quantity."""
    several = len({each.seed for each in found}) > 1
    columns = (
        Column(heading="Model", numeric=False),
        Column(heading="Quantity", note="↑ more of it: easier to fool, by the theory; ↓ harder", numeric=False),
        Column(heading="Attacked", note="share fooled", numeric=False),
        Column(heading="AUROC", note="fooled against kept; 0.5 is chance"),
        Column(heading="ρ", note="with the smallest perturbation found; 0 is chance"),
        Column(heading="n", note="images"),
        Column(heading="Supports", numeric=False),
    )
    rows = tuple(_row(each, several) for each in found)
    caption = "Does a quantity of an image tell whether the attacks fool it? The attacks of a norm that saw the most "
    caption += "images, together, at the radius at which they fool nearest to half of the images classified correctly; "
    caption += (
        f"no AUROC where no radius fools between {100 * LOWEST_SHARE:g} % and {100 * HIGHEST_SHARE:g} % of them. "
    )
    caption += "Both columns are turned so that more is what the theory says. 95 % intervals in brackets: percentile "
    caption += (
        f"bootstrap over the images, {RESAMPLES:,} resamples, seed {RESAMPLING_SEED}; they are about the images, "
    )
    caption += (
        "not about other trainings, and each stands alone: of twenty quantities that mean nothing one is expected "
    )
    caption += f"to leave chance out.{_repeated(found)}"
    return Table(caption=caption, columns=columns, rows=rows)


def _repeated(found: Sequence[Explanation]) -> str:
    """Which quantities were left out for which models, and as which they order the images; empty without any."""
    models: dict[str, list[str]] = {}
    for each in found:
        for quantity in each.repeated:
            models.setdefault(f"{quantity.name}, as {each.quantity.name}", []).append(each.model)
    if not models:
        return ""
    listed = [f"{names} ({join_words(list(dict.fromkeys(whose)))})" for names, whose in models.items()]
    text = " Left out, because it puts a model's images in the same order as a quantity listed before (a constant "
    return f"{text}multiple of it, but for rounding) and is no further evidence: {'; '.join(listed)}."


def interval_text(interval: Interval | None) -> str:
    """ "0.71 [0.60, 0.82]", rounded outward."""
    if interval is None:
        return MISSING
    return format_interval(interval.value, interval.low, interval.high)


def _row(each: Explanation, several: bool) -> tuple[Cell, ...]:
    """One quantity of one model in one norm."""
    attacked = NORM_SIGNS.get(each.norm, each.norm)
    if each.epsilon is not None:
        attacked = f"{format_budget(each.norm, each.epsilon)}, {format_share(each.fooled)}"
    return (
        text_cell(f"{each.model}, seed {each.seed}" if several else each.model),
        text_cell(f"{each.quantity.name} {'↑' if each.quantity.direction > 0 else '↓'}"),
        text_cell(attacked),
        text_cell(interval_text(each.separation)),
        text_cell(interval_text(each.ranking)),
        text_cell(f"{each.images:,}"),
        text_cell(MISSING if each.separation is None else each.support),
    )
