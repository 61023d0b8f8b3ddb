import pytest
from synthetic_runs import attack, certificate, number, run, theory

from natrob_empirical.evidence.certificate_checks import certificate_checks, exceeds


def test_images_and_shares_that_agree_are_counted() -> None:
    own = theory(radii=(0.0, 0.1, 0.2, 0.3, 0.5), certified=[("L2", 0.3, 0.4)])
    found = certificate_checks(run(own, *(attack("A", "PGD-40", e, "wfkkk", norm="L2") for e in (0.2, 0.3))))
    assert (found.images, found.broken) == (8, ())
    assert found.shares == 3  # two attacks and no attack


def test_one_fooled_image_within_its_radius_is_found_and_named() -> None:
    records = [theory(radii=(0.0, 0.25, 0.3)), attack("A", "PGD-40", 0.2, "wfk", norm="L2")]
    (broken,) = certificate_checks(run(*records)).broken
    assert broken.startswith("A, PGD-40, image 1: the global certificate says L2 radius 0.25")


def test_an_l2_attack_can_contradict_an_linf_certificate_and_not_the_reverse() -> None:
    linf = theory(certificates=[certificate((0.25, 0.25), "Linf")])
    assert len(certificate_checks(run(linf, attack(epsilon=0.2, left="fk", norm="L2"))).broken) == 1
    two = theory(certificates=[certificate((0.25, 0.25), "L2")])
    assert certificate_checks(run(two, attack(epsilon=0.2, left="fk", norm="Linf"))).broken == ()


@pytest.mark.parametrize(("share", "broken"), [(0.5, 0), (0.505, 1)])
def test_a_certified_accuracy_above_an_attacked_one_is_found(share: float, broken: int) -> None:
    records = [theory(certified=[("Linf", 0.1, share)]), attack(epsilon=0.1, left=0.5)]
    assert len(certificate_checks(run(*records)).broken) == broken
    beyond = attack(epsilon=0.11, left=0.0)
    assert certificate_checks(run(records[0], beyond)).broken == ()


def test_images_that_were_not_attacked_may_all_be_certified() -> None:
    certified = number(0.6, "lower", 200)
    assert not exceeds(certified, number(0.2, "upper", 100))
    assert exceeds(certified, number(0.19, "upper", 100))
    assert exceeds(number(0.6, "lower", None), number(0.59, "upper", 100))
