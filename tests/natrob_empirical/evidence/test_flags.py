import pytest
from synthetic_runs import attack, run

from natrob_empirical.evidence.flags import ReliabilityFlag, flags_of, reliability_flags
from natrob_empirical.evidence.kept import strongest
from natrob_empirical.records import CellRecord


def flags(*records: CellRecord) -> list[ReliabilityFlag]:
    found = run(*records)
    return [flag for model in found.models if model.label == "A" for flag in reliability_flags(found, model)]


def names(*records: CellRecord) -> list[str]:
    return [flag.name for flag in flags(*records)]


@pytest.mark.parametrize(("fgsm", "found"), [(0.495, []), (0.48, []), (0.45, ["one step is stronger"])])
def test_one_image_of_200_raises_no_flag_and_a_real_gap_does(fgsm: float, found: list[str]) -> None:
    # McNemar's exact test: 1 and 4 images alone give p = 1 and 0.125, 10 give 0.002.
    assert names(attack(left=0.5), attack("A", "FGSM", left=fgsm)) == found


def test_the_reason_has_both_shares_of_the_same_images() -> None:
    (flag,) = flags(attack(left=0.5), attack("A", "FGSM", left=0.45))
    assert (flag.model, flag.attack, flag.norm, flag.epsilon) == ("A", "PGD-40", "Linf", 0.1)
    assert flag.reason == "PGD-40 leaves 0.500, others leave 0.450 of the same 200 images"


def test_many_budgets_make_a_small_p_value_common() -> None:
    # Six images more at one of ten budgets: p = 0.03 alone, nothing after Holm's adjustment.
    pgd = [attack(epsilon=0.01 * step, left=0.5) for step in range(1, 11)]
    fgsm = [attack("A", "FGSM", 0.01 * step, 0.47 if step == 1 else 0.5) for step in range(1, 11)]
    assert names(pgd[0], fgsm[0]) == ["one step is stronger"]
    assert names(*pgd, *fgsm) == []


def test_transferred_images_and_attacks_without_gradients_should_not_be_stronger() -> None:
    moved = attack("A", "PGD-40 from B", left=0.4, source="B", steps=40)
    assert names(attack(left=0.5), moved) == ["transfer is stronger"]
    for label in ("Random Noise", "Square", "Boundary Attack"):
        assert names(attack(left=0.5), attack("A", label, left=0.42)) == ["no gradient is stronger"]


def test_an_attack_far_behind_the_strongest_is_flagged_whatever_that_one_is() -> None:
    assert names(attack(left=0.5), attack("A", "AutoAttack", left=0.35)) == ["far from the strongest"]
    assert names(attack(left=0.5), attack("A", "AutoAttack", left=0.42)) == []
    assert names(attack("A", "FGSM", left=0.5), attack("A", "PGD-40", left=0.1)) == ["far from the strongest"]


def test_more_than_the_largest_class_at_one_half_is_above_the_ceiling() -> None:
    above = [attack(epsilon=0.5, left=0.115, majority_share=0.11), attack(epsilon=0.6, left=0.3, majority_share=0.11)]
    (flag,) = flags(*above)
    assert (flag.name, flag.epsilon) == ("above the ceiling", 0.5)
    assert flag.reason == "PGD-40 leaves 0.115, no classifier keeps more than 0.110 of these images"
    assert names(attack(epsilon=0.5, left=0.11, majority_share=0.11)) == []
    assert names(attack(epsilon=0.49, left=0.9)) == []
    assert names(attack(epsilon=0.5, left=0.9, norm="L2")) == []
    assert names(attack("A", "Random Noise", 0.5, 0.9)) == []  # noise claims nothing


def test_an_attack_that_never_reaches_the_edge_of_its_ball_left_budget_unused() -> None:
    (flag,) = flags(attack(left=0.5, largest_distance=0.04))
    assert (flag.name, flag.reason) == ("budget not used", "PGD-40 moved no image further than 40 % of its budget")
    assert names(attack(left=0.5, largest_distance=0.0995)) == []
    assert names(attack(left=0.0, largest_distance=0.04)) == []  # nothing was left to gain


def test_shares_without_outcomes_raise_no_flag() -> None:
    assert names(attack(left=0.9, outcomes=""), attack("A", "FGSM", left=0.1)) == []


def of_the_number(*records: CellRecord) -> list[str]:
    """The flags on what all attacks at L∞ ε = 0.1 leave together."""
    found = run(*records)
    kept = strongest(found.models[0], "Linf", 0.1)
    assert kept is not None
    return [flag.name for flag in flags_of(found, found.models[0], "Linf", 0.1, kept)]


def test_a_weak_attack_beside_a_strong_one_does_no_harm_to_what_both_leave() -> None:
    assert names(attack(left=0.5), attack("A", "AutoAttack", left=0.3)) == ["far from the strongest"]
    assert of_the_number(attack(left=0.5), attack("A", "AutoAttack", left=0.3)) == []


def test_a_number_that_rests_on_weak_attacks_alone_says_so_unless_nothing_is_left() -> None:
    assert of_the_number(attack(left=0.5)) == ["our attacks were weak"]
    assert of_the_number(attack("A", "PGD-50", left=0.5, steps=50)) == []
    assert of_the_number(attack(left=0.0)) == []
