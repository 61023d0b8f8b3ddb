from dataclasses import replace

import pytest
from synthetic_runs import attack, run, theory
from synthetic_runs import ceiling as point

from natrob_empirical.evidence.ceilings import above_ceiling, ceiling_along, ceiling_curve, ceiling_of
from natrob_empirical.evidence.certificate_checks import certificate_checks
from natrob_empirical.evidence.flags import reliability_flags
from natrob_empirical.evidence.run import AttackBudget, Run
from natrob_empirical.records import CeilingPoint, CellRecord


def with_ceilings(*records: CellRecord, points: tuple[CeilingPoint, ...]) -> Run:
    return replace(run(*(records or (theory(),))), ceilings=points)


def test_a_ceiling_holds_from_its_radius_on() -> None:
    curve = ceiling_curve(with_ceilings(points=(point(0.3, 150), point(0.1, 190))), "Linf", 200)
    assert curve is not None
    assert [curve.share(epsilon) for epsilon in (0.0, 0.1, 0.29, 0.3, 0.9)] == [1.0, 0.95, 0.95, 0.75, 0.75]


def test_a_curve_on_fewer_images_from_a_radius_on_has_their_ceiling_there_and_at_all_radii_beyond() -> None:
    few = (point(0.1, 20, images=20), point(0.3, 10, images=20))
    found = with_ceilings(points=(point(0.1, 190), point(0.2, 180), point(0.3, 150), *few))
    steps = ceiling_along(found, "Linf", {0.2: 20, 0.1: 200}, 0.4)
    assert [(step.epsilon, step.share, step.images) for step in steps] == [
        (0.0, 1.0, 200),
        (0.1, 0.95, 200),
        (0.2, 1.0, 20),
        (0.3, 0.5, 20),
        (0.4, 0.5, 20),
    ]


def test_a_curve_of_images_without_a_ceiling_has_none_drawn() -> None:
    found = with_ceilings(points=(point(0.1, 190),))
    assert ceiling_along(found, "Linf", {0.1: 199}, 0.4) == []
    assert ceiling_along(found, "L2", {0.1: 200}, 0.4) == []
    partly = ceiling_along(found, "Linf", {0.05: 200, 0.2: 199}, 0.4)
    assert [(step.epsilon, step.share, step.images) for step in partly][-3:] == [
        (0.1, 0.95, 200),
        (0.2, 1.0, 199),
        (0.4, 1.0, 199),
    ]


def test_ceilings_of_other_images_or_norms_say_nothing() -> None:
    found = with_ceilings(points=(point(0.1, 90, images=100), point(0.1, 90, norm="L2")))
    assert ceiling_curve(found, "Linf", 200) is None


@pytest.mark.parametrize(("left", "flagged"), [(0.8, True), (0.755, True), (0.75, False), (0.5, False)])
def test_an_accuracy_above_the_ceiling_is_flagged_as_a_weak_attack(left: float, flagged: bool) -> None:
    found = with_ceilings(attack(epsilon=0.3, left=left), points=(point(0.3, 150),))
    flags = [flag for flag in reliability_flags(found, found.models[0]) if flag.name == "above the ceiling"]
    assert bool(flags) is flagged
    if flagged:
        assert "no classifier keeps more than 0.750 of these images" in flags[0].reason


def test_noise_claims_nothing_and_is_not_flagged() -> None:
    found = with_ceilings(attack("A", "Random Noise", 0.3, 0.9), points=(point(0.3, 150),))
    assert reliability_flags(found, found.models[0]) == ()


def test_from_one_half_on_the_largest_class_is_the_limit_also_without_a_record() -> None:
    found = run(attack(epsilon=0.5, left=0.3, majority_share=0.11))
    result = found.models[0].attacks[AttackBudget(attack="PGD-40", norm="Linf", epsilon=0.5)]
    assert ceiling_of(found, result, "Linf", 0.5) == 0.11
    assert ceiling_of(found, result, "Linf", 0.49) is None
    assert ceiling_of(found, result, "L2", 0.5) is None
    assert above_ceiling(found, result, "Linf", 0.5) == 0.11
    recorded = replace(found, ceilings=(point(0.5, 20),))
    assert ceiling_of(recorded, result, "Linf", 0.5) == 0.1


def test_a_certificate_above_the_ceiling_is_a_bug() -> None:
    certified = theory(certified=[("Linf", 0.3, 0.8)])
    assert certificate_checks(run(certified)).broken == ()
    (broken,) = certificate_checks(with_ceilings(certified, points=(point(0.3, 150),))).broken
    assert "the ceiling of the data" in broken
