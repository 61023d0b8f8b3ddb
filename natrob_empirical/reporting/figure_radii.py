"""Every image as a point: its certified radius against the smallest perturbation that an attack found."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from natrob_empirical.display.formatting import NORM_SIGNS
from natrob_empirical.reporting.figure_style import (
    INK,
    ModelStyle,
    ReportFigure,
    first_of_rows,
    legend_below,
    new_figure,
    plot_text,
    render,
)
from natrob_empirical.reporting.image_bounds import ImageBounds
from natrob_empirical.reporting.record_groups import ordered_norms

ALARM: Final = "#c00000"
_LOG_FROM: Final = 30.0
"""Radii that span more than this factor are drawn on logarithmic axes."""
MOST_IMAGES: Final = 500
"""So many images of a model are drawn; more would cover each other."""


def radii_figure(bounds: Sequence[ImageBounds], styles: Mapping[str, ModelStyle], *, name: str) -> ReportFigure | None:
    """One panel a norm, one point an image with a certificate and a misclassified image found; None without any.

    Args:
        bounds: of any models, seeds and norms of a section.
        styles: label → style.
        name: of the files.
    """
    norms = [norm for norm in ordered_norms({each.norm for each in bounds}) if any(map(_points, _of(bounds, norm)))]
    if not norms:
        return None
    figure, panels = new_figure(len(norms), panel_height=4.0)
    shown: dict[str, None] = {}
    broken = False
    for panel, norm in zip(panels, norms, strict=True):
        for each in _of(bounds, norm):
            points = _points(each)[:MOST_IMAGES]
            if points:
                shown[each.model] = None
                _scatter(panel, points, styles[each.model])
            broken |= _mark_broken(panel, each)
        _finish(panel, [point for each in _of(bounds, norm) for point in _points(each)], norm)
    for panel in first_of_rows(panels):
        panel.set_ylabel("smallest perturbation found\n(upper bound)", fontsize=8)
    legend_below(figure, _handles(shown, styles, broken))
    return render(figure, name=name, title="Certified radius against smallest perturbation", caption=_caption(bounds))


def _of(bounds: Sequence[ImageBounds], norm: str) -> list[ImageBounds]:
    return [each for each in bounds if each.norm == norm]


def _points(bounds: ImageBounds) -> list[tuple[float, float]]:
    """(radius, distance) of the images that have both."""
    pairs = zip(bounds.certified_radii, bounds.found_distances, strict=True)
    return [(low, high) for low, high in pairs if low > 0 and 0 < high < math.inf]


def _scatter(panel: Axes, points: Sequence[tuple[float, float]], style: ModelStyle) -> None:
    panel.plot(
        [x for x, _ in points], [y for _, y in points], linestyle="none", marker=style.marker, markersize=3.5,
        color=style.colour, alpha=0.55, markeredgewidth=0,
    )  # fmt: skip


def _mark_broken(panel: Axes, bounds: ImageBounds) -> bool:
    """Ring the images below the diagonal; whether there are any."""
    wrong = [(bounds.certified_radii[i], bounds.found_distances[i]) for i in bounds.contradictions]
    if wrong:
        panel.plot(
            [x for x, _ in wrong], [max(y, 1e-12) for _, y in wrong], linestyle="none", marker="o", markersize=9,
            color=ALARM, markerfacecolor="none", markeredgewidth=1.6, zorder=5,
        )  # fmt: skip
    return bool(wrong)


def _finish(panel: Axes, points: Sequence[tuple[float, float]], norm: str) -> None:
    """The diagonal, the axes, and the side on which no point may lie."""
    radii, distances = [x for x, _ in points], [y for _, y in points]
    low, high = min(radii), max(distances)
    logarithmic = max(radii) / low > _LOG_FROM or max(distances) / min(distances) > _LOG_FROM
    if logarithmic:
        panel.set_xscale("log")
        panel.set_yscale("log")
        bottom, top = low / 1.5, high * 1.5
    else:
        bottom, top = 0.0, high * 1.06
    panel.set_xlim(bottom, max(max(radii) * (1.5 if logarithmic else 1.06), bottom * 1.01))
    panel.set_ylim(min(bottom, min(distances) / 1.5) if logarithmic else 0.0, top)
    left, right = panel.get_xlim()
    panel.plot([left, right], [left, right], color=INK, linewidth=1.2, zorder=3)
    panel.fill_between([left, right], [left, right], panel.get_ylim()[0], color="#999999", alpha=0.18, linewidth=0)
    sign = NORM_SIGNS.get(norm, norm)
    panel.set_xlabel(f"certified radius in {sign} (lower bound)", fontsize=8)
    panel.set_title(f"{sign} · {len(points):,} images", fontsize=8.5, loc="left")


def _handles(shown: Mapping[str, None], styles: Mapping[str, ModelStyle], broken: bool) -> list[Line2D]:
    """One entry a model, the diagonal, and the alarm where there is one."""
    handles = [
        Line2D([], [], linestyle="none", marker=styles[label].marker, color=styles[label].colour, markersize=5,
               label=plot_text(label, width=40))
        for label in shown
    ]  # fmt: skip
    handles.append(Line2D([], [], color=INK, linewidth=1.2, label="equal; no point may lie below"))
    if broken:
        handles.append(
            Line2D([], [], linestyle="none", marker="o", markersize=8, color=ALARM, markerfacecolor="none",
                   label="BUG: certified and fooled")
        )  # fmt: skip
    return handles


def _caption(bounds: Sequence[ImageBounds]) -> str:
    """Counts what is drawn and what is not."""
    certified = [each for each in bounds if each.methods]
    pairs = [pair for each in certified for pair in zip(each.certified_radii, each.found_distances, strict=True)]
    drawn = sum(low > 0 and 0 < high < math.inf for low, high in pairs)
    without = sum(not low > 0 for low, _ in pairs)
    kept = sum(low > 0 and math.isinf(high) for low, high in pairs)
    several = len({(each.model, each.norm) for each in certified}) < len(certified)
    text = "The distance from an image to the nearest misclassified one lies between the two coordinates of its point. "
    text += f"Of {len(pairs):,} images (over models{', seeds' if several else ''} and norms) {drawn:,} have both; "
    text += (
        f"{without:,} have no certified radius, and of {kept:,} that have one no attack found a misclassified image."
    )
    if any(len(_points(each)) > MOST_IMAGES for each in certified):
        text += f" The first {MOST_IMAGES} of a model are drawn."
    return text
