"""The page of the certified table: every number of it, what is said of it, and smoothing that is no certificate."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from synthetic_runs import ENVIRONMENT, attack, evidence, theory

from natrob_empirical.claims import judge_all
from natrob_empirical.display import plain
from natrob_empirical.display.text import measured_values
from natrob_empirical.evidence.certified_table import certified_panels
from natrob_empirical.evidence.run import Run
from natrob_empirical.records import CeilingPoint
from natrob_empirical.records.schema import HashedNetwork, HashedTensor, SmoothedShare, SmoothingFile
from natrob_empirical.reporting.certified_page import TravellingFiles, certified_pages, says
from natrob_empirical.reporting.page import Page
from natrob_empirical.reporting.parts.certified_panels import leading, panel_figure
from natrob_empirical.reporting.site import build_site
from natrob_empirical.reporting.writer import files_of

PRESET = "certified-digits-cpu"


def network(label: str, radii: Sequence[float], distances: Sequence[float]) -> list[Any]:
    """Certified radii of four images, and what an attack at 0.1 and at 0.3 finds."""
    attacks = [attack(label, "PGD-40", e, distances=distances, norm="L2", preset=PRESET) for e in (0.1, 0.3)]
    return [theory(label, radii=radii, preset=PRESET), *attacks]


RECORDS = [
    *network("proved", [0.5, 0.4, 0.3, 0.05], [9.0, 9.0, 9.0, 0.2]),
    *network("open", [0.0] * 4, [9.0, 9.0, 9.0, 0.05]),
    *network("fallen", [0.0] * 4, [0.05, 0.2, 0.2, 0.2]),
]


@pytest.fixture
def runs() -> Sequence[Run]:
    return evidence(*RECORDS).runs


def smoothed(**changes: Any) -> SmoothingFile:
    """Three images: one right within 0.5, one wrong, one abstained from."""
    fields: dict[str, Any] = {
        "kind": "lower bound with probability 1 − α", "statement": "made up", "norm": "L2", "sigma": 0.25,
        "failure_probability": 0.001, "joint_failure_probability": 0.003, "samples_select": 10, "seed": 0,
        "samples_estimate": 1000, "subject": {"data": {"title": "digits"}}, "environment": ENVIRONMENT,
        "network": HashedNetwork(sha256="0" * 64, network="Sequential"), "abstentions": 1, "clean_accuracy": 1 / 3,
        "images": HashedTensor(sha256="0" * 64, shape=[3, 1, 8, 8], dtype="float32"),
        "label_hash": HashedTensor(sha256="0" * 64, shape=[3], dtype="int64"), "true_labels": [1, 2, 3],
        "labels": [1, 0, -1], "radii": [0.5, 0.6, 0.0], "accuracies": [SmoothedShare(epsilon=0.3, accuracy=1 / 3)],
    }  # fmt: skip
    return SmoothingFile.model_validate(fields | changes)


def page_of(runs: Sequence[Run], files: TravellingFiles | None = None) -> Page:
    (page,) = certified_pages(runs, files or TravellingFiles())
    return page


def test_there_is_no_page_where_nothing_is_certified() -> None:
    assert certified_pages(evidence(*network("open", [0.0] * 4, [9.0] * 4)).runs, TravellingFiles()) == []


def test_a_cell_holds_both_bounds_and_the_undecided_images(runs: Sequence[Run]) -> None:
    table = next(part for part in page_of(runs).parts if part.name == "table").tables[0]
    assert [column.heading for column in table.columns] == ["Network", "Images", "ε = 0.1", "ε = 0.3"]
    rows = {row[0].text: [cell.text for cell in row[2:]] for row in table.rows}
    assert rows == {
        "proved": ["75–100 (1)", "75–75 (0)"],
        "open": ["0–75 (3)", "0–75 (3)"],
        "fallen": ["0–75 (3)", "0–0 (0)"],
    }
    assert list(rows) == ["proved", "open", "fallen"]


def test_every_number_stands_in_the_long_table_too(runs: Sequence[Run]) -> None:
    table = next(part for part in page_of(runs).parts if part.name == "numbers").tables[0]
    assert len(table.rows) == 6
    assert [cell.value for cell in table.rows[1][3:8]] == [0.3, 4, 0.75, 0.75, 0]


def test_the_ceiling_has_a_row_a_number_of_images_and_a_line() -> None:
    points = [CeilingPoint(norm="L2", epsilon=e, images=4, most=most, reached=0, conflicts=1, undecided=0, method="x")
              for e, most in ((0.1, 4), (0.3, 3))]  # fmt: skip
    (run,) = evidence(*RECORDS).runs
    known = [replace(run, ceilings=tuple(points))]
    table = next(part for part in page_of(known).parts if part.name == "table").tables[0]
    assert [cell.text for cell in table.rows[-1]] == ["No classifier above", "4", "100", "75"]
    (panel,) = certified_panels(known)
    ceilings = panel_figure(panel).specification["datasets"]["data-3"]
    assert [row["x"] for row in ceilings] == [1.0, 0.75] * 3


def test_the_page_says_who_is_certified_who_falls_and_who_is_only_undecided(runs: Sequence[Run]) -> None:
    (panel,) = certified_panels(runs)
    row, standing = leading(panel)
    assert (row.label, standing.epsilon) == ("proved", 0.3)
    sentences = says(panel)
    assert [plain(each).partition(":")[0] for each in sentences] == ["Certified", "Fallen", "Undecided"]
    assert [measured_values(each) for each in sentences] == [["75 %"], ["0 %"], ["75 %"]]
    named = [plain(each).partition(": ")[2].partition(".")[0] for each in sentences]
    assert named == ["proved", "fallen", "open"]


def test_a_bar_goes_from_nothing_over_what_is_proved_to_what_attacks_leave(runs: Sequence[Run]) -> None:
    (panel,) = certified_panels(runs)
    bars = panel_figure(panel).specification["datasets"]["data-1"]
    found = [(bar["network"], bar["epsilon"], bar["what"], bar["x"], bar["x2"]) for bar in bars]
    assert found[:3] == [
        ("proved", "0.1", "proved", 0, 0.75),
        ("proved", "0.1", "undecided", 0.75, 1.0),
        ("proved", "0.3", "proved", 0, 0.75),
    ]
    assert ("fallen", "0.3", "undecided", 0, 0.0) not in found
    tops = [bar["y"] for bar in bars]
    assert tops == sorted(tops)


def test_smoothing_is_called_a_statement_with_a_probability(runs: Sequence[Run]) -> None:
    page = page_of(runs, TravellingFiles(smoothed=(smoothed(),)))
    part = next(part for part in page.parts if part.name == "smoothing")
    text = plain(" ".join(part.sentences))
    assert "no certificate" in text
    assert "at least 1 − 0.003" in text
    (table,) = part.tables
    assert [cell.text for cell in table.rows[0]] == ["Sequential", "–", "0.25", "3", "1,000", "0.333", "0.333"]
    assert all("roved" not in column.heading for column in table.columns)


def test_shares_of_a_smoothing_file_must_follow_from_its_radii() -> None:
    assert smoothed().share(0.51) == 0.0
    with pytest.raises(ValueError, match=r"`accuracies` at 0\.3 must be"):
        smoothed(accuracies=[SmoothedShare(epsilon=0.3, accuracy=2 / 3)])
    with pytest.raises(ValueError, match="`labels` must be one an image, got 2 of 3"):
        smoothed(labels=[1, 0])


def test_the_site_leads_from_its_index_to_the_page() -> None:
    found = evidence(*RECORDS)
    content = files_of(build_site(judge_all(found), found.runs, title="natrob"))
    assert b'href="certified.html"' in content["index.html"]
    assert b"(certified.md)" in content["index.md"]
    assert b"undecided images" in content["certified.md"]
    nothing = evidence(*network("open", [0.0] * 4, [9.0] * 4))
    without = files_of(build_site(judge_all(nothing), nothing.runs, title="natrob"))
    assert "certified.html" not in without
    assert "certified.md" not in without
    assert b"certified.html" not in without["index.html"]
