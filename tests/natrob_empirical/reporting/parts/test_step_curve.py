"""A bound that is drawn is the share of images image by image, rounded outward, and falls in steps."""

import math
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from natrob_empirical.evidence.image_bounds import image_bounds
from natrob_empirical.evidence.run import Run
from natrob_empirical.records import CeilingPoint, share_certified
from natrob_empirical.reporting.parts.sandwich import right_end, sandwich_figure
from natrob_empirical.reporting.parts.step_curve import StepCurve, merged

RADII = st.lists(st.floats(0, 3) | st.just(0.0), min_size=1, max_size=30)


def test_a_curve_is_the_share_of_images_with_a_larger_threshold() -> None:
    curve = StepCurve.over([0.0, 0.1, 0.1, 0.25, math.inf], "upper")
    assert [curve.right_of(epsilon) for epsilon in (0.0, 0.0999, 0.1, 0.2499, 0.25, 9.0)] == [
        0.8,
        0.8,
        0.4,
        0.4,
        0.2,
        0.2,
    ]
    assert curve.steps(1.0) == [0.0, 0.1, 0.25, 1.0]


@given(RADII, st.floats(0.0001, 3))
def test_a_certified_curve_never_lies_above_the_share_certified_and_an_attacked_one_never_below(
    radii: list[float], epsilon: float
) -> None:
    assert StepCurve.over(radii, "lower").right_of(epsilon) <= share_certified(radii, epsilon) + 1e-12
    left = sum(distance > epsilon for distance in radii) / len(radii)
    assert StepCurve.over(radii, "upper").right_of(epsilon) >= left - 1e-12


@given(RADII, st.floats(0.01, 4))
def test_on_the_grid_of_a_figure_steps_move_outward_and_by_less_than_one_part_in_two_hundred(
    radii: list[float], end: float
) -> None:
    for curve, side in ((StepCurve.over(radii, "lower"), -1), (StepCurve.over(radii, "upper"), 1)):
        drawn = curve.on_grid(end)
        outward = [side * (b - a) for a, b in zip(curve.thresholds, drawn.thresholds, strict=True)]
        assert 0 <= min(outward) <= max(outward) <= end / 200


def test_rows_that_repeat_the_one_before_are_left_out() -> None:
    low, high = StepCurve.over([0.2, 0.2001, 0.9], "lower"), StepCurve.over([0.5, 0.5, 0.95], "upper")
    rows = merged(low, high, 1.0)
    assert [row["certified"] for row in rows] == [1.0, 0.333333, 0.333333, 0.0, 0.0, 0.0]
    assert rows[-1]["epsilon"] == 1.0


@given(RADII)
def test_what_rounding_costs_is_less_than_one_part_in_a_hundred_of_the_threshold(radii: list[float]) -> None:
    for before, after in zip(sorted(radii), StepCurve.over(radii, "lower").thresholds, strict=True):
        assert 0.99 * before <= after <= before


def test_in_every_committed_sandwich_the_certified_steps_never_lie_above_the_attacked_ones(
    committed: Sequence[Run],
) -> None:
    seen = 0
    for bounds in (each for run in committed for each in image_bounds(run)):
        low, high = (StepCurve.over(bounds.certified_radii, "lower"), StepCurve.over(bounds.found_distances, "upper"))
        for row in merged(low, high, right_end(bounds)):
            assert float(str(row["certified"])) <= float(str(row["attacked"])) + 1e-12
            seen += 1
    assert seen > 1000


def test_every_line_and_area_of_a_sandwich_is_drawn_in_steps(committed: Sequence[Run]) -> None:
    run, bounds = next((run, b) for run in committed for b in image_bounds(run) if max(b.certified_radii) > 0)
    ceiling = CeilingPoint(norm="L2", epsilon=0.01, images=len(bounds), most=len(bounds) // 2, reached=0, conflicts=1,
                           undecided=0, method="made up").model_copy(update={"norm": bounds.norm})  # fmt: skip
    for ceilings, lines in (((), 3), ((ceiling,), 4)):
        figure = sandwich_figure(replace(run, ceilings=ceilings), bounds, name="a")
        layers = figure.specification["layer"]
        marks = [layer["mark"] for layer in layers if layer["mark"]["type"] in {"line", "area"}]
        assert len(marks) == lines
        assert {mark["interpolate"] for mark in marks} == {"step-after"}
        assert ("no classifier is above" in figure.caption) is (lines == 4)
