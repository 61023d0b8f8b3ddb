"""Accuracy over the step size: fixed depth above, fixed T below, one column per radius, one line per attack."""

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from natrob_empirical.display.formatting import format_budget, format_sample_size
from natrob_empirical.norms import IMPOSSIBLE_RADIUS
from natrob_empirical.reporting.experiments.step_groups import StepGroups, step_of
from natrob_empirical.reporting.figure_step_sizes import size_text
from natrob_empirical.reporting.figure_style import (
    INK,
    MARKERS,
    PALETTE,
    ReportFigure,
    first_of_rows,
    legend_below,
    new_figure,
    plot_text,
    render,
)
from natrob_empirical.reporting.record_groups import AttackBudget, ModelRuns, Section
from natrob_empirical.reporting.tables.accuracy import clean_accuracy

_CLEAN: Final = "without an attack"
_MOST_COLUMNS: Final = 3


def steps_figure(section: Section, groups: StepGroups, *, name: str) -> ReportFigure | None:
    """The figure, or None with fewer than two networks of fixed depth."""
    places = sorted({(budget.norm, budget.epsilon) for budget in section.budgets if budget.epsilon > 0})
    places = places[:: max(1, -(-len(places) // _MOST_COLUMNS))]
    if len(groups.fixed_depth) < 2 or not places:
        return None
    attacks = list(dict.fromkeys(budget.attack for budget in section.budgets))
    looks = {label: (PALETTE[i % 7], MARKERS[i % 10]) for i, label in enumerate([_CLEAN, *attacks])}
    rows = [groups.fixed_depth] + ([groups.fixed_time] if len(groups.fixed_time) > 1 else [])
    figure, panels = new_figure(len(places) * len(rows), columns=len(places))
    for index, panel in enumerate(panels):
        row, (norm, epsilon) = index // len(places), places[index % len(places)]
        for label, (colour, marker) in looks.items():
            _draw(panel, rows[row], label, norm, epsilon, colour=colour, marker=marker, line="-")
            if row == 0:
                _draw(panel, groups.cancelled, label, norm, epsilon, colour=colour, marker=marker, line="none")
        _draw_ceiling(panel, section, rows[row], norm, epsilon)
        panel.set_title(
            f"{('fixed depth', 'T = nh fixed')[row]}, {format_budget(norm, epsilon)}", fontsize=8.5, loc="left"
        )
        panel.set_xscale("log")
        panel.invert_xaxis()
        if row == 1:
            panel.xaxis.set_major_locator(FixedLocator([step_of(model) for model in rows[row]]))
            panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: size_text(value)))
            panel.xaxis.set_minor_locator(NullLocator())
        panel.set_xlabel("step size h (no unit), shrinking to the right", fontsize=8)
        panel.set_ylim(-0.02, 1.02)
    for panel in first_of_rows(panels):
        panel.set_ylabel("accuracy (share of images)", fontsize=8)
    legend_below(figure, _handles(looks, groups))
    return render(figure, name=name, title="Accuracy over the step size", caption=_caption(section, groups))


def accuracy_under(model: ModelRuns, label: str, norm: str, epsilon: float) -> float | None:
    """The mean accuracy under an attack, or without one on the same images."""
    if label == _CLEAN:
        attacks = [budget.attack for budget in model.attacks if (budget.norm, budget.epsilon) == (norm, epsilon)]
        found = clean_accuracy(model, attacks[0], norm) if attacks else None
    else:
        found = model.accuracy(AttackBudget(attack=label, norm=norm, epsilon=epsilon))
    return None if found is None else found.mean


def _draw(
    panel: Axes,
    models: Sequence[ModelRuns],
    label: str,
    norm: str,
    epsilon: float,
    *,
    colour: str,
    marker: str,
    line: str,
) -> None:
    """One line over h; without a line, hollow markers for the control."""
    points = [(step_of(m), found) for m in models if (found := accuracy_under(m, label, norm, epsilon)) is not None]
    if points:
        panel.plot(
            [h for h, _ in points], [accuracy for _, accuracy in points], color=colour, marker=marker, markersize=5,
            linestyle=line, linewidth=1.4, markerfacecolor=colour if line == "-" else "white", clip_on=False,
        )  # fmt: skip


def _draw_ceiling(panel: Axes, section: Section, models: Sequence[ModelRuns], norm: str, epsilon: float) -> None:
    """The largest class's share, above which no robust accuracy is possible at this radius."""
    if norm != "Linf" or epsilon < IMPOSSIBLE_RADIUS:
        return
    shares = [
        result.majority_share
        for model in models
        for budget, results in model.attacks.items()
        if (budget.norm, budget.epsilon) == (norm, epsilon)
        for result in results.values()
    ]
    if shares and section.models:
        panel.axhline(max(shares), color=INK, linestyle=(0.0, (1.0, 1.0)), linewidth=1.4)


def _handles(looks: dict[str, tuple[str, str]], groups: StepGroups) -> list[Line2D]:
    """One entry an attack, and one for the control."""
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=5, linewidth=1.4, label=plot_text(label))
        for label, (colour, marker) in looks.items()
    ]
    if groups.cancelled:
        label = "hollow: control, h before a normalisation"
        handles.append(Line2D([], [], color=INK, marker="o", markerfacecolor="white", linestyle="none", label=label))
    label = "largest class's share (from L∞ ε = 0.5 on)"
    return [*handles, Line2D([], [], color=INK, linestyle=(0.0, (1.0, 1.0)), linewidth=1.4, label=label)]


def _caption(section: Section, groups: StepGroups) -> str:
    """Says what is drawn, with n."""
    models = (*groups.fixed_depth, *groups.fixed_time, *groups.cancelled)
    counts = {result.accuracy.n for m in models for results in m.attacks.values() for result in results.values()}
    text = f"Accuracy under attack, an upper bound of the robust accuracy ({format_sample_size(tuple(counts))}). "
    text += "Above: the depth is fixed, so that T = nh shrinks with h and the trunk tends to the identity. "
    text += "Below: T is fixed, the depth grows as h falls; only few steps are trainable. " if groups.fixed_time else ""
    return text + ("Means over seeds." if len(section.seeds) > 1 else "")
