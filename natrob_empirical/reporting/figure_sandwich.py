"""The sandwich of one model: certified accuracy below, attacked accuracy above, the unknown shaded between them."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from natrob_empirical.display.formatting import NORM_SIGNS, format_number, join_words
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
from natrob_empirical.reporting.image_bounds import ImageBounds

CERTIFIED: Final = PALETTE[0]
ATTACKED: Final = PALETTE[1]
SHADE: Final = "#d9d9d9"
_RESOLUTION: Final = 2000
"""Steps nearer to each other than this part of the axis fall on one pixel and are drawn as one."""


def sandwich_figure(bounds: Sequence[ImageBounds], *, name: str) -> ReportFigure:
    """One panel a norm for one model and seed.

    Args:
        bounds: of one model and seed, at least one norm.
        name: of the files.
    """
    figure, panels = new_figure(len(bounds), panel_height=3.1)
    attacks = list(dict.fromkeys(attack for each in bounds for attack, _, _ in each.attacks))
    markers = {attack: MARKERS[index % len(MARKERS)] for index, attack in enumerate(attacks)}
    for panel, each in zip(panels, bounds, strict=True):
        _draw(panel, each, markers)
    for panel in first_of_rows(panels):
        panel.set_ylabel("accuracy (share of images)", fontsize=8)
    legend_below(figure, _handles(markers, any(each.methods for each in bounds)))
    first = bounds[0]
    counts = "; ".join(f"{NORM_SIGNS.get(each.norm, each.norm)}: n = {len(each):,}" for each in bounds)
    caption = f"{first.model}, seed {first.seed} ({counts}, the same images for every line and marker of a panel). "
    caption += "Below the shade: certified, a lower bound, exact steps from the radius of every image. Above it: the "
    caption += "share of images for which no attack found a misclassified image within ε, an upper bound. The true "
    caption += "robust accuracy lies in the shade. Markers: each attack alone at the radii it was run at."
    radii = [
        f"{format_number(max(each.certified_radii), kind='lower')} in {NORM_SIGNS.get(each.norm, each.norm)}"
        for each in bounds
        if each.methods
    ]
    caption += f" Largest certified radius: {join_words(radii)}." if radii else ""
    if any(each.refusal for each in bounds):
        caption += " Without a certificate the shade reaches down to 0."
    return render(figure, name=name, title=f"Certified and attacked accuracy of {first.model}", caption=caption)


def right_end(bounds: ImageBounds) -> float:
    """Where the axis ends: a little past the last step of both curves, or the last attack if an image survives it."""
    values = [value for value in (*bounds.found_distances, *bounds.certified_radii) if math.isfinite(value)]
    if any(map(math.isinf, bounds.found_distances)):
        values += bounds.epsilons
    return 1.06 * max(values, default=0.0) or max(bounds.epsilons, default=0.0) or 1.0


def step_points(values: Sequence[float], end: float) -> tuple[np.ndarray, np.ndarray]:
    """The share of values above ε as a step function on [0, end]: (ε, share right of it), drawn with steps-post."""
    threshold = np.sort(np.asarray(values, dtype=np.float64))
    cell = end / _RESOLUTION
    inside = threshold[(threshold > 0) & (threshold <= end)]
    edges = np.unique(np.concatenate([[0.0], np.ceil(inside / cell) * cell, [end]]))
    return edges, (len(threshold) - np.searchsorted(threshold, edges, side="right")) / len(threshold)


def _draw(panel: Axes, bounds: ImageBounds, markers: dict[str, str]) -> None:
    """Both step functions, the shade, and the markers of the attacks."""
    end = right_end(bounds)
    high = step_points(bounds.found_distances, end)
    low = step_points(bounds.certified_radii, end)
    grid = np.unique(np.concatenate([high[0], low[0]]))
    upper, lower = (values[np.searchsorted(edges, grid, side="right") - 1] for edges, values in (high, low))
    panel.fill_between(grid, lower, upper, step="post", color=SHADE, alpha=0.7, linewidth=0)
    panel.plot(*high, drawstyle="steps-post", color=ATTACKED, linewidth=2.6)
    if bounds.methods:
        panel.plot(*low, drawstyle="steps-post", color=CERTIFIED, linewidth=1.6)
    for attack, marker in markers.items():
        points = [(e, share) for e in bounds.epsilons if e <= end and (share := bounds.under(attack, e)) is not None]
        if points:
            panel.plot(
                [x for x, _ in points], [y for _, y in points], linestyle="none", marker=marker, markersize=5,
                color=INK, markerfacecolor="white", markeredgewidth=1.0, clip_on=False, zorder=4,
            )  # fmt: skip
    sign = NORM_SIGNS.get(bounds.norm, bounds.norm)
    panel.set_title(f"{sign} · n = {len(bounds):,}", fontsize=8.5, loc="left")
    panel.set_xlabel(f"budget ε in {sign} (pixels in [0, 1])", fontsize=8)
    panel.set_ylim(-0.02, 1.02)
    panel.set_xlim(0, end)


def _handles(markers: dict[str, str], certified: bool) -> list[Line2D | Patch]:
    """The two bounds, the shade, and one entry an attack."""
    lines: list[Line2D | Patch] = []
    if certified:
        lines.append(Line2D([], [], color=CERTIFIED, linewidth=1.6, label="certified (lower bound)"))
    lines.append(Line2D([], [], color=ATTACKED, linewidth=1.6, label="all attacks, image by image (upper bound)"))
    lines.append(Patch(color=SHADE, label="the true robust accuracy is in here"))
    lines += [
        Line2D([], [], linestyle="none", marker=marker, markersize=5, color=INK, markerfacecolor="white",
               label=plot_text(attack, width=40))
        for attack, marker in markers.items()
    ]  # fmt: skip
    return lines
