"""The style that figures share: one colour and marker per model, safe text, and rendering to SVG and PNG bytes."""

import io
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, final

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.legend import Legend
from PIL import Image

from natrob_empirical.display.formatting import clean_text
from natrob_empirical.reporting.record_groups import Section

# Okabe and Ito's colour-blind-safe palette (jfly.uni-koeln.de/color), without the yellow, too pale for lines on white.
PALETTE: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
INK: Final = "#333333"
PANEL_WIDTHS: Final = {1: 5.5, 2: 5.2, 3: 3.5}  # inches, by panels per row
PANEL_HEIGHT: Final = 2.7
PANELS_PER_ROW: Final = 3
_FONT: Final = "DejaVu Sans"  # comes with matplotlib, so that every machine draws the same text
_SETTINGS: Final[dict[Any, Any]] = {
    "svg.hashsalt": "natrob",
    "svg.fonttype": "path",
    "font.family": [_FONT],
    "font.size": 9.0,
    "axes.unicode_minus": True,
    "text.usetex": False,
}


@final
@dataclass(frozen=True, kw_only=True)
class ModelStyle:
    """How one model is drawn in every figure."""

    colour: str
    marker: str


@final
@dataclass(frozen=True, kw_only=True)
class ReportFigure:
    """A rendered figure.

    Attributes:
        name: of its files, without an ending.
        title: a few words.
        caption: what is drawn, with kinds and n.
        svg, png: the files.
    """

    name: str
    title: str
    caption: str
    svg: bytes
    png: bytes


def model_styles(sections: Iterable[Section], *, first: Iterable[str] = ()) -> dict[str, ModelStyle]:
    """Model label → style, the same in all sections; colours repeat after 7 models, pairs with a marker after 70.

    Args:
        sections: whose models are drawn.
        first: labels that get the first colours, so that they share none.
    """
    labels = dict.fromkeys([*first, *(model.label for section in sections for model in section.models)])
    return {
        label: ModelStyle(colour=PALETTE[index % len(PALETTE)], marker=MARKERS[index % len(MARKERS)])
        for index, label in enumerate(labels)
    }


def plot_text(text: str, *, width: int | None = None) -> str:
    """A name that matplotlib prints as it is: no mathematics, no hidden legend entry, only characters of the font.

    Args:
        text: any string.
        width: wrap after this many characters.
    """
    known = _characters_of_the_font()
    printable = "".join(character if ord(character) in known else "?" for character in clean_text(text))
    if width is not None:
        printable = "\n".join(textwrap.wrap(printable, width, max_lines=2, placeholder="…"))
    # A legend leaves out names that start with an underscore, and a pair of dollar signs would start mathematics.
    return (" " + printable if printable.startswith("_") else printable).replace("$", r"\$")


def new_figure(
    panels: int, *, panel_height: float = PANEL_HEIGHT, columns: int | None = None
) -> tuple[Figure, list[Axes]]:
    """A figure with `panels` axes in rows of `columns`, by default of three (four: two rows of two)."""
    columns = columns or (2 if panels == 4 else min(panels, PANELS_PER_ROW))
    rows = -(-panels // columns)
    with mpl.rc_context(_SETTINGS):
        size = (PANEL_WIDTHS[columns] * columns, panel_height * rows + 0.2)
        figure = Figure(figsize=size, layout="constrained", facecolor="white")
        FigureCanvasAgg(figure)
        grid = figure.subplots(rows, columns, squeeze=False)
    axes: list[Axes] = list(grid.flat)
    for unused in axes[panels:]:
        unused.remove()
    for panel in axes[:panels]:
        panel.grid(visible=True, color="#e4e4e4", linewidth=0.6)
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize=8)
    return figure, axes[:panels]


def first_of_rows(panels: list[Axes]) -> list[Axes]:
    """The panels at the left edge, which carry the label of the common y axis."""
    return [panel for panel in panels if (spec := panel.get_subplotspec()) is None or spec.is_first_col()]


def legend_below(figure: Figure, handles: Sequence[Artist]) -> Legend:
    """One legend for all panels, outside them, in as many columns (up to three) as the figure is wide enough for.

    The figure grows by the legend's height, so that the panels keep theirs.
    """
    renderer = FigureCanvasAgg(figure).get_renderer()
    labels = [str(handle.get_label()) for handle in handles]
    for columns in (3, 2, 1):
        legend = figure.legend(
            list(handles),
            labels,
            loc="outside lower center",
            ncols=columns,
            fontsize=8,
            frameon=False,
            handlelength=3.2,
        )
        if columns == 1 or legend.get_window_extent(renderer).width < 0.97 * figure.bbox.width:
            height = legend.get_window_extent(renderer).height / figure.dpi
            figure.set_figheight(figure.get_figheight() + height + 0.1)
            return legend
        legend.remove()
    raise AssertionError("one column is always returned")


def render(figure: Figure, *, name: str, title: str, caption: str) -> ReportFigure:
    """The figure as SVG and PNG, the same bytes for the same figure: no date, no program name, fixed ids.

    The PNG has a palette of 256 colours, which lines on white do not exceed by much, and takes a third of the bytes.
    """
    svg, png = io.BytesIO(), io.BytesIO()
    with mpl.rc_context(_SETTINGS):
        # One layout for both files: a second one, at another resolution, would mistake the legend's size.
        FigureCanvasAgg(figure).draw()
        figure.set_layout_engine("none")
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        figure.savefig(png, format="png", dpi=150, metadata={"Software": None})
    return ReportFigure(name=name, title=title, caption=caption, svg=svg.getvalue(), png=_with_palette(png.getvalue()))


def _with_palette(png: bytes) -> bytes:
    """The picture in at most 256 colours, the nearest to its own."""
    smaller = io.BytesIO()
    with Image.open(io.BytesIO(png)) as picture:
        palette = picture.convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        palette.save(smaller, format="PNG", optimize=True, dpi=picture.info["dpi"])
    return smaller.getvalue()


@cache
def _characters_of_the_font() -> frozenset[int]:
    """The code points that the figures' font can draw."""
    return frozenset(get_font(findfont(_FONT)).get_charmap())
