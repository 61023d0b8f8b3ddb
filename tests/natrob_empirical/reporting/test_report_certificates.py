"""Certificates against attacks, image by image: the sandwich, the scatter, contradictions and tightness."""

import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_experiments import attack
from synthetic_records import attack_record, number, theory_record
from synthetic_samples import DISTANCES, RADII, attacked, certificates, certified_theory

from natrob_empirical.records import CellRecord
from natrob_empirical.reporting import Section, group_records, write_report
from natrob_empirical.reporting.experiments.certified import overview_part
from natrob_empirical.reporting.figure_radii import radii_figure
from natrob_empirical.reporting.figure_sandwich import sandwich_figure, step_points
from natrob_empirical.reporting.figure_style import model_styles
from natrob_empirical.reporting.findings import certificate_gap, certified_below_attacked, trunk_tightness
from natrob_empirical.reporting.findings import contradictions as contradictions_in
from natrob_empirical.reporting.image_bounds import ImageBounds, best_radii, image_bounds, widest_bounds
from natrob_empirical.reporting.missing_cells import completeness
from natrob_empirical.reporting.tables import growth_table
from natrob_empirical.reporting.tables.sandwich import sandwich_table


def of(*records: CellRecord) -> Section:
    return group_records(records)[0]


def bounds(*records: CellRecord) -> ImageBounds:
    (found,) = image_bounds(of(*records))
    return found


def test_both_shares_are_exact_at_every_radius() -> None:
    found = bounds(certified_theory(), attacked())
    assert (len(found), found.certified_radii, found.found_distances) == (5, RADII, DISTANCES)
    assert [found.certified(e) for e in (0.0, 0.1, 0.1001, 0.3, 0.5, 0.6)] == [0.8, 0.8, 0.6, 0.4, 0.2, 0.0]
    assert [found.attacked(e) for e in (0.0, 0.1999, 0.2, 0.6, 0.7, 9.0)] == [0.8, 0.8, 0.6, 0.4, 0.2, 0.2]
    assert found.contradictions == ()


def test_the_worst_attack_and_the_best_certificate_of_every_image_count() -> None:
    theory = certified_theory(
        certificates=[certificates((0.1, 0.1, 0.1)), certificates((0.3, 0.05), method="local"),
                      certificates((0.2, 0.2, 0.2), norm="Linf")]
    )  # fmt: skip
    strong = attacked(label="one", distances=(0.4, math.inf, 0.9, 0.9), epsilon=0.5)
    weak = attacked(label="two", distances=(0.6, 0.8), epsilon=1.0)
    found = bounds(theory, strong, weak)
    assert found.norm == "L2"
    assert found.certified_radii == (0.3, 0.1)  # only the images that all attacks saw
    assert found.found_distances == (0.4, 0.8)
    assert found.methods == ("global", "local")
    assert found.under("one", 0.5) == 0.5
    assert found.under("one", 1.0) is None
    assert best_radii(of(theory).models[0].theory[0], "L2") == (0.3, 0.1, 0.1)


def test_the_widest_bounds_take_every_image_that_any_attack_saw() -> None:
    records = [certified_theory(), attacked(label="one", distances=(0.0, 0.15)), attacked(label="two")]
    (found,) = widest_bounds(of(*records))
    assert found.found_distances == (0.0, 0.15, *DISTANCES[2:])
    assert len(image_bounds(of(*records))[0]) == 2


def test_letters_stand_in_for_distances() -> None:
    old = attack("A", "euler", "PGD", 0.4, 0.0, preset="certified-tiny", dataset="digits", norm="L2", letters="wfkkk",
                 settings={"model": {"label": "A"}})  # fmt: skip
    assert bounds(certified_theory(), old).found_distances == (0.0, 0.4, math.inf, math.inf, math.inf)


def test_there_is_no_sandwich_without_both_sides() -> None:
    assert image_bounds(of(certified_theory())) == ()
    assert image_bounds(of(theory_record(), attack_record())) == ()
    assert image_bounds(of(certified_theory(), attacked(norm="Linf"))) == ()


def test_the_table_of_the_sandwich() -> None:
    table = sandwich_table(bounds(certified_theory(), attacked(), attacked(epsilon=0.2)))
    rows = [[cell.text for cell in row] for row in table.rows]
    assert rows == [
        ["0 (clean)", "", "0.800 (measured)", "", ""],
        ["0.2", "0.600", "0.600", "0.000", "0.600"],
        ["0.6", "0.000", "0.400", "0.400", "0.400"],
    ]
    assert not any(cell.mark == "alarm" for row in table.rows for cell in row)
    assert "the same 5 images" in table.caption


def test_the_gap_is_that_of_the_printed_bounds() -> None:
    radii, distances = [0.0, *[0.5] * 59], [0.0, *[9.0] * 59]
    table = sandwich_table(bounds(certified_theory(radii=radii), attacked(distances=distances, epsilon=0.4)))
    rows = [[cell.text for cell in row][:4] for row in table.rows]
    assert rows == [["0 (clean)", "", "0.983 (measured)", ""], ["0.4", "0.983", "0.984", "0.001"]]


def test_the_overview_has_all_rows_on_the_same_images() -> None:
    """An attack on the first two images only leaves neither a share of two images nor one above the clean accuracy."""
    clean = (0.0, 0.2, 0.6, 0.7, math.inf)
    records = [
        certified_theory("A"), attacked("A", distances=clean, epsilon=0.3),
        attacked("A", label="AutoAttack", distances=(0.0, 0.1), epsilon=0.3),
        certified_theory("B"), attacked("B", distances=[0.4, *[math.inf] * 4], epsilon=0.3),
        certified_theory("C", certificates=[certificates((), images=5, refusal="no bound")]),
        attacked("C", distances=[0.25] * 5, epsilon=0.3),
    ]  # fmt: skip
    part = overview_part(of(*records), "p", {})
    assert part is not None
    (table,) = part.tables
    assert [[cell.text for cell in row][:4] for row in table.rows] == [
        ["A", "0.800", "0.400", "0.600"],
        ["B", "1.000", "0.400", "1.000"],
        ["C", "1.000", "–", "0.000"],
    ]
    notes = [column.note for column in table.columns[1:4]]
    assert notes == ["measured, n = 5", "certified, lower, n = 5", "all attacks, upper, n = 5"]
    assert "Not every model met every attack" in table.caption
    same = overview_part(of(records[0], records[1], records[3], records[4]), "p", {})
    assert same is not None
    assert "Not every model" not in same.tables[0].caption
    assert overview_part(of(*records[5:]), "p", {}) is None


def test_a_model_with_fewer_images_shortens_every_row_of_the_overview() -> None:
    records = [certified_theory("A"), attacked("A"), certified_theory("B"), attacked("B", distances=(0.0, 0.2))]
    part = overview_part(of(*records), "p", {})
    assert part is not None
    assert {row[1].text for row in part.tables[0].rows} == {"0.500"}
    assert "the same 2 images" in part.tables[0].caption


def test_a_refused_certificate_leaves_the_upper_side() -> None:
    refused = certified_theory(certificates=[certificates((), images=5, refusal="no bound")])
    found = bounds(refused, attacked())
    assert (found.methods, found.refusal) == ((), "no bound")
    assert [row[1].text for row in sandwich_table(found).rows] == ["", "–"]
    assert "There is no certificate: no bound." in sandwich_table(found).caption


def test_steps_are_drawn_where_they_are() -> None:
    edges, shares = step_points([0.0, 0.25, 0.5, math.inf], 1.0)
    assert edges == pytest.approx([0.0, 0.25, 0.5, 1.0], abs=1e-3)
    assert shares.tolist() == [0.75, 0.5, 0.25, 0.25]
    dense, _ = step_points(np.linspace(0.001, 1, 50_000).tolist(), 1.0)
    assert len(dense) < 2_100  # what falls on one pixel is drawn once


def test_the_finding_counts_the_images() -> None:
    finding = certified_below_attacked(of(certified_theory(), attacked(), attacked(epsilon=0.2)))
    assert finding is not None
    assert "in all 8 comparisons of a certified radius above 0 with what an attack in the same norm did" in finding.text
    assert (finding.level, finding.verdict) == ("result", "holds")


def test_only_comparisons_in_one_norm_are_counted_and_a_contradiction_in_another_is_still_an_alarm() -> None:
    both = [certificates(), certificates((0.0, 0.01, 0.02, 0.03, 0.0), norm="Linf")]
    finding = certified_below_attacked(of(certified_theory(certificates=both), attacked()))
    assert finding is not None
    assert "in all 4 comparisons" in finding.text
    both[1] = certificates((0.0, 0.3, 0.02, 0.03, 0.0), norm="Linf")
    alarm = certified_below_attacked(of(certified_theory(certificates=both), attacked()))
    assert alarm is not None
    assert alarm.text.startswith("BUG: image by image, 1 of 5 certified radii")


@pytest.mark.parametrize(
    ("position", "radius", "broken"), [(1, 0.2, True), (1, 0.199, False), (0, 1e-9, True), (4, 9.0, False)]
)
def test_one_contradicted_image_is_an_alarm(position: int, radius: float, broken: bool) -> None:
    radii = [*RADII[:position], radius, *RADII[position + 1 :]]
    section = of(certified_theory(radii=radii), attacked())
    finding = certified_below_attacked(section)
    assert finding is not None
    assert (finding.level == "alarm") == broken
    assert bool(image_bounds(section)[0].contradictions) == broken
    if broken:
        assert finding.text.startswith(f"BUG: image by image, 1 of {5 if position == 0 else 4} certified radii")
        assert f"A, seed 0, FAB, image {position}: the global certificate says L2 radius {radius:.9g}" in finding.text


def test_a_contradiction_is_reported_with_an_alarm_and_drawn(tmp_path: Path) -> None:
    records = [certified_theory(radii=[0.0, 0.5, 0.2, 0.3, 0.5]), attacked()]
    files = write_report(records, tmp_path, title="A title")
    assert len(files.alarms) == 1
    assert "image 1" in files.alarms[0]
    figure = radii_figure(image_bounds(of(*records)), model_styles([of(*records)]), name="r")
    assert figure is not None
    assert write_report([certified_theory(), attacked()], tmp_path, title="A title").alarms == ()


def test_the_page_shows_scatter_and_sandwich_in_both_formats(tmp_path: Path) -> None:
    records = [certified_theory(), attacked(), certified_theory("B/2"), attacked("B/2")]
    files = write_report(records, tmp_path, title="A title")
    html, markdown = files.html.read_text(encoding="utf-8"), files.markdown.read_text(encoding="utf-8")
    ids = [
        e.attrib["id"] for e in ET.fromstring(html.removeprefix("<!DOCTYPE html>").strip()).iter() if "id" in e.attrib
    ]
    assert len(ids) == len(set(ids))
    names = {path.name for path in files.figures}
    assert {"certified-radii.svg", "sandwich-a-seed-0.png", "sandwich-b-2-seed-0.png"} <= names
    for page in (html, markdown):
        assert "Certified and attacked: A" in page
        assert "Certified radius against smallest perturbation" in page
    numbers = [int(number) for number in re.findall(r"\*\*Figure (\d+)\.", markdown)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert all((tmp_path / link).is_file() for link in re.findall(r"!\[[^]]*\]\(([^)]+)\)", markdown))


def test_figures_say_what_is_left_out() -> None:
    section = of(certified_theory(), attacked())
    figure = radii_figure(image_bounds(section), model_styles([section]), name="r")
    assert figure is not None
    assert "Of 5 images (over models and norms) 3 have both; 1 have no certified radius, and of 1" in figure.caption
    drawn = sandwich_figure(image_bounds(section), name="s")
    assert "n = 5" in drawn.caption
    assert "Largest certified radius: 0.5 in L2" in drawn.caption
    nothing = of(certified_theory(radii=(0.0,) * 5), attacked())
    assert radii_figure(image_bounds(nothing), model_styles([nothing]), name="r") is None


def test_the_gap_is_the_median_ratio() -> None:
    finding = certificate_gap(of(certified_theory(), attacked()))
    assert finding is not None
    assert "In L2: 2.67 (A, n = 4, 1 not fooled)." in finding.text  # of 2, 3, 7/3 and ∞: between 7/3 and 3


def test_tightness_is_the_bound_over_the_largest_growth_known() -> None:
    def theory(label: str, growth: float, searched: float | None) -> CellRecord:
        lower: dict[str, Any] = {} if searched is None else {"trunk_lipschitz_lower": number(searched, "lower", 16)}
        return theory_record(
            label, growth_bound=number(growth, "upper", None), measured_growth_largest=number(0.5, n=64), **lower
        )

    finding = trunk_tightness(of(theory("tight", 1.0, 0.8), theory("loose", 8.0, 2.0), theory("old", 3.0, None)))
    assert finding is not None
    assert "1.25 (tight), 4 (loose) and 6 (old)" in finding.text
    assert "certify much more: tight." in finding.text
    assert trunk_tightness(of(theory("old", 3.0, None))) is None
    table = growth_table(of(theory("tight", 1.0, 0.8)))
    assert "Bound / largest found" in [column.heading for column in table.columns]
    broken = of(theory("wrong", 1.0, 1.01))
    alarm = contradictions_in(broken)
    assert alarm is not None
    assert "the growth found by search is above its bound (1.01 > 1)" in alarm.text
    assert any(cell.mark == "alarm" for row in growth_table(broken).rows for cell in row)


def test_an_attack_that_is_for_some_models_only_is_missed_by_no_other() -> None:
    some = attacked("A", label="AutoAttack", only_on=["A"])
    records = [certified_theory("A"), certified_theory("B"), attacked("A"), attacked("B"), some]
    assert completeness(of(*records)).missing == {}
    without = attacked("A", label="AutoAttack")
    assert completeness(of(*records[:-1], without)).missing == {"B": ("AutoAttack, L2 ε = 0.6",)}
