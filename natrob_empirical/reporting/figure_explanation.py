"""AUROC of every quantity for every model, with its interval: what tells fooled images from kept ones."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from natrob_empirical.display.formatting import NORM_SIGNS
from natrob_empirical.reporting.explanation import QUANTITIES, Explanation, Quantity
from natrob_empirical.reporting.figure_style import (
    INK,
    ModelStyle,
    ReportFigure,
    legend_below,
    new_figure,
    plot_text,
    render,
)
from natrob_empirical.reporting.record_groups import ordered_norms
from natrob_empirical.statistics.bootstrap import RESAMPLES, RESAMPLING_SEED

_SPAN = 0.6  # of the distance between two quantities, for the models of one


def explanation_figure(
    found: Sequence[Explanation], styles: Mapping[str, ModelStyle], *, name: str
) -> ReportFigure | None:
    """One panel a norm, one row a quantity, one point a model and seed; None without an AUROC."""
    drawn = [each for each in found if each.separation is not None]
    norms = ordered_norms({each.norm for each in drawn})
    if not norms:
        return None
    shown = [quantity for quantity in QUANTITIES if any(each.quantity == quantity for each in drawn)]
    runs = list(dict.fromkeys((each.model, each.seed) for each in drawn))
    figure, panels = new_figure(len(norms), panel_height=0.8 + len(shown) * max(0.35, 0.13 * len(runs)))
    for index, (panel, norm) in enumerate(zip(panels, norms, strict=True)):
        for each in (each for each in drawn if each.norm == norm):
            offset = _offset(runs.index((each.model, each.seed)), len(runs))
            _draw(panel, each, shown.index(each.quantity) + offset, styles[each.model])
        _finish(panel, shown, norm, named=index == 0)
    handles = [
        Line2D([], [], marker=styles[label].marker, color=styles[label].colour, markersize=5, linewidth=1.2,
               label=plot_text(label, width=40))
        for label in dict.fromkeys(each.model for each in drawn)
    ]  # fmt: skip
    legend_below(figure, handles)
    caption = (
        "Right of the line a quantity tells fooled images from kept ones in the direction that the theory says, on "
    )
    caption += "it not at all. Each model under the attacks of the norm that saw the most images, together, at the "
    caption += (
        "radius at which they fool nearest to half of its images. Bars: 95 % percentile bootstrap over the images "
    )
    caption += f"({RESAMPLES:,} resamples, seed {RESAMPLING_SEED}); amplification was measured on fewer images."
    return render(figure, name=name, title="What tells fooled images from kept ones", caption=caption)


def _offset(index: int, count: int) -> float:
    """The height of one model within the row of a quantity."""
    return 0.0 if count == 1 else _SPAN * (index / (count - 1) - 0.5)


def _draw(panel: Axes, each: Explanation, height: float, style: ModelStyle) -> None:
    """A point with its interval."""
    if each.separation is None:
        return
    panel.plot([each.separation.low, each.separation.high], [height, height], color=style.colour, linewidth=1.2)
    panel.plot([each.separation.value], [height], marker=style.marker, color=style.colour, markersize=4, clip_on=False)


def _finish(panel: Axes, shown: Sequence[Quantity], norm: str, *, named: bool) -> None:
    """The line of chance and the names of the quantities."""
    panel.grid(visible=False, axis="y")
    for row in range(1, len(shown)):
        panel.axhline(row - 0.5, color="#e4e4e4", linewidth=0.6, zorder=0)
    panel.axvline(0.5, color=INK, linewidth=1.2)
    panel.set_xlim(0, 1)
    panel.set_ylim(len(shown) - 0.5, -0.5)
    names = [plot_text(quantity.name, width=32) if named else "" for quantity in shown]
    panel.set_yticks(range(len(shown)), names, fontsize=8)
    panel.set_xlabel("AUROC, fooled against kept images", fontsize=8)
    panel.set_title(NORM_SIGNS.get(norm, norm), fontsize=8.5, loc="left")
