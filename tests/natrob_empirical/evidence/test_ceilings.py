from dataclasses import replace

import pytest
from synthetic_runs import attack, run, theory

from natrob_empirical.evidence.ceilings import above_ceiling, ceiling_curve, ceiling_of
from natrob_empirical.evidence.certificate_checks import certificate_checks
from natrob_empirical.evidence.flags import reliability_flags
from natrob_empirical.evidence.run import AttackBudget, Run
from natrob_empirical.records import CeilingPoint, CellRecord


def point(epsilon: float, most: int, *, images: int = 200, norm: str = "Linf") -> CeilingPoint:
    fields = {"norm": norm, "epsilon": epsilon, "images": images, "most": most, "reached": most, "conflicts": 1}
    return CeilingPoint.model_validate(fields | {"undecided": 0, "method": "clique cover"})


def with_ceilings(*records: CellRecord, points: tuple[CeilingPoint, ...]) -> Run:
    return replace(run(*(records or (theory(),))), ceilings=points)


def test_a_ceiling_holds_from_its_radius_on() -> None:
    curve = ceiling_curve(with_ceilings(points=(point(0.3, 150), point(0.1, 190))), "Linf", 200)
    assert curve is not None
    assert [curve.share(epsilon) for epsilon in (0.0, 0.1, 0.29, 0.3, 0.9)] == [1.0, 0.95, 0.95, 0.75, 0.75]
    assert curve.steps(0.2) == [(0.0, 1.0), (0.1, 0.95), (0.2, 0.95)]


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
