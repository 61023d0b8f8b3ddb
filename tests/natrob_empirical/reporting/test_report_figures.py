import io
import math
import xml.etree.ElementTree as ET
from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image
from synthetic_records import attack_record, number, run_records, theory_record

from natrob_empirical.records import CellRecord, Curve
from natrob_empirical.reporting import Section, group_records
from natrob_empirical.reporting.figure_accuracy import (
    accuracy_figure,
    attack_points,
    certified_points,
    largest_class_share,
    panel_keys,
)
from natrob_empirical.reporting.figure_correlation import accuracy_limits, correlation_figure, edge_positions
from natrob_empirical.reporting.figure_style import (
    MARKERS,
    PALETTE,
    PANEL_HEIGHT,
    ReportFigure,
    legend_below,
    model_styles,
    new_figure,
    plot_text,
    render,
)
from natrob_empirical.reporting.figure_trajectories import (
    catalogue,
    curve_style,
    curves_of,
    panel_limits,
    shared_limits,
    tick_text,
    trajectories_figure,
)
from natrob_empirical.reporting.label_placement import label_points


def of(*records: CellRecord) -> Section:
    return group_records(records)[0]


def curve(label: str, kind: str, values: list[float]) -> Curve:
    times = [float(index) for index in range(len(values))]
    return Curve.model_validate({"label": label, "kind": kind, "n": None, "times": times, "values": values})


def test_the_png_s_palette_has_every_model_s_colour() -> None:
    figure, panels = new_figure(1)
    for height, colour in enumerate(PALETTE):
        panels[0].plot([0, 1], [height, height + 0.5], color=colour)  # slanted, so that edges blend
    with Image.open(io.BytesIO(render(figure, name="n", title="t", caption="c").png)) as picture:
        assert picture.mode == "P"
        found = np.asarray(picture.convert("RGB")).reshape(-1, 3).astype(int)
    wanted = np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in PALETTE])
    apart = min(np.abs(one - other).max() for one, other in combinations(wanted, 2))
    for colour in wanted:  # far nearer to its own colour than to another model's
        assert np.abs(found - colour).max(axis=1).min() <= apart / 5


def test_every_figure_is_an_svg_and_a_png(section: Section) -> None:
    for build in (trajectories_figure, accuracy_figure, correlation_figure):
        figure = build(section)
        assert figure is not None
        assert ET.fromstring(figure.svg).tag.endswith("svg")
        assert figure.png.startswith(b"\x89PNG")
        assert b"dc:date" not in figure.svg
        assert b"Software" not in figure.png
        assert figure == build(section)


def test_one_colour_and_marker_per_model_in_all_sections() -> None:
    sections = group_records(run_records() + run_records(dataset="mnist"))
    styles = model_styles(sections)
    assert len(styles) == 6
    assert len({(style.colour, style.marker) for style in styles.values()}) == 6
    assert math.gcd(len(PALETTE), len(MARKERS)) == 1  # so that pairs repeat only after 70 models


def test_the_line_says_what_a_curve_is() -> None:
    measured, median = curve_style(curve("measured", "measured", [1.0])), curve_style(curve("m", "measured", [1.0]), 1)
    assert (measured.line, median.line) == ("-", "-")
    assert measured.width > median.width
    assert curve_style(curve("bound from upper K", "upper", [1.0])).line == "--"
    assert curve_style(curve("bound from the pair's secants", "upper", [1.0])).line == ":"
    assert curve_style(curve("e^{tK}, upper K", "upper", [1.0])).line == "-."
    estimate, bound = (curve_style(curve("e^{tK}", kind, [1.0])).width for kind in ("estimate", "upper"))
    assert estimate < bound


def test_no_two_sorts_of_curves_look_alike(section: Section) -> None:
    looks = list(catalogue(list(section.models)).values())
    assert len(looks) == 6
    assert all(first != second for index, first in enumerate(looks) for second in looks[:index])


def test_limits_follow_the_measurement_not_a_vacuous_bound() -> None:
    model = of(theory_record(lipschitz=1e6, steps=50)).models[0]
    low, high = panel_limits(model)
    assert low < 1 < high < 1e10
    assert shared_limits([(1.0, 1e3), (1.0, 1e2)]) == (1.0, 1e3)
    assert shared_limits([(1.0, 1e3), (1.0, 1e20)]) is None
    assert shared_limits([(1.0, 1e8), (1.0, 2.0)]) is None


@pytest.mark.parametrize(
    "values",
    [
        [1.0, 1.0, 1.0],
        [1.0, math.inf, math.inf],
        [1.0, 0.0, 0.0],
        [1.0, math.nan, 2.0],
        [1e300, 1e308, math.inf],
        [0.0],
    ],
)
def test_strange_curves_are_drawn(values: list[float]) -> None:
    record = theory_record(curves=[curve("measured", "measured", values), curve("bound", "upper", values)])
    figure = trajectories_figure(of(record))
    assert figure is not None


def test_curves_without_a_finite_point_are_left_out() -> None:
    section = of(theory_record(curves=[curve("bound", "upper", [math.inf, math.inf])]))
    assert curves_of(section.models[0]) == []
    assert trajectories_figure(section) is None
    assert trajectories_figure(of(attack_record())) is None


def test_many_models_and_seeds_are_drawn() -> None:
    records = [theory_record(f"model {k}", key_changes={"seed": seed}) for k in range(11) for seed in (0, 1)]
    figure = trajectories_figure(of(*records))
    assert figure is not None
    assert "drawn over each other" in figure.caption
    assert "one scale" in figure.caption


def test_panels_of_the_accuracy_figure(section: Section) -> None:
    assert panel_keys(section) == [("FGSM", "Linf"), ("PGD-20", "Linf"), ("Random Noise", "Linf"), ("PGD-20", "L2")]
    assert panel_keys(of(theory_record())) == [(None, "Linf"), (None, "L2")]
    assert panel_keys(of(theory_record(certified=[]))) == []
    assert accuracy_figure(of(theory_record(certified=[]))) is None
    assert accuracy_figure(of(theory_record())) is not None


def test_lines_start_at_the_clean_accuracy(section: Section) -> None:
    model = section.models[0]
    points = [(radius, summary.mean) for radius, summary in attack_points(model, "PGD-20", "Linf")]
    assert points == [(0.0, 0.95), (0.05, 0.73), (0.1, 0.43), (0.5, 0.02)]
    assert attack_points(model, "absent", "Linf") == []
    assert [(radius, summary.mean) for radius, summary in certified_points(model, "L2")] == [(0.3, 0.35)]


def test_the_largest_class_line_needs_a_radius_of_one_half(section: Section) -> None:
    assert largest_class_share(section, "PGD-20") == 0.11
    assert largest_class_share(of(attack_record(epsilon=0.4)), "PGD-20") is None


def test_several_seeds_give_bands() -> None:
    figure = accuracy_figure(of(*run_records(seeds=(0, 1))))
    assert figure is not None
    assert "seeds 0, 1" in figure.caption


def test_correlation_figure_needs_theory_and_attack(section: Section) -> None:
    figure = correlation_figure(section)
    assert figure is not None
    assert "n = 6 models" in figure.caption
    assert correlation_figure(of(theory_record())) is None
    assert correlation_figure(of(attack_record())) is None
    assert correlation_figure(of(theory_record(), attack_record())) is not None


def test_infinite_growth_is_drawn_at_the_edge() -> None:
    assert edge_positions([0.0, 4.0, math.inf, -math.inf]) == [0.0, 4.0, 5.0, -1.0]
    assert edge_positions([math.inf]) == [0.25]
    record = theory_record(growth_bound=number(math.inf, "upper", None))
    assert correlation_figure(of(record, attack_record())) is not None
    assert accuracy_limits([0.5, 0.5]) == pytest.approx((0.35, 0.65))


def test_ticks() -> None:
    assert [tick_text(value) for value in (0.1, 20.0, 1000.0, 1e4, 1e12)] == ["0.1", "20", "1000", "10⁴", "10¹²"]


def test_a_legend_fits_its_figure_and_leaves_the_panel_its_height() -> None:
    figure, (panel,) = new_figure(1)
    panel.set_ylabel("accuracy")
    handles = [Line2D([], [], label=f"a rather long name of a model with number {index}") for index in range(7)]
    legend = legend_below(figure, handles)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    assert legend.get_window_extent(canvas.get_renderer()).width < figure.bbox.width
    assert panel.get_window_extent().height / figure.dpi > 0.7 * PANEL_HEIGHT


def test_panels_keep_their_height_without_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []

    def keep(figure: Figure, **arguments: str) -> ReportFigure:
        drawn.append(figure)
        return render(figure, **arguments)

    monkeypatch.setattr("natrob_empirical.reporting.figure_accuracy.render", keep)
    assert accuracy_figure(of(attack_record())) is not None
    assert drawn[0].axes[0].get_position().height * drawn[0].get_figheight() > 0.7 * PANEL_HEIGHT


def test_names_are_drawn_as_they_are() -> None:
    assert plot_text("_hidden") == " _hidden"
    assert plot_text("$x$") == r"\$x\$"
    assert plot_text("模型 1") == "?? 1"
    assert plot_text("a" * 9 + " " + "b" * 9 + " " + "c" * 9, width=10) == "aaaaaaaaa\nbbbbbbbbb…"


def test_labels_do_not_cover_each_other() -> None:
    figure, (panel,) = new_figure(1)
    points = [(0.5, 0.5 + 0.001 * k, f"model {k}") for k in range(8)]
    panel.plot([0, 1], [0, 1], linestyle="none")
    label_points(figure, panel, points)
    boxes = [text.get_window_extent() for text in panel.texts]
    assert len(boxes) == 8
    assert not any(first.overlaps(second) for index, first in enumerate(boxes) for second in boxes[:index])
    assert isinstance(figure, Figure)
