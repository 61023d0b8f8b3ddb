"""Accuracy of one model under each attack at each budget of a norm, beside what the paper prints."""

from functools import partial
from typing import Final

import altair as alt

from natrob_empirical.display import Cell, Column, Part, Table, measured
from natrob_empirical.display.formatting import NORM_SIGNS, format_budget, format_percent, format_rounded
from natrob_empirical.display.table import missing_cell
from natrob_empirical.evidence.flags import ReliabilityFlag, reliability_flags
from natrob_empirical.evidence.kept import KeptImages, attacks_at, kept_under, strongest
from natrob_empirical.evidence.run import AttackBudget, Model, Run
from natrob_empirical.records import AttackResult
from natrob_empirical.reporting.parts.ceiling_line import CEILING, ceiling_layers, ceiling_note
from natrob_empirical.reporting.parts.cells import count, key, number, only, quantity, share, table, words
from natrob_empirical.reporting.parts.chart import (
    GRAY,
    ORANGE,
    PALETTE,
    ROOM,
    SHAPES,
    budget_axis,
    drawn,
    label,
    make_figure,
    plot,
    series,
    tips,
)
from natrob_empirical.statistics.share_intervals import wilson_interval

TOGETHER: Final = "all attacks together"


def attacked_accuracy(norm: str, run: Run, model: Model) -> Part | None:
    """The figure and the table of one norm; None where the model met no attack in it."""
    budgets = [budget for budget in run.budgets if budget.norm == norm and budget in model.attacks]
    together = _together(model, norm, [budget.epsilon for budget in budgets])
    if not together:
        return None
    epsilon, _ = _telling(together)
    kept = together[epsilon]
    left, place = format_percent(kept.share, kind="upper"), format_budget(norm, epsilon)
    ceiling = _ceiling(run, norm, budgets, together)
    figure = make_figure(
        [*_layers(model, norm, budgets, together), *ceiling],
        name=key(run, model, what=f"attacked {norm}"),
        title=f"Accuracy under attack in {NORM_SIGNS.get(norm, norm)}",
        alt_text=f"{model.label}: all attacks together leave at most {left} at {place}, n = {kept.n:,}.",
        caption="Upper bounds of the robust accuracy. Lines only join points that were measured."
        + ceiling_note(ceiling),
    )  # fmt: skip
    return Part(
        name=f"attacked-{norm.lower()}",
        heading=f"Under attack in {NORM_SIGNS.get(norm, norm)}",
        sentences=(f"At {place} all attacks together leave at most {measured(left)} of {kept.n:,} images.",),
        figure=figure,
        tables=only(_table(run, model, norm, budgets, together)),
    )


ATTACKED: Final = (partial(attacked_accuracy, "Linf"), partial(attacked_accuracy, "L2"))


def _together(model: Model, norm: str, radii: list[float]) -> dict[float, KeptImages]:
    """Radius → what all attacks there leave, image by image."""
    found = {epsilon: strongest(model, norm, epsilon) for epsilon in sorted(set(radii)) if epsilon > 0}
    return {epsilon: kept for epsilon, kept in found.items() if kept is not None}


def _telling(together: dict[float, KeptImages]) -> tuple[float, float]:
    """The radius at which the share left is nearest to one half, with the share."""
    return min(((e, kept.share) for e, kept in together.items()), key=lambda pair: (abs(pair[1] - 0.5), pair[0]))


def _layers(model: Model, norm: str, budgets: list[AttackBudget], together: dict[float, KeptImages]) -> list[alt.Chart]:
    """One line an attack, all together in bold, published numbers hollow and gray."""
    points = [
        {"epsilon": drawn(b.epsilon), "share": drawn(result.accuracy.value, "upper"), "attack": b.attack,
         "n": result.accuracy.n}
        for b in budgets
        if (result := model.attacks[b])
    ]  # fmt: skip
    names = list(dict.fromkeys(budget.attack for budget in budgets))
    colours = [colour for colour in PALETTE if colour not in {ORANGE, GRAY, CEILING}]
    x = budget_axis(norm, _end(budgets))
    told = tips(attack="attack", epsilon="ε", share="left at most %", n="images")
    each = plot(points, x, told).encode(**series("attack", names, colours=colours, shapes=SHAPES))
    worst = [
        {"epsilon": drawn(epsilon), "share": drawn(kept.share, "upper"), "attack": TOGETHER, "n": kept.n}
        for epsilon, kept in together.items()
    ]
    clean = model.clean_accuracy
    if clean is not None:
        worst.insert(0, {"epsilon": 0.0, "share": drawn(clean.value), "attack": "no attack", "n": clean.n})
    both = plot(worst, x, told)
    published = [
        {"epsilon": drawn(b.epsilon), "share": drawn(result.published.value), "attack": f"published: {b.attack}"}
        for b in budgets
        if (result := model.attacks[b]).published
    ]
    return [
        each.mark_line(strokeWidth=1, clip=True),
        each.mark_point(size=55, filled=True, opacity=0.9),
        both.mark_line(color=ORANGE, strokeWidth=3, clip=True),
        both.mark_point(color=ORANGE, size=90, filled=True, opacity=1),
        _name(x, together, _end(budgets)),
        plot(published, x, told[:3]).mark_point(color=GRAY, size=70, shape="diamond"),
    ]


def _name(x: alt.X, together: dict[float, KeptImages], end: float) -> alt.Chart:
    """Words below and left of the lowest line, where no other is; right of it where there is no room for them."""
    roomy = {e: kept for e, kept in together.items() if e > ROOM * end and kept.share > 0.08}
    if roomy:
        return label(x, *_telling(roomy), "all together", align="right", dx=-8, dy=14, ink=ORANGE)
    return label(x, *_telling(together), "all together", dx=8, ink=ORANGE)


def _ceiling(run: Run, norm: str, budgets: list[AttackBudget], together: dict[float, KeptImages]) -> list[alt.Chart]:
    """The line that no classifier is above, at every radius on the images that all attacks there saw."""
    end = _end(budgets)
    images = {epsilon: kept.n for epsilon, kept in together.items()}
    return ceiling_layers(run, norm, images, budget_axis(norm, end), end)


def _end(budgets: list[AttackBudget]) -> float:
    return 1.04 * max(budget.epsilon for budget in budgets)


def _table(
    run: Run, model: Model, norm: str, budgets: list[AttackBudget], together: dict[float, KeptImages]
) -> Table | None:
    """A row an attack and radius, one for all together, with intervals, cost, flags and the published number."""
    flags = [flag for flag in reliability_flags(run, model) if flag.norm == norm]
    lines = [_line(run, model, budget, flags) for budget in budgets]
    lines += [
        (words(TOGETHER), words(""), quantity(epsilon), share(kept.share, "upper"), _interval(kept), count(kept.n),
         *(words("") for _ in range(7)))
        for epsilon, kept in together.items()
        if len(attacks_at(model, norm, epsilon)) > 1
    ]  # fmt: skip
    refused = [
        (words(b.attack), words(run.kind_of(b.attack) or ""), quantity(b.epsilon), *(missing_cell() for _ in range(3)),
         *(words("") for _ in range(6)), words("no result", mark="caution", note=refusal.reason))
        for b, refusal in model.attack_refusals.items()
        if b.norm == norm
    ]  # fmt: skip
    headings = ("Attack·", "Kind·", "ε", Column(heading="Left at most", note="upper bound"),
                Column(heading="95 %", note="Wilson"), "n", "Clean", "Published", "Queries", "Gradients", "Seconds",
                Column(heading="Median distance", note="of wrong images found"), "Flag·")  # fmt: skip
    caption = "Clean: on the same images. Queries and gradients: per image. Published: the paper’s own network."
    return table(key(run, model, what=f"attacked {norm}"), caption, headings, [*lines, *refused])


def _line(run: Run, model: Model, budget: AttackBudget, flags: list[ReliabilityFlag]) -> tuple[Cell, ...]:
    """One attack at one radius."""
    result, kept = model.attacks[budget], kept_under(model, budget)
    raised = [f for f in flags if f.attack == budget.attack and f.epsilon == budget.epsilon]
    flag = words(raised[0].name, mark="caution", note="; ".join(f.reason for f in raised)) if raised else words("")
    published = quantity(printed.value, note=printed.source) if (printed := result.published) else words("")
    return (
        words(budget.attack, note=_what_ran(result)), words(run.kind_of(budget.attack) or ""), quantity(budget.epsilon),
        share(result.accuracy.value, result.accuracy.kind), _interval(kept), count(result.accuracy.n),
        share(result.clean_accuracy.value), published, quantity(result.mean_queries),
        quantity(result.mean_gradient_calls), quantity(result.seconds), number(result.median_distance), flag,
    )  # fmt: skip


def _what_ran(result: AttackResult) -> str:
    """The parts of an attack that ran, each with the images that it met, and the images that needed none."""
    met = ", ".join(f"{part.name} {part.attacked:,}" for part in result.parts)
    spared = len(result.positions_not_attacked)
    return "; ".join(
        ([f"images met: {met}"] if met else []) + ([f"not attacked, certified: {spared:,}"] if spared else [])
    )


def _interval(kept: KeptImages | None) -> Cell:
    """Wilson's interval of the share left, rounded outward."""
    if kept is None:
        return missing_cell()
    low, high = wilson_interval(round(kept.share * kept.n), kept.n)
    return words(f"{format_rounded(low, kind='lower', digits=2)} to {format_rounded(high, kind='upper', digits=2)}")
