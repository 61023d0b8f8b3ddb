import pytest
from synthetic_runs import attack, run

from natrob_empirical.evidence.kept import kept_under, strongest
from natrob_empirical.evidence.run import AttackBudget


def test_an_image_counts_only_if_no_attack_fooled_it() -> None:
    (model,) = run(attack("A", "PGD-40", left="kkkffkkw"), attack("A", "FGSM", left="kkfkkkkw"),
                   attack("A", "AutoAttack", left="kfkk")).models  # fmt: skip
    found = strongest(model, "Linf", 0.1)
    assert found is not None
    assert (found.outcomes, found.n, found.share) == ("kfff", 4, 0.25)
    assert (found.number.kind, found.number.n, found.number.value) == ("upper", 4, 0.25)
    assert set(found.attacks) == {"PGD-40", "FGSM", "AutoAttack"}
    assert strongest(model, "L2", 0.1) is None


def test_attacks_can_be_picked_by_label_and_by_how_many_images_they_saw() -> None:
    (model,) = run(attack("A", "PGD-40", left="kkff"), attack("A", "FGSM", left="kf")).models
    picked = [strongest(model, "Linf", 0.1, attacks=["FGSM"]), strongest(model, "Linf", 0.1, fewest=3)]
    assert [each and each.outcomes for each in picked] == ["kf", "kkff"]
    assert strongest(model, "Linf", 0.1, fewest=5) is None


def test_without_outcomes_only_the_attacks_on_most_images_count() -> None:
    (model,) = run(
        attack("A", "PGD-40", left=0.4, n=100, outcomes=""),
        attack("A", "FGSM", left=0.6, n=100, outcomes=""),
        attack("A", "AutoAttack", left=0.1, n=20, outcomes=""),
    ).models
    found = strongest(model, "Linf", 0.1)
    assert found is not None
    assert (found.share, found.n, found.outcomes) == (0.4, 100, "")


def test_one_attack_is_looked_up_by_its_budget() -> None:
    (model,) = run(attack("A", "PGD-40", left="kkff")).models
    found = kept_under(model, AttackBudget(attack="PGD-40", norm="Linf", epsilon=0.1))
    assert found is not None
    assert found.share == pytest.approx(0.5)
    assert kept_under(model, AttackBudget(attack="PGD-40", norm="Linf", epsilon=0.2)) is None
