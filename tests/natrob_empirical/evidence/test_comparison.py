import pytest
from synthetic_runs import ODE, RESNET, attack, run, theory

from natrob_empirical.evidence.comparison import (
    compare_together,
    compare_under,
    most_telling,
    outcome_of,
    same_size_pairs,
)
from natrob_empirical.evidence.run import Model, Run
from natrob_empirical.records import CellRecord


def both(*records: CellRecord) -> tuple[Run, Model, Model]:
    found = run(*records)
    first, second = found.models
    return found, first, second


def at(*budgets: tuple[float, int, int]) -> tuple[Run, Model, Model]:
    """A and B under PGD-40: (ε, images of 100 that A keeps, that B keeps)."""
    return both(
        *(
            attack(model, "PGD-40", epsilon, "k" * kept + "f" * (100 - kept))
            for epsilon, *shares in budgets
            for model, kept in zip("AB", shares, strict=True)
        )
    )


def test_two_models_are_compared_on_the_images_of_both() -> None:
    found = both(attack("A", left="k" * 40 + "f" * 60), attack("B", left="f" * 40))
    (compared,) = compare_under(*found, "PGD-40")
    assert (compared.comparison.n, compared.first.share, compared.second.share) == (40, 1.0, 0.0)
    assert (compared.direction, compared.comparison.paired) == (1, True)
    assert compared.place == "PGD-40 at L∞ ε = 0.1"


def test_an_attack_that_only_one_of_two_models_met_decides_nothing_between_them() -> None:
    pgd = [attack("A", left="k" * 40), attack("B", left="k" * 30 + "f" * 10)]
    found = both(*pgd, attack("A", "AutoAttack", left="f" * 40))
    (compared,) = compare_together(*found)
    assert (compared.first.share, compared.second.share) == (1.0, 0.75)
    assert compare_together(*both(attack("A", "AutoAttack", left="f" * 40), attack("B", left="k" * 40))) == []


def test_transferred_images_are_one_attack_whichever_model_they_were_made_on() -> None:
    records = [
        attack(ODE, f"PGD-40 from {RESNET}", left="k" * 40, source=RESNET),
        attack(RESNET, f"PGD-40 from {ODE}", left="f" * 40, source=ODE),
    ]
    (compared,) = compare_together(*both(*records))
    assert (compared.first.share, compared.second.share) == (1.0, 0.0)
    # Images of its own are an attack on the model itself: no other model met that one.
    own = attack(RESNET, f"PGD-40 from {RESNET}", left="f" * 40, source=RESNET)
    assert compare_together(*both(records[0], own)) == []


def test_only_some_attacks_can_be_compared() -> None:
    found = both(
        *(attack(m, a, left=left * 40) for m, a, left in (("A", "FGSM", "k"), ("B", "FGSM", "f"))),
        *(attack(m, "PGD-40", left="f" * 40) for m in "AB"),
    )
    assert [c.first.share for c in compare_together(*found, only=["FGSM"])] == [1.0]
    assert [c.first.share for c in compare_together(*found)] == [0.0]


def test_attacks_on_few_images_are_left_out_where_others_saw_enough() -> None:
    pgd = [attack("A", left="k" * 40), attack("B", left="k" * 30 + "f" * 10)]
    found = both(*pgd, *(attack(model, "AutoAttack", left="f" * 10) for model in "AB"))
    assert [c.comparison.n for c in compare_together(*found)] == [10]
    for enough in (40, 1_000):
        assert [(c.comparison.n, c.first.share) for c in compare_together(*found, enough=enough)] == [(40, 1.0)]


def test_other_image_counts_without_outcomes_are_not_compared() -> None:
    other = both(attack("A", left=0.9, n=100, outcomes=""), attack("B", left=0.1, n=50, outcomes=""))
    assert compare_under(*other, "PGD-40") == []
    same = both(attack("A", left=0.9, n=100, outcomes=""), attack("B", left=0.1, n=100, outcomes=""))
    (compared,) = compare_under(*same, "PGD-40")
    assert (compared.direction, compared.comparison.paired) == (1, False)


@pytest.mark.parametrize(
    ("budgets", "outcome"),
    [
        (((0.1, 80, 50), (0.2, 80, 50)), "ahead"),
        (((0.1, 50, 80), (0.2, 50, 50)), "behind"),
        (((0.1, 80, 50), (0.2, 50, 80)), "undecided"),
        (((0.1, 51, 50), (0.2, 50, 50)), "undecided"),
    ],
)
def test_the_outcome_over_the_budgets(budgets: tuple[tuple[float, int, int], ...], outcome: str) -> None:
    assert outcome_of(compare_under(*at(*budgets), "PGD-40")) == outcome


def test_many_budgets_make_a_small_p_value_common() -> None:
    # Six images more at one of ten budgets: p = 0.03 alone, nothing after Holm's adjustment.
    compared = compare_under(*at((0.01, 56, 50), *((0.01 * step, 50, 50) for step in range(2, 11))), "PGD-40")
    assert compared[0].comparison.p_value < 0.05 < compared[0].adjusted
    assert outcome_of(compared) == "undecided"


def test_two_accuracies_of_zero_or_of_one_are_never_the_most_telling() -> None:
    for kept in (0, 100):
        compared = compare_under(*at((0.1, kept, kept), (0.2, 50, 50)), "PGD-40")
        assert most_telling(compared).epsilon == 0.2
    assert most_telling(compare_under(*at((0.1, 0, 0)), "PGD-40")).epsilon == 0.1


def test_the_clearest_then_the_largest_then_the_nearest_difference_is_the_most_telling() -> None:
    assert most_telling(compare_under(*at((0.1, 60, 50), (0.2, 90, 50)), "PGD-40")).epsilon == 0.2
    assert most_telling(compare_under(*at((0.3, 50, 50), (0.2, 50, 50)), "PGD-40")).epsilon == 0.2


def test_only_networks_of_one_size_and_plain_training_are_pairs() -> None:
    records = [
        theory("ODE", network="neural_ode", parameters=100),
        theory("like", parameters=104),
        theory("larger", parameters=106),
        theory("defended", parameters=100, training="margin"),
        theory("defended ODE", network="neural_ode", parameters=100, training="pgd"),
    ]
    assert [(a.label, b.label) for a, b in same_size_pairs(run(*records))] == [("ODE", "like")]
