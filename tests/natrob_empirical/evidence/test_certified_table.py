"""The certified table: which networks stand in it, in which order, between which bounds."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from synthetic_runs import attack, evidence, theory

from natrob_empirical.evidence.ceilings import ceiling_curve
from natrob_empirical.evidence.certified_table import Panel, certified_panels
from natrob_empirical.evidence.folders import read_folders
from natrob_empirical.evidence.run import Run
from natrob_empirical.records import CellRecord

MADE_FOR_IT = "certified-digits-cpu"
REPORTS = Path(__file__).parents[3] / "reports"


@pytest.fixture(scope="module")
def committed() -> Sequence[Run]:
    """A run made for certificates on each data set, and one beside them."""
    return read_folders([REPORTS / name for name in ("quick", "certified-cpu", "certified-digits-cpu")]).runs


def panels_of(*records: CellRecord) -> tuple[Panel, ...]:
    return certified_panels(evidence(*records).runs)


def network(label: str, radii: Sequence[float], distances: Sequence[float], preset: str = "quick") -> list[CellRecord]:
    """A network with certified radii, and an attack at 0.3 that found these distances."""
    return [
        theory(label, radii=radii, preset=preset),
        attack(label, "PGD-40", 0.3, distances=distances, norm="L2", preset=preset),
    ]


def test_a_network_stands_between_what_is_proved_and_what_attacks_leave() -> None:
    (panel,) = panels_of(*network("A", [0.5, 0.4, 0.1, 0.0], [9.0, 9.0, 9.0, 0.2]))
    assert (panel.dataset, panel.norm, panel.epsilons) == ("digits", "L2", (0.3,))
    standing = panel.rows[0].at(0.3)
    assert standing is not None
    assert (standing.certified, standing.attacked, standing.undecided) == (0.5, 0.75, 1)
    assert panel.rows[0].at(0.4) is None


def test_networks_without_certificates_come_from_the_runs_made_for_them() -> None:
    proved, open_one, other = ([0.5, 0.5], [9.0, 9.0]), ([0.0, 0.0], [9.0, 9.0]), ([0.1, 0.1], [0.2, 9.0])
    made = [*network("proved", *proved, preset=MADE_FOR_IT), *network("open", *open_one, preset=MADE_FOR_IT)]
    quick = [*network("elsewhere", *open_one), *network("proved elsewhere", *proved), *network("too near", *other)]
    (panel,) = panels_of(*made, *quick)
    assert {row.label for row in panel.rows} == {"proved", "open", "proved elsewhere"}
    (alone,) = panels_of(*quick)
    assert [row.label for row in alone.rows] == ["proved elsewhere", "elsewhere", "too near"]
    assert panels_of(*network("elsewhere", *open_one)) == ()


def test_two_networks_of_one_name_are_told_apart_by_their_runs() -> None:
    (panel,) = panels_of(*network("A", [0.5], [9.0]), *network("A", [0.5], [9.0], preset=MADE_FOR_IT))
    assert {row.label for row in panel.rows} == {"A (quick)", f"A ({MADE_FOR_IT})"}


def test_every_committed_row_keeps_its_bounds_in_order_and_below_the_ceiling(committed: Sequence[Run]) -> None:
    panels = certified_panels(committed)
    places = [(panel.dataset, panel.norm) for panel in panels]
    assert places[:2] == [("mnist", "L2"), ("mnist", "Linf")]
    assert set(places) >= {("digits", "L2"), ("digits", "Linf")}
    lowered = 0
    for row in (row for panel in panels for row in panel.rows):
        for each in row.standings:
            assert 0 <= each.certified <= each.attacked <= 1
            assert abs(row.images * (each.attacked - each.certified) - each.undecided) < 1e-6
            assert each.ceiling is None or each.certified <= each.ceiling
            lowered += each.ceiling is not None and each.ceiling < 1
    assert lowered > 5


def test_the_ceiling_is_that_of_as_many_images(committed: Sequence[Run]) -> None:
    panel = next(panel for panel in certified_panels(committed) if (panel.dataset, panel.norm) == ("digits", "L2"))
    for row in panel.rows:
        curve = ceiling_curve(row.run, "L2", row.images)
        assert curve is not None
        assert [each.ceiling for each in row.standings] == [curve.share(each.epsilon) for each in row.standings]
