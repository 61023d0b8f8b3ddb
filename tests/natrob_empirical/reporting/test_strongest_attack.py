from typing import Any

import pytest
from synthetic_experiments import attack

from natrob_empirical.records import CellRecord
from natrob_empirical.reporting import Section, group_records
from natrob_empirical.reporting.model_pairs import (
    compare_common,
    compare_strongest,
    compare_under,
    judge,
    verdict_sentence,
)
from natrob_empirical.reporting.strongest_attack import strongest


def of(*records: CellRecord) -> Section:
    return group_records(records)[0]


def cell(label: str, letters: str, model: str = "A", epsilon: float = 0.1, **changes: Any) -> CellRecord:
    share = changes.pop("share", 0.0)
    changes.setdefault("n", len(letters) or 10)
    return attack(model, "euler", label, epsilon, share, preset="table1-cpu", letters=letters, **changes)


def test_an_image_counts_only_if_no_attack_fooled_it() -> None:
    section = of(cell("PGD-40", "kkkffkkw"), cell("FGSM", "kkfkkkkw"), cell("AutoAttack", "kfkk"))
    found = strongest(section.models[0], "Linf", 0.1, 0)
    assert found is not None
    assert (found.outcomes, found.n, found.share) == ("kfff", 4, 0.25)
    assert set(found.attacks) == {"PGD-40", "FGSM", "AutoAttack"}
    assert "[0.04" in found.text  # Wilson's interval of 1 of 4: 0.046 to 0.699
    assert strongest(section.models[0], "L2", 0.1, 0) is None


def test_without_outcomes_only_the_attacks_on_most_images_count() -> None:
    section = of(
        cell("PGD-40", "", share=0.4, n=100),
        cell("FGSM", "", share=0.6, n=100),
        cell("AutoAttack", "", share=0.1, n=20),
    )
    found = strongest(section.models[0], "Linf", 0.1, 0)
    assert found is not None
    assert (found.share, found.n, found.outcomes) == (0.4, 100, "")


def test_two_models_are_compared_on_the_images_of_both() -> None:
    section = of(cell("PGD-40", "k" * 40 + "f" * 60), cell("PGD-40", "f" * 40, model="B"))
    (found,) = compare_under(section, section.models[0], section.models[1], "PGD-40")
    assert (found.comparison.n, found.first.share, found.second.share) == (40, 1.0, 0.0)
    assert found.direction == 1
    assert "n = 40" in found.text
    assert [row.attack for row in compare_strongest(section, section.models[0], section.models[1])] == [
        "all attacks, image by image"
    ]


def test_an_attack_that_only_one_of_two_models_met_decides_nothing_between_them() -> None:
    section = of(
        cell("PGD-40", "k" * 40),
        cell("AutoAttack", "f" * 40),
        cell("PGD-40", "k" * 30 + "f" * 10, model="B"),
    )
    (found,) = compare_common(section, section.models[0], section.models[1])
    assert found.attack == "all attacks that both met, image by image"
    assert (found.first.share, found.second.share) == (1.0, 0.75)
    section = of(cell("AutoAttack", "f" * 40), cell("PGD-40", "k" * 40, model="B"))
    assert compare_common(section, section.models[0], section.models[1]) == []


def test_other_image_counts_without_outcomes_are_not_compared() -> None:
    section = of(cell("PGD-40", "", share=0.9, n=100), cell("PGD-40", "", share=0.1, n=50, model="B"))
    assert compare_under(section, section.models[0], section.models[1], "PGD-40") == []
    same = of(cell("PGD-40", "", share=0.9, n=100), cell("PGD-40", "", share=0.1, n=100, model="B"))
    (found,) = compare_under(same, same.models[0], same.models[1], "PGD-40")
    assert not found.comparison.paired
    assert found.direction == 1


@pytest.mark.parametrize(
    ("shares", "verdict", "words"),
    [
        (((80, 50), (80, 50)), "holds", "ahead at 2 of 2"),
        (((50, 80), (50, 50)), "does not hold", "behind at 1 of 2"),
        (((80, 50), (50, 80)), "undecided", "ahead at 1 and behind at 1 of 2"),
        (((51, 50), (50, 50)), "undecided", "no difference beyond chance at any of 2"),
    ],
)
def test_the_verdict_over_the_budgets(shares: tuple[tuple[int, int], ...], verdict: str, words: str) -> None:
    records = [
        cell("PGD-40", "k" * kept + "f" * (100 - kept), model=model, epsilon=epsilon)
        for epsilon, both in zip((0.1, 0.2), shares, strict=True)
        for model, kept in zip("AB", both, strict=True)
    ]
    section = of(*records)
    compared = compare_under(section, section.models[0], section.models[1], "PGD-40")
    assert judge(compared) == verdict
    assert words in verdict_sentence("a claim", compared)


def test_many_budgets_make_a_small_p_value_common() -> None:
    # Six images more at one of ten budgets: p = 0.03 alone, nothing after Holm's adjustment.
    records = [
        cell("PGD-40", "k" * kept + "f" * (100 - kept), model=model, epsilon=0.01 * budget)
        for budget in range(1, 11)
        for model, kept in (("A", 56 if budget == 1 else 50), ("B", 50))
    ]
    section = of(*records)
    compared = compare_under(section, section.models[0], section.models[1], "PGD-40")
    assert compared[0].comparison.p_value < 0.05 < compared[0].adjusted
    assert judge(compared) == "undecided"
