"""Figures of accuracy show what no classifier exceeds on their own images, and labels that a phone has room for."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import synthetic_runs as made

from natrob_empirical.display import Figure
from natrob_empirical.evidence.image_bounds import ImageBounds
from natrob_empirical.evidence.run import Run
from natrob_empirical.records import CellRecord
from natrob_empirical.reporting.parts.attacked_accuracy import attacked_accuracy
from natrob_empirical.reporting.parts.chart import ROOM
from natrob_empirical.reporting.parts.comparisons import growth_against_accuracy
from natrob_empirical.reporting.parts.sandwich import sandwich_figure
from natrob_empirical.reporting.parts.step_sizes import accuracy_over_steps

LABEL_OF_A_PHONE = 0.34
"""The part of a phone's axis that "all together" and the gap before it take: 84 and 8 of about 270 pixels."""


def layers_of(figure: Figure, mark: str) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """The layers of this mark, each with its rows."""
    specification = figure.specification
    found = [layer for layer in specification["layer"] if layer["mark"]["type"] == mark]
    return [(layer, specification["datasets"][layer["data"]["name"]]) for layer in found]


def attacked(*records: CellRecord, ceilings: Sequence[tuple[float, int, int]] = ()) -> Figure:
    points = tuple(made.ceiling(epsilon, most, images=images) for epsilon, most, images in ceilings)
    run = replace(made.run(*records), ceilings=points)
    part = attacked_accuracy("Linf", run, run.models[0])
    assert part is not None
    assert part.figure is not None
    return part.figure


def label_of(figure: Figure, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The mark of a label, and its place."""
    return next((layer["mark"], rows[0]) for layer, rows in layers_of(figure, "text") if layer["mark"]["text"] == text)


def dashed(figure: Figure, mark: str = "line") -> list[dict[str, Any]]:
    """The rows of the dashed lines."""
    return [row for layer, rows in layers_of(figure, mark) if layer["mark"].get("strokeDash") for row in rows]


def test_where_a_stronger_attack_saw_fewer_images_the_line_is_their_ceiling() -> None:
    records = [made.attack(epsilon=epsilon, left=0.5) for epsilon in (0.1, 0.2, 0.3)]
    records.append(made.attack("A", "AutoAttack", 0.2, 0.4, n=50))
    ceilings = [(0.1, 200, 200), (0.2, 150, 200), (0.3, 120, 200), (0.1, 50, 50), (0.2, 45, 50), (0.3, 30, 50)]
    figure = attacked(*records, ceilings=ceilings)
    rows = {row["epsilon"]: (row["share"], row["n"]) for row in dashed(figure)}
    assert rows[0.1] == (1.0, 200)
    assert rows[0.2] == (0.9, 50)
    assert rows[0.3] == (0.6, 200)
    assert figure.caption.endswith("Dashed: no classifier is above it.")
    bare = attacked(*records)
    assert dashed(bare) == []
    assert "Dashed" not in bare.caption


@pytest.mark.parametrize("largest", [0.2, 0.5, 0.8])
def test_the_name_of_all_attacks_together_is_not_cut_on_a_phone(largest: float) -> None:
    shares = {0.02: 0.9, 0.1: 0.55, 0.2: 0.3, largest: 0.1}
    figure = attacked(*(made.attack(epsilon=epsilon, left=left) for epsilon, left in shares.items()))
    mark, place = label_of(figure, "all together")
    used = place["epsilon"] / (1.04 * largest)
    assert used > LABEL_OF_A_PHONE if mark["align"] == "right" else 1 - used > LABEL_OF_A_PHONE
    assert ROOM >= LABEL_OF_A_PHONE


def test_where_every_point_is_far_left_the_name_stands_right_of_the_line() -> None:
    records = [made.attack(epsilon=0.05, left=0.5), made.attack(epsilon=1.0, left=0.0)]
    mark, place = label_of(attacked(*records), "all together")
    assert (mark["align"], place["epsilon"]) == ("left", 0.05)


@pytest.mark.parametrize(("distance", "align"), [(0.2, "right"), (0.08, "left")])
def test_the_name_of_the_upper_line_of_a_sandwich_is_not_cut_on_a_phone(distance: float, align: str) -> None:
    run = made.run(made.attack(epsilon=0.2))
    bounds = ImageBounds(
        model="A", norm="Linf", certified_radii=(0.01,) * 5, found_distances=(distance,) * 4 + (0.2,),
        methods=("global",), refusal="", attacks=(),
    )  # fmt: skip
    mark, place = label_of(sandwich_figure(run, bounds, name="a"), "attacked at most")
    assert (mark["align"], place["epsilon"]) == (align, distance)


def step_sizes_run() -> Run:
    """Four residual networks that differ in h, attacked at one radius."""
    records: list[CellRecord] = []
    for h, left in ((1.0, 0.5), (0.1, 0.4), (0.01, 0.3), (0.001, 0.2)):
        own = {"network": "resnet", "settings": {"model": {"label": f"h = {h}", "network": "resnet", "blocks": 3}}}
        records.append(made.theory(f"h = {h}", step_size=h, **own))
        records.append(made.attack(f"h = {h}", epsilon=0.5, left=left, **own))
    return made.run(*records)


def test_over_step_sizes_the_ceiling_is_a_level_line_where_it_is_below_one() -> None:
    run = step_sizes_run()
    for points, lines in (((), []), ((made.ceiling(0.5, 200),), []), ((made.ceiling(0.5, 120),), [(0.6, 200)])):
        part = accuracy_over_steps(replace(run, ceilings=points))
        assert part is not None
        assert part.figure is not None
        assert [(row["share"], row["n"]) for row in dashed(part.figure, "rule")] == lines
        assert ("Dashed" in part.figure.caption) is bool(lines)


def test_beside_growth_bounds_too() -> None:
    records: list[CellRecord] = []
    for position in range(8):
        records.append(made.theory(f"M{position}", lipschitz=1.0 + position))
        records.append(made.attack(f"M{position}", epsilon=0.3, left=0.1 * position))
    run = replace(made.run(*records), ceilings=(made.ceiling(0.3, 150),))
    part = growth_against_accuracy(run)
    assert part is not None
    assert part.figure is not None
    assert [row["share"] for row in dashed(part.figure, "rule")] == [0.75]
