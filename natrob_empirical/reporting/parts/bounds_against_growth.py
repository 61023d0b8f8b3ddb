"""Bounds on the growth of perturbations against the growth measured, one row a kind of network, on a log axis."""

import math
from collections.abc import Sequence
from typing import Final

import altair as alt

from natrob_empirical.display import Cell, Part, measured
from natrob_empirical.display.formatting import format_number
from natrob_empirical.evidence.run import Model, Run
from natrob_empirical.records import TheoryResult
from natrob_empirical.reporting.parts.cells import data_name, key, number, table, words
from natrob_empirical.reporting.parts.chart import BLUE, GRAY, ORANGE, drawn, log_axis, make_figure, rows, series, tips

_MOST: Final = 14
_REACH: Final = 1e9
"""Bounds so many times above the largest measured growth are drawn at the edge, with an arrow."""
_MEASURED: Final = "largest growth measured"
_SERIES: Final = {
    _MEASURED: ("measured_growth_largest", ORANGE, "circle"),
    "proved bound": ("growth_bound", BLUE, "diamond"),
    "e^(KT), the paper’s (11)": ("exponential_bound", GRAY, "triangle-right"),
}
_COLUMNS: Final = {
    "K at least": "field_lipschitz_lower", "K at most": "field_lipschitz_upper", "Growth bound": "growth_bound",
    "e^(KT)": "exponential_bound", "Median measured": "measured_growth_median",
    "Largest measured": "measured_growth_largest", "Largest searched": "trunk_lipschitz_lower",
    "Bound to the features": "feature_lipschitz_upper",
}  # fmt: skip


def bounds_against_growth(runs: Sequence[Run]) -> Part | None:
    """The figure of one network of each class, plainly trained where there is one, and how many bounds are vacuous."""
    chosen = _chosen(runs)
    if not chosen:
        return None
    vacuous = sum(is_vacuous(theory) for _, _, theory in chosen)
    ratios = [_ratio(theory) for _, _, theory in chosen]
    middle, largest = (format_number(each, kind="upper", digits=2) for each in (ratios[len(ratios) // 2], ratios[-1]))
    finding = f"{vacuous} of {len(chosen)} bounds on growth exclude nothing, even at the smallest budget"
    figure = make_figure(
        _layers(chosen), name="bounds-against-growth", title=finding, height=30 * len(chosen) + 30, zoom=False,
        alt_text=f"{finding}; the proved bound is up to {largest} times the largest growth measured (median {middle}).",
        caption="One network a class. Hollow: vacuous at the smallest budget. Arrows: further right than drawn.",
    )  # fmt: skip
    sentence = f"In the middle of these networks the proved bound is {measured(middle)} times the growth measured."
    return Part(name="growth", heading="Proved against measured growth", sentences=(sentence,), figure=figure)


def growth_table(run: Run) -> Part | None:
    """K, bounds, measured growth and vacuity of every model of a run."""
    lines = [
        (words(m.label), *(number(getattr(t, field)) for field in _COLUMNS.values()), _verdict(t))
        for m in run.models
        if (t := m.theory)
    ]
    shown = table(
        key(run, what="growth"),
        "Growth ‖e_N‖/‖e_0‖ of perturbations along the trunk. Bounds are rounded up, lower bounds down.",
        ("Model·", *_COLUMNS, "Bound at the smallest budget·"),
        lines,
    )
    return Part(name="growth", heading="Growth and its bounds", tables=(shown,)) if shown else None


def is_vacuous(theory: TheoryResult) -> bool:
    """Whether the bound excludes nothing at the smallest budget above 0, in every norm that was judged."""
    points = sorted((point for point in theory.vacuity if point.epsilon > 0), key=lambda point: -point.epsilon)
    smallest = {point.norm: point for point in points}
    return bool(smallest) and all(point.vacuous for point in smallest.values())


def _verdict(theory: TheoryResult) -> Cell:
    return words("vacuous", mark="bad") if is_vacuous(theory) else words("informative", mark="good")


def _chosen(runs: Sequence[Run]) -> list[tuple[Run, Model, TheoryResult]]:
    """One network of each class, plain ones and Table 1's first, then those of the larger run; by rising ratio."""
    found = [(run, m, t) for run in runs for m in run.models if (t := m.theory) and t.measured_growth_largest.value > 0]
    found.sort(key=lambda each: (not each[1].plain, each[0].experiment != "table1", -len(each[0].records)))
    by_class = {each[1].network: each for each in reversed(found)}
    return sorted((each for each in found if by_class[each[1].network] is each), key=lambda e: _ratio(e[2]))[:_MOST]


def _ratio(theory: TheoryResult) -> float:
    """Proved bound over largest growth measured."""
    return theory.growth_bound.value / theory.measured_growth_largest.value


def _layers(chosen: Sequence[tuple[Run, Model, TheoryResult]]) -> list[alt.Chart]:
    """A point a number: filled where it says something, hollow where it is vacuous, an arrow where it is far off."""
    growths = [theory.measured_growth_largest.value for _, _, theory in chosen]
    edge = 10.0 ** math.ceil(math.log10(max(growths) * _REACH))
    points: list[dict[str, object]] = []
    for run, model, theory in chosen:
        for what, (field, _, _) in _SERIES.items():
            found = getattr(theory, field)
            points.append({
                "network": model.label, "data": data_name(run), "series": what,
                "growth": drawn(min(found.value, edge), found.kind, 3), "beyond": found.value > edge,
                "value": format_number(found.value, kind=found.kind),
                "filled": what == _MEASURED or not is_vacuous(theory),
            })  # fmt: skip
    y = alt.Y("network:N", sort=[model.label for _, model, _ in chosen], title=None)
    x = log_axis(alt.X, "growth", "growth of a perturbation through the network", [*growths, edge])
    names, colours, shapes = list(_SERIES), [c for _, c, _ in _SERIES.values()], [s for _, _, s in _SERIES.values()]
    base = alt.Chart(rows(points)).encode(
        x=x,
        y=y.axis(alt.Axis(labelLimit=190, grid=True)),
        **series("series", names, colours=colours, shapes=shapes),
        tooltip=tips(network="network", data="data", series="what", value="growth"),
    )
    return [
        base.transform_filter("datum.filled").mark_point(filled=True, size=90, opacity=1),
        base.transform_filter("!datum.filled").mark_point(filled=False, size=70, opacity=1),
        alt.Chart(rows([each for each in points if each["beyond"]])).mark_text(text="→", dx=13).encode(x=x, y=y),
    ]
