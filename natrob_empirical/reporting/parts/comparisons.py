"""Pairs of networks that differ in what the experiment is about, image by image under the attacks that both met."""

import math
from collections.abc import Callable
from typing import Final, TypeAlias

import altair as alt

from natrob_empirical.display import Cell, Part, measured
from natrob_empirical.display.formatting import format_budget, format_interval, format_number
from natrob_empirical.evidence.comparison import compare_together, most_telling, outcome_of
from natrob_empirical.evidence.pairs import constrained_pairs, contractive_pairs, neural_ode_pairs, step_pairs
from natrob_empirical.evidence.ranking import ranking
from natrob_empirical.evidence.run import Model, Run
from natrob_empirical.reporting.parts.ceiling_line import ceiling_note, ceiling_rules
from natrob_empirical.reporting.parts.cells import count, key, quantity, share, table, words
from natrob_empirical.reporting.parts.chart import BLUE, drawn, log_axis, make_figure, rows, share_axis, tips

Pairs: TypeAlias = list[tuple[Model, Model]]


def printed_pairs(run: Run) -> Pairs:
    """The Neural ODE and every residual network of Tables 1 and 2 and Figures 2 and 3."""
    odes = [
        m for m in run.models if m.is_neural_ode and m.plain and run.experiment in {"table1", "table2", "fig2", "fig3"}
    ]
    return [(ode, other) for ode in odes for other in run.models if other.residual]


_KINDS: Final[dict[str, Callable[[Run], Pairs]]] = {
    "Neural ODE or ResNet, as in the paper": printed_pairs,
    "Neural ODE or ResNet of the same size": neural_ode_pairs,
    "smaller or larger step, same T": step_pairs,
    "constants held down or not": constrained_pairs,
    "cannot expand, or plain": contractive_pairs,
}
_SAID: Final = {"ahead": "first keeps more", "behind": "second keeps more", "undecided": "undecided"}


def comparisons(run: Run) -> Part | None:
    """A row a pair, at the budget that tells most; p-values are adjusted over the budgets of the pair."""
    lines: list[tuple[Cell, ...]] = []
    for kind, pairs in _KINDS.items():
        for first, second in pairs(run):
            compared = compare_together(run, first, second)
            if not compared:
                continue
            most, outcome = most_telling(compared), outcome_of(compared)
            found = most.comparison
            lines.append((
                words(kind), words(first.label), words(second.label), words(format_budget(most.norm, most.epsilon)),
                share(found.first, "upper"), share(found.second, "upper"),
                words(format_interval(found.difference, found.low, found.high)), quantity(most.adjusted),
                count(found.n), words(_SAID[outcome]),
            ))  # fmt: skip
    shown = table(
        key(run, what="pairs"), "All attacks together that both met, on the same images. p by McNemar and Holm.",
        ("Pair·", "First·", "Second·", "At·", "First keeps", "Second keeps", "Difference, 95 %·", "p", "n", "Outcome·"),
        lines,
    )  # fmt: skip
    return Part(name="pairs", heading="Pairs of networks", tables=(shown,)) if shown else None


def growth_against_accuracy(run: Run) -> Part | None:
    """Each model's growth bound against what the same attacks leave; None for too few models."""
    found = ranking(run)
    if found is None or found.correlation is None:
        return None
    rho, p = (format_number(value, digits=2) for value in (found.correlation.rho, found.correlation.p_value))
    place = format_budget(found.norm, found.epsilon)
    points = [
        {"network": label, "growth": drawn(10.0**value, "upper"), "share": drawn(kept, "upper")}
        for label, value, kept in zip(found.labels, found.values, found.kept, strict=True)
        if math.isfinite(value) and value < 300
    ]
    chart = alt.Chart(rows(points)).mark_point(color=BLUE, filled=True, size=80, opacity=0.9, clip=True).encode(
        x=log_axis(alt.X, "growth", "bound on growth", [10.0**value for value in found.values if value < 300]),
        y=share_axis("share", "left at most"),
        tooltip=tips(network="network", growth="bound", share="left at most %"),
    )  # fmt: skip
    ceiling = ceiling_rules(run, [(found.norm, found.epsilon, found.images)])
    figure = make_figure(
        [chart, *ceiling], name=key(run, what="growth-accuracy"), title="Does the bound rank the networks?",
        alt_text=f"Over {len(found.labels)} networks the rank correlation of bound and accuracy is {rho} (p = {p}).",
        caption=f"One point a network. Attacks that all met, at {place}, n = {found.images:,}."
        + ceiling_note(ceiling),
    )  # fmt: skip
    said = f"Spearman’s ρ of bound and accuracy at {place} is {measured(rho)} (p = {p}); a theory that decides says −1."
    return Part(name="growth-accuracy", heading="Growth against accuracy", sentences=(said,), figure=figure)
