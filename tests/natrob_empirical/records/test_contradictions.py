"""A certificate and an attack on the same image."""

import math
from typing import Any

import pytest
from pydantic import ValidationError
from test_record_schema import OLD_ATTACK, OLD_THEORY

from natrob_empirical.records import (
    AttackResult,
    SampleCertificates,
    SampleMargins,
    TheoryResult,
    contradictions_between,
    distances_found,
    packed,
    unpacked,
)


def theory(radii: list[float], norm: str = "L2", **changes: Any) -> TheoryResult:
    certificate = {"method": "global", "norm": norm, "images": len(radii), "radii": packed(radii), **changes}
    return TheoryResult.model_validate({**OLD_THEORY, "certificates": [certificate]})


def attacked(outcomes: str, distances: list[float] | None = None) -> AttackResult:
    text = "" if distances is None else packed(distances)
    return AttackResult.model_validate({**OLD_ATTACK, "outcomes": outcomes, "distances": text})


@pytest.mark.parametrize(
    ("radius", "distance", "broken"),
    [(0.3, 0.2, True), (0.3, 0.3, True), (0.3, 0.300001, False), (0.0, 0.0, False), (1e-12, 0.0, True)],
)
def test_a_misclassified_image_within_the_radius_is_a_contradiction(
    radius: float, distance: float, broken: bool
) -> None:
    found = contradictions_between(
        theory([1.0, radius]), attacked("kf", [math.inf, distance]), norm="L2", epsilon=0.5
    )  # fmt: skip
    assert [each.position for each in found] == ([1] if broken else [])
    if broken:
        assert (found[0].radius, found[0].distance, found[0].method) == (radius, distance, "global")
        assert f"{radius:.9g}" in found[0].text
        assert "image 1" in found[0].text


@pytest.mark.parametrize(
    ("certified", "attack", "compared"),
    [("L2", "L2", True), ("Linf", "Linf", True), ("Linf", "L2", True), ("L2", "Linf", False)],
)
def test_only_a_ball_that_holds_the_attacked_one_is_held_against_it(
    certified: str, attack: str, compared: bool
) -> None:
    found = contradictions_between(theory([0.3], certified), attacked("f", [0.2]), norm=attack, epsilon=0.2)
    assert len(found) == compared


def test_without_distances_a_fooled_image_is_at_most_epsilon_away() -> None:
    assert distances_found(attacked("wfk"), 0.25) == [0.0, 0.25, math.inf]
    found = contradictions_between(theory([0.1, 0.3, 0.3]), attacked("wfk"), norm="L2", epsilon=0.25)
    assert [each.position for each in found] == [0, 1]


def test_only_images_that_both_sides_have_are_compared() -> None:
    assert contradictions_between(theory([0.1]), attacked("kf"), norm="L2", epsilon=0.05) == []
    assert contradictions_between(theory([0.3, 0.3]), attacked("k"), norm="L2", epsilon=0.05) == []
    refused = TheoryResult.model_validate(
        {**OLD_THEORY, "certificates": [{"method": "local", "norm": "L2", "images": 2, "refusal": "no bound"}]}
    )
    assert contradictions_between(refused, attacked("ff"), norm="L2", epsilon=0.05) == []
    assert contradictions_between(theory([0.3]), AttackResult.model_validate(OLD_ATTACK), norm="L2", epsilon=1.0) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"radii": "0.1"},
        {"radii": "0.1 -0.2"},
        {"radii": "0.1 nan"},
        {"radii": "0.1 0.2", "constants": "1.0"},
        {"radii": "0.1 0.2", "refusal": "none"},
        {"radii": "0.1 0.2", "method": "guessed"},
        {"radii": "", "refusal": ""},
    ],
)
def test_certificates_refuse_what_is_no_radius_an_image(changes: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        SampleCertificates.model_validate({"method": "global", "norm": "L2", "images": 2, **changes})


def test_distances_are_one_an_outcome() -> None:
    with pytest.raises(ValidationError, match="distances"):
        attacked("wfk", [0.0, 0.1])
    with pytest.raises(ValidationError, match="distances"):
        attacked("wfk", [0.0, -0.1, math.inf])
    assert attacked("wfk", [0.0, 0.1, math.inf]).distance_values == [0.0, 0.1, math.inf]


def test_margins_are_one_an_image_in_both() -> None:
    margins = SampleMargins(logits="1.5 -0.5", normalised="0.5 -inf")
    assert (len(margins), margins.logit_values, margins.normalised_values) == (2, [1.5, -0.5], [0.5, -math.inf])
    with pytest.raises(ValidationError):
        SampleMargins(logits="1.5 -0.5", normalised="0.5")


def test_packed_numbers_come_back_exactly() -> None:
    values = [0.1, 1 / 3, math.inf, -math.inf, 5e-324, 0.0]
    assert unpacked(packed(values)) == values
