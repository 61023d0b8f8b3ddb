"""Names beside the points of a scatter plot, placed so that they cover neither each other nor a point."""

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from natrob_empirical.reporting.figure_style import INK

_SIDES: Final = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
_DISTANCES: Final = (8.0, 16.0, 26.0, 38.0)  # points
_POINT_RADIUS: Final = 6.0  # pixels


def label_points(figure: Figure, panel: Axes, points: Sequence[tuple[float, float, str]]) -> None:
    """Write a name beside every point.

    Greedy: names in the order given, each on the nearest side where it overlaps least with points, earlier names
    and the outside of the panel. The axis limits must not change afterwards.

    Args:
        figure: of the panel; drawn once, since sizes in pixels need a finished layout.
        panel: where the points are.
        points: (x, y, name), finite.
    """
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    radius = _POINT_RADIUS
    taken = [
        Bbox.from_bounds(float(x) - radius, float(y) - radius, 2 * radius, 2 * radius)
        for x, y in (panel.transData.transform((px, py)) for px, py, _ in points)
    ]
    for x, y, name in points:
        label = panel.annotate(
            name, (x, y), xytext=(0, 0), textcoords="offset points", fontsize=7.5, color=INK, annotation_clip=False,
        )  # fmt: skip
        label.set_in_layout(False)
        taken.append(_settle(label, panel, taken, canvas))


def _settle(label: Annotation, panel: Axes, taken: Sequence[Bbox], canvas: FigureCanvasAgg) -> Bbox:
    """Move the label to its best place and return its box in pixels."""
    frame, renderer = panel.get_window_extent().frozen(), canvas.get_renderer()
    candidates: list[tuple[float, int, tuple[int, int], float, Bbox]] = []
    for distance in _DISTANCES:
        for side in _SIDES:
            _move(label, side, distance)
            box = label.get_window_extent(renderer)
            cost = sum(_overlap(box, other) for other in taken) + _outside(box, frame)
            candidates.append((cost, len(candidates), side, distance, box))
    _, _, side, distance, box = min(candidates, key=lambda candidate: (round(candidate[0], 3), candidate[1]))
    _move(label, side, distance)
    return box


def _move(label: Annotation, side: tuple[int, int], distance: float) -> None:
    """Set the label on a side of its point."""
    across, up = side
    label.set_horizontalalignment(("right", "center", "left")[across + 1])
    label.set_verticalalignment(("top", "center", "bottom")[up + 1])
    label.set_position((across * distance, up * distance))


def _overlap(first: Bbox, second: Bbox) -> float:
    """The common area of two boxes."""
    common = Bbox.intersection(first, second)
    return 0.0 if common is None else float(common.width * common.height)


def _outside(box: Bbox, frame: Bbox) -> float:
    """The area of a box outside the frame."""
    return float(box.width * box.height) - _overlap(box, frame)
