"""The sweep over step sizes on the page: figure, table, finding, and pages with and without it."""

import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from synthetic_records import field_growth, number, run_records, step_size_record, theory_record

from natrob_empirical.records import CellRecord, RecordStore, StepSizeResult
from natrob_empirical.reporting import Section, group_records, write_report
from natrob_empirical.reporting.figure_step_sizes import growth_limits, size_text, step_sizes_figure
from natrob_empirical.reporting.findings.step_size_growth import (
    describe_step_sizes,
    finest,
    nearest_one,
    step_size_growth,
)
from natrob_empirical.reporting.tables import step_sizes_table


def of(*records: CellRecord) -> Section:
    return group_records(records)[0]


def result_of(record: CellRecord) -> StepSizeResult:
    assert isinstance(record.result, StepSizeResult)
    return record.result


FIELDS = (field_growth("skew"), field_growth("damped", one_sided=-1.0), field_growth("generic", one_sided=1.0),
          field_growth("gradient flow"))  # fmt: skip


def test_the_figure_is_an_svg_and_a_png_and_the_same_twice() -> None:
    result = result_of(step_size_record(*FIELDS))
    figure = step_sizes_figure(result)
    assert figure is not None
    assert ET.fromstring(figure.svg).tag.endswith("svg")
    assert figure.png.startswith(b"\x89PNG")
    assert figure == step_sizes_figure(result)
    assert "K at most 2" in figure.caption
    assert "n = 8 states" in figure.caption
    assert step_sizes_figure(result.model_copy(update={"fields": []})) is None


@pytest.mark.parametrize("value", [math.inf, 0.0, 1e300, 1e-300])
def test_strange_numbers_are_drawn(value: float) -> None:
    field = field_growth()
    points = [
        point.model_copy(update={"from_lipschitz": number(value, "upper", None), "measured": number(value, "lower", 8)})
        for point in field.points
    ]
    strange = field.model_copy(update={"points": points})
    assert step_sizes_figure(result_of(step_size_record(strange))) is not None
    low, high = growth_limits([strange])
    assert 0 < low < high < math.inf


def test_step_sizes_of_the_axis() -> None:
    assert [size_text(h) for h in (4.0, 1.0, 0.5, 1 / 3, 0.03125, 0.3)] == ["4", "1", "1/2", "1/3", "1/32", "0.3"]


def test_the_table_shows_a_coarse_a_middle_and_the_finest_step() -> None:
    table = step_sizes_table(result_of(step_size_record(*FIELDS)))
    assert len(table.rows) == 12
    assert [row[3].text for row in table.rows[:3]] == ["1, n = 2", "0.5, n = 4", "0.25, n = 8"]
    skew = [cell.text for cell in table.rows[0]]
    assert skew == ["skew", "[2, 2]", "[−0.1, 0]", "1, n = 2", "4.5", "9", "5", "–", "1"]
    assert all(cell.mark in ("", "missing") for row in table.rows for cell in row)
    assert table.columns[4].note == "lower, n = 8"


def test_growth_above_a_bound_is_an_alarm() -> None:
    broken = of(step_size_record(field_growth(found=1.01)))
    finding = step_size_growth(broken)
    assert finding is not None
    assert finding.level == "alarm"
    assert finding.text.startswith("BUG")
    assert broken.step_sizes is not None
    assert any(cell.mark == "alarm" for row in step_sizes_table(broken.step_sizes).rows for cell in row)
    kept = step_size_growth(of(step_size_record(field_growth(found=1.0))))
    assert kept is not None
    assert kept.level == "result"


def test_what_the_sentences_say() -> None:
    text = describe_step_sizes(result_of(step_size_record(*FIELDS)))
    assert "“skew”: at h = 1 some pair grows by 4.5 (bound 5), at h = 0.25 none by more than 2.45" in text
    assert "“generic”" not in text  # its exact flow expands too
    assert "from 9 to 25.7" in text
    assert "Euler's method can expand at h = 1 where every two exact solutions approach" in text
    assert "approach" not in describe_step_sizes(result_of(step_size_record(field_growth())))
    assert step_size_growth(of(theory_record())) is None
    field = field_growth()
    assert (nearest_one(field).step_size, finest(field).step_size) == (1.0, 0.25)


def test_the_section_is_on_both_pages_and_counts_as_no_model(tmp_path: Path) -> None:
    records = [*run_records(), step_size_record(*FIELDS)]
    section = of(*records)
    assert len(section.models) == 6
    assert len(section.records) == len(records) - 1
    files = write_report(records, tmp_path, title="A title")
    html, markdown = files.html.read_text(encoding="utf-8"), files.markdown.read_text(encoding="utf-8")
    ET.fromstring(html.removeprefix("<!DOCTYPE html>").strip())
    headings = re.findall(r"^### (.+)$", markdown, flags=re.MULTILINE)
    assert headings.index("Step size against growth") == headings.index("Claims of the paper") - 1
    for text in (html, markdown):
        assert "Step size against growth" in text
        assert "Figure 4" in text
        assert "The sweep over step sizes" in text
        assert "more would give every model" not in text  # the sweep is no missing cell of any model
    assert "figures/step-sizes.png" in markdown
    assert [path.name for path in files.figures[-2:]] == ["step-sizes.svg", "step-sizes.png"]


def test_a_run_interrupted_after_the_sweep_makes_a_page(tmp_path: Path) -> None:
    files = write_report([step_size_record()], tmp_path, title="A title")
    assert "Step size against growth" in files.markdown.read_text(encoding="utf-8")
    assert len(files.figures) == 2


def test_without_a_sweep_the_page_says_nothing_of_it(tmp_path: Path) -> None:
    files = write_report([theory_record()], tmp_path, title="A title")
    assert "Step size against growth" not in files.html.read_text(encoding="utf-8")


def test_the_newest_sweep_is_shown() -> None:
    old = step_size_record(environment={"created": "2025-01-01"}, settings={"step_sizes": 1})
    section = of(old, step_size_record(field_growth("new")), theory_record())
    assert section.step_sizes is not None
    assert [field.label for field in section.step_sizes.fields] == ["new"]
    assert section.superseded == (old,)


def test_a_sweep_is_written_and_read_back(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    record = step_size_record(*FIELDS)
    store.write(record)
    assert store.read_all() == [record]
    assert store.read(record.cell, record.settings) == record


def test_the_published_records_of_before_can_still_be_read() -> None:
    folder = Path(__file__).parents[3] / "reports" / "quick" / "records"
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.json"))]
    assert texts
    for text in texts:
        CellRecord.model_validate_json(text)
