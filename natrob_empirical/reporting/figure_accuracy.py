"""Figure 2: accuracy against the budget, one panel per attack and norm, one line per model."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from natrob_empirical.display.formatting import NORM_SIGNS, format_sample_size
from natrob_empirical.norms import IMPOSSIBLE_RADIUS
from natrob_empirical.reporting.figure_style import (
    INK,
    ModelStyle,
    ReportFigure,
    first_of_rows,
    legend_below,
    model_styles,
    new_figure,
    plot_text,
    render,
)
from natrob_empirical.reporting.record_groups import ModelRuns, Section, SeedSummary
from natrob_empirical.reporting.tables.accuracy import certified_accuracy, clean_accuracy


def accuracy_figure(
    section: Section,
    *,
    name: str = "accuracy",
    styles: Mapping[str, ModelStyle] | None = None,
    models: Sequence[ModelRuns] | None = None,
    note: str = "",
) -> ReportFigure | None:
    """Accuracy under every attack and certified accuracy, or None without either.

    Args:
        section: whose records are drawn.
        name: of the files.
        styles: label → style; the section's own by default.
        models: those that are drawn; all of the section by default.
        note: which these are, for the caption.
    """
    shown = section.models if models is None else tuple(models)
    panels_wanted = panel_keys(section)
    if not panels_wanted:
        return None
    styles = styles or model_styles([section])
    figure, panels = new_figure(len(panels_wanted))
    certified = impossible = False
    several = len({_sizes(section, *key) for key in panels_wanted}) > 1
    for panel, (attack, norm) in zip(panels, panels_wanted, strict=True):
        for model in shown:
            _draw_attack(panel, attack_points(model, attack, norm), styles[model.label])
            certified |= _draw_certified(panel, certified_points(model, norm), styles[model.label])
        impossible |= _draw_largest_class(panel, section, attack, norm)
        _label_panel(panel, attack, norm, _sizes(section, attack, norm) if several else None)
    for panel in first_of_rows(panels):
        panel.set_ylabel("accuracy (share of images)", fontsize=8)
    handles = _handles(shown, styles, certified=certified, impossible=impossible)
    legend_below(figure, handles)
    caption = f"{_caption(section, certified)} {note}".strip()
    return render(figure, name=name, title="Accuracy against the budget", caption=caption)


def panel_keys(section: Section) -> list[tuple[str | None, str]]:
    """(attack, norm) per panel, in order; (None, norm) for a norm that has certificates but no attack."""
    keys: list[tuple[str | None, str]] = list(dict.fromkeys((budget.attack, budget.norm) for budget in section.budgets))
    attacked = {norm for _, norm in keys}
    keys += [
        (None, norm)
        for norm in section.norms
        if norm not in attacked and any(certified_points(model, norm) for model in section.models)
    ]
    return keys


def attack_points(model: ModelRuns, attack: str | None, norm: str) -> list[tuple[float, SeedSummary]]:
    """(ε, accuracy) by radius, the clean accuracy of the attacked images at 0."""
    points = {
        budget.epsilon: summary
        for budget in model.attacks
        if (budget.attack, budget.norm) == (attack, norm)
        and not math.isnan(budget.epsilon)
        and (summary := model.accuracy(budget)) is not None
    }
    clean = clean_accuracy(model, attack, norm) if points and attack is not None else None
    if clean is not None:
        points.setdefault(0.0, clean)
    return sorted(points.items(), key=lambda point: point[0])


def certified_points(model: ModelRuns, norm: str) -> list[tuple[float, SeedSummary]]:
    """(ε, certified accuracy) by radius."""
    radii = {point.epsilon for theory in model.theory.values() for point in theory.certified if point.norm == norm}
    return [
        (radius, found) for radius in sorted(radii) if (found := certified_accuracy(model, norm, radius)) is not None
    ]


def largest_class_share(section: Section, attack: str | None) -> float | None:
    """The largest class's share among the images under this attack, at an L∞ radius of 0.5 or more; None if unused."""
    shares = [
        result.majority_share
        for model in section.models
        for budget, by_seed in model.attacks.items()
        if budget.attack == attack and budget.norm == "Linf" and budget.epsilon >= IMPOSSIBLE_RADIUS
        for result in by_seed.values()
    ]
    return max(shares, default=None)


def _sizes(section: Section, attack: str | None, norm: str) -> str:
    """The n behind a panel: attacks need not have run on the same number of images."""
    counts = {
        result.accuracy.n
        for model in section.models
        for budget, by_seed in model.attacks.items()
        if (budget.attack, budget.norm) == (attack, norm)
        for result in by_seed.values()
    }
    return format_sample_size(tuple(counts))


def _draw_attack(panel: Axes, points: list[tuple[float, SeedSummary]], style: ModelStyle) -> None:
    """One model under one attack: the mean over seeds, and a band from the smallest to the largest."""
    if not points:
        return
    radii = [radius for radius, _ in points]
    panel.plot(
        radii, [summary.mean for _, summary in points], color=style.colour, marker=style.marker, markersize=4.5,
        linewidth=1.5, clip_on=False,
    )  # fmt: skip
    if any(len(summary.values) > 1 for _, summary in points):
        low, high = ([pick(summary.values) for _, summary in points] for pick in (min, max))
        panel.fill_between(radii, np.asarray(low), np.asarray(high), color=style.colour, alpha=0.15, linewidth=0)


def _draw_certified(panel: Axes, points: list[tuple[float, SeedSummary]], style: ModelStyle) -> bool:
    """One model's certified accuracy, dashed with hollow markers; whether there is any."""
    if not points:  # an empty line that is not clipped counts as one at the corner, and ruins the layout
        return False
    panel.plot(
        [radius for radius, _ in points], [summary.mean for _, summary in points], color=style.colour,
        linestyle="--", linewidth=1.1, marker=style.marker, markersize=4, markerfacecolor="white", clip_on=False,
    )  # fmt: skip
    return True


def _draw_largest_class(panel: Axes, section: Section, attack: str | None, norm: str) -> bool:
    """The line that no deterministic classifier is above, from radius 0.5 on."""
    share = largest_class_share(section, attack) if norm == "Linf" else None
    if share is None:
        return False
    right = max(budget.epsilon for budget in section.budgets if (budget.attack, budget.norm) == (attack, norm))
    right = max(right, IMPOSSIBLE_RADIUS * 1.15)
    panel.fill_between([IMPOSSIBLE_RADIUS, right], share, 1.0, color="#999999", alpha=0.18, linewidth=0)
    panel.plot([IMPOSSIBLE_RADIUS, right], [share, share], color=INK, linestyle=(0.0, (1.0, 1.0)), linewidth=1.6)
    return True


def _label_panel(panel: Axes, attack: str | None, norm: str, n: str | None = None) -> None:
    """Title, axis label and limits; accuracy always runs from 0 to 1."""
    sign = NORM_SIGNS.get(norm, norm)
    about = f"{sign}, {n}" if n else sign
    panel.set_title(f"{plot_text(attack or 'certificate only', width=28)} · {about}", fontsize=8.5, loc="left")
    panel.set_xlabel(f"budget ε in {sign} (pixels in [0, 1])", fontsize=8)
    panel.set_ylim(-0.02, 1.02)
    panel.set_xlim(left=0)


def _handles(
    models: Sequence[ModelRuns], styles: Mapping[str, ModelStyle], *, certified: bool, impossible: bool
) -> list[Line2D]:
    """One entry per model, and one for each kind of extra line drawn."""
    handles = [
        Line2D([], [], color=styles[model.label].colour, marker=styles[model.label].marker, markersize=5, linewidth=1.5,
               label=plot_text(model.label, width=40))
        for model in models
    ]  # fmt: skip
    if certified:
        handles.append(
            Line2D([], [], color=INK, linestyle="--", linewidth=1.1, marker="o", markerfacecolor="white", markersize=4,
                   label="certified (lower bound)")
        )  # fmt: skip
    if impossible:
        label = "largest class share: robustness above it is impossible"
        handles.append(Line2D([], [], color=INK, linestyle=(0.0, (1.0, 1.0)), linewidth=1.6, label=label))
    return handles


def _caption(section: Section, certified: bool) -> str:
    """Says what is drawn, with kind and n."""
    counts = {
        number
        for model in section.models
        for budget in model.attacks
        if (summary := model.accuracy(budget)) is not None
        for number in summary.counts
    }
    text = "Accuracy under attack, an upper bound of the robust accuracy"
    text += f" ({format_sample_size(tuple(counts))})" if counts else ""
    text += ", with the clean accuracy of the same images at ε = 0."
    if certified:
        text += " Dashed with hollow markers: certified accuracy, a lower bound."
    if len(section.seeds) > 1:
        seeds = ", ".join(map(str, section.seeds))
        text += f" Lines are means over seeds {seeds}, bands run from the smallest to the largest."
    return text
