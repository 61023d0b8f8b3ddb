import math

import pytest
from synthetic_runs import attack, certificate, run, theory

from natrob_empirical.evidence.image_bounds import ImageBounds, best_radii, image_bounds
from natrob_empirical.records import CellRecord

RADII, DISTANCES = (0.0, 0.1, 0.2, 0.3, 0.5), (0.0, 0.2, 0.6, 0.7, math.inf)
CERTIFIED = theory(radii=RADII)


def fab(label: str = "FAB", epsilon: float = 0.6, distances: tuple[float, ...] = DISTANCES, **changes) -> CellRecord:
    return attack("A", label, epsilon, norm="L2", distances=distances, **changes)


def bounds(*records: CellRecord) -> ImageBounds:
    (found,) = image_bounds(run(*records))
    return found


def test_both_shares_are_step_functions_and_exact_at_every_radius() -> None:
    found = bounds(CERTIFIED, fab())
    assert (len(found), found.certified_radii, found.found_distances) == (5, RADII, DISTANCES)
    assert [found.certified(e) for e in (0.0, 0.1, 0.1001, 0.3, 0.5, 0.6)] == [0.8, 0.8, 0.6, 0.4, 0.2, 0.0]
    assert [found.attacked(e) for e in (0.0, 0.1999, 0.2, 0.6, 0.7, 9.0)] == [0.8, 0.8, 0.6, 0.4, 0.2, 0.2]


def test_the_worst_attack_and_the_best_certificate_of_every_image_count() -> None:
    both = [certificate((0.1, 0.1, 0.1)), certificate((0.3, 0.05), method="local"), certificate((0.2,) * 3, "Linf")]
    own = theory(certificates=both)
    found = bounds(own, fab("one", 0.5, (0.4, math.inf, 0.9, 0.9)), fab("two", 1.0, (0.6, 0.8)))
    assert (found.norm, found.methods, found.epsilons) == ("L2", ("global", "local"), (0.5, 1.0))
    assert found.certified_radii == (0.3, 0.1)  # only the images that all attacks saw
    assert found.found_distances == (0.4, 0.8)
    assert (found.under("one", 0.5), found.under("one", 1.0)) == (0.5, None)
    (model,) = run(own).models
    assert model.theory is not None
    assert best_radii(model.theory, "L2") == (0.3, 0.1, 0.1)


def test_only_the_images_that_every_attack_saw_are_bounded() -> None:
    found = bounds(CERTIFIED, fab("one", distances=(0.0, 0.15)), fab("two"))
    assert found.found_distances == (0.0, 0.15)


def test_letters_stand_in_for_distances() -> None:
    old = attack("A", "PGD-40", 0.4, "wfkkk", norm="L2")
    assert bounds(CERTIFIED, old).found_distances == (0.0, 0.4, math.inf, math.inf, math.inf)


def test_there_are_no_bounds_without_both_sides() -> None:
    assert image_bounds(run(CERTIFIED)) == ()
    assert image_bounds(run(theory(), fab())) == ()
    assert image_bounds(run(CERTIFIED, attack())) == ()  # L∞ against L2


def test_a_refused_certificate_leaves_the_upper_side() -> None:
    refused = theory(certificates=[certificate((), images=5, refusal="no bound")])
    found = bounds(refused, fab())
    assert (found.methods, found.refusal) == ((), "no bound")
    assert (found.certified(0.0), found.attacked(0.2)) == (0.0, 0.6)


@pytest.mark.parametrize(
    ("position", "radius", "broken"), [(1, 0.2, (1,)), (1, 0.199, ()), (0, 1e-9, (0,)), (4, 9.0, ())]
)
def test_a_radius_that_reaches_a_distance_found_is_a_contradiction(
    position: int, radius: float, broken: tuple[int, ...]
) -> None:
    radii = [*RADII[:position], radius, *RADII[position + 1 :]]
    assert bounds(theory(radii=radii), fab()).contradictions == broken


def test_images_neither_certified_nor_attacked_are_counted() -> None:
    found = bounds(theory(radii=RADII), fab())
    for epsilon in (0.0, *RADII, *(distance for distance in DISTANCES if distance < 9.0)):
        pairs = zip(RADII, DISTANCES, strict=True)
        open_images = [1 for low, high in pairs if not (low > 0 and low >= epsilon) and high > epsilon]
        assert found.undecided(epsilon) == len(open_images)
    decided = round(len(found) * (found.certified(0.2) + 1.0 - found.attacked(0.2)))
    assert found.undecided(0.2) == len(found) - decided
