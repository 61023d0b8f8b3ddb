"""Claims about printed accuracies: what counts as the paper's network, what meets a number, what masks it."""

import pytest
from papers_networks import judged, place, replayed, table
from synthetic_runs import number, theory

from natrob_empirical.paper import clean_accuracies, table_1, table_2

ROW = {name: [p for p in table_1("mnist") if (p.network, p.attack) == ("neural_ode", name)] for name in ("FGSM", "PGD")}
OTHERS, ODE = table_2()[:3], table_2()[3]


def test_table_2_is_reproduced_where_every_number_is_met() -> None:
    found = judged("E8", *table(table_2()))

    assert found.verdict == "reproduced"
    assert found.attacked is not None
    assert found.attacked.value == pytest.approx(0.591, abs=1e-3)


def test_one_number_that_is_5_points_off_is_not_met() -> None:
    found = judged("E8", *table(OTHERS), *replayed(ODE, off=-0.07))

    assert found.verdict == "not_reproduced"
    assert "1 of 4 numbers missed" in found.reason
    assert "59.06 %" in found.reason


def test_a_number_2_points_off_is_near_enough() -> None:
    assert judged("E8", *table(table_2(), off=-0.02)).verdict == "reproduced"


def test_seeds_on_both_sides_of_a_number_meet_it_and_one_seed_does_not() -> None:
    low, high = table(table_2(), off=-0.06, seed=0), table(table_2(), off=0.06, seed=1)

    assert judged("E8", *low, *high).verdict == "reproduced"
    assert judged("E8", *low).verdict == judged("E8", *high).verdict == "not_reproduced"


def test_fewer_than_1000_images_do_not_decide() -> None:
    found = judged("E8", *table(OTHERS), *replayed(ODE, n=999))

    assert found.verdict == "no_evidence"
    assert found.reason.startswith("n too small to decide")


def test_fewer_than_1000_images_do_not_refute_either() -> None:
    assert judged("E8", *table(OTHERS), *replayed(ODE, off=-0.5, n=999)).verdict == "no_evidence"


def test_a_table_that_lacks_a_network_was_not_run() -> None:
    assert judged("E8", *table(OTHERS)).verdict == "not_run"


def test_a_stronger_attack_on_the_same_images_masks_a_number_that_is_met() -> None:
    stronger = replayed(ODE, off=-0.5, label="AutoAttack")[1:]
    found = judged("E8", *table(table_2()), *stronger)

    assert found.verdict == "reproduced_by_masking"
    assert "all attacks at most" in found.reason


def test_an_attack_that_leaves_as_much_masks_nothing() -> None:
    weaker = replayed(ODE, off=-0.02, label="AutoAttack")[1:]

    assert judged("E8", *table(table_2()), *weaker).verdict == "reproduced"


@pytest.mark.parametrize(("claim", "attack"), [("E3", "FGSM"), ("E4", "PGD")])
def test_table_1_on_mnist_cannot_be_met_as_robustness(claim: str, attack: str) -> None:
    found = judged(claim, *table(ROW[attack]))

    assert found.verdict == "reproduced_by_masking"
    assert "no classifier keeps more than" in found.reason


@pytest.mark.parametrize("claim", ["E3", "E4"])
def test_noise_at_the_papers_radii_says_nothing_of_its_attacks(claim: str) -> None:
    noise = [record for printed in ROW["FGSM"] for record in replayed(printed, label="Random Noise")]

    assert judged(claim, *noise).verdict == "not_run"


def test_pgd_with_other_steps_is_not_the_papers() -> None:
    assert judged("E4", *table(ROW["PGD"], label="PGD-40")).verdict == "not_run"


def test_another_attack_with_as_many_steps_is_not_the_papers() -> None:
    other = {"attack": "DI2FGSM", "steps": 40, "step_size": 0.01}
    records = [record for printed in ROW["PGD"] for record in replayed(printed, label="DI²-FGSM", own=other)]

    assert judged("E4", *records).verdict == "not_run"


@pytest.mark.parametrize("change", [{"channels": 16}, {"num_steps": 5}, {"field_convolutions": 2}, {"epochs": 49}])
def test_another_network_or_a_short_training_is_not_the_papers(change: dict[str, int]) -> None:
    found = judged("E3", *table(ROW["FGSM"], **change))

    assert found.verdict == "not_run"
    assert "The paper’s network was not run" in found.reason


@pytest.mark.parametrize(("off", "n", "verdict"), [
    (0.02, 10_000, "reproduced"), (0.05, 10_000, "not_reproduced"), (0.02, 999, "no_evidence"),
])  # fmt: skip
def test_clean_accuracies_are_held_against_clean_records(off: float, n: int, verdict: str) -> None:
    printed = [each for each in clean_accuracies() if each.place.startswith("section")]
    records = [theory(each.model, clean_accuracy=number(each.accuracy - off, n=n), **place(each)) for each in printed]

    assert judged("E9", *records).verdict == verdict


def test_clean_accuracies_on_one_data_set_are_half_of_the_claim() -> None:
    printed = [each for each in clean_accuracies() if each.place.startswith("section") and each.dataset == "mnist"]

    assert judged("E9", *(theory(each.model, **place(each)) for each in printed)).verdict == "not_run"
