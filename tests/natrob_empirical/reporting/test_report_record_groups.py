import math
import random

import pytest
from synthetic_records import attack_record, key, number, record, run_records, theory_record, theory_result

from natrob_empirical.records import CellRecord
from natrob_empirical.reporting import Section, group_records
from natrob_empirical.reporting.missing_cells import completeness
from natrob_empirical.reporting.record_groups import summarise
from natrob_empirical.reporting.reference_attack import compare_accuracies, reference_attack


def test_the_order_of_the_records_does_not_matter(run: list[CellRecord]) -> None:
    shuffled = list(run)
    random.Random(0).shuffle(shuffled)
    assert group_records(shuffled) == group_records(run)


def test_one_section_per_data_set_and_preset() -> None:
    records = run_records() + run_records(dataset="mnist") + run_records(preset="cpu")
    assert [(s.dataset, s.preset) for s in group_records(records)] == [
        ("digits", "cpu"),
        ("digits", "quick"),
        ("mnist", "quick"),
    ]
    assert group_records([]) == ()


def test_a_model_with_two_trainings_is_two_models() -> None:
    records = [theory_record(), theory_record(key_changes={"training": "adversarial"})]
    assert [m.label for m in group_records(records)[0].models] == [
        "ResNet, h = 0.2, adversarial",
        "ResNet, h = 0.2, plain",
    ]


def test_the_newest_record_of_a_cell_counts() -> None:
    old = attack_record(accuracy=0.9)
    new = record(
        old.cell,
        attack_record(accuracy=0.4).result,
        environment={"created": "2026-02-01T00:00:00+00:00"},
        settings={"changed": 1},
    )
    section = group_records([new, old])[0]
    assert section.records == (new,)
    assert section.superseded == (old,)


def test_an_attack_on_an_older_model_of_the_same_label_is_left_out() -> None:
    old_attack = record(
        key(attack="PGD-20", norm="Linf", epsilon=0.1), attack_record().result, settings={"model": "old"}
    )
    theory = record(
        key(),
        theory_result(),
        environment={"created": "2026-02-01T00:00:00+00:00"},
        settings={"model": "new", "pairs": 64},
    )
    other_seed = attack_record(key_changes={"seed": 1})
    section = group_records([old_attack, theory, other_seed])[0]
    assert [r.cell for r in section.superseded] == [old_attack.cell]
    assert len(section.records) == 2


def test_summaries_over_seeds() -> None:
    summary = summarise([number(0.1, n=10), number(0.3, n=20)])
    assert summary is not None
    assert summary.mean == pytest.approx(0.2)
    assert (summary.kind, summary.counts) == ("measured", (10, 20))
    infinite = summarise([number(1.0, "upper", None), number(math.inf, "upper", None)])
    assert infinite is not None
    assert infinite.mean == math.inf
    large = summarise([number(1.7e308, "upper", None)] * 3)
    assert large is not None
    assert math.isfinite(large.mean)
    assert summarise([]) is None


def test_a_finished_run_misses_nothing(section: Section) -> None:
    found = completeness(section)
    assert (found.present, found.expected, found.missing) == (66, 66, {})


def test_missing_cells_are_named_per_model_and_seed() -> None:
    records = run_records(seeds=(0, 1))
    dropped = [
        r for r in records if r.cell.model == "Heun, h = 0.2" and r.cell.seed == 1 and r.cell.attack in (None, "FGSM")
    ]
    found = completeness(group_records([r for r in records if r not in dropped])[0])
    assert found.expected - found.present == len(dropped) == 4
    assert found.missing == {
        "Heun, h = 0.2": (
            "theory (seed 1)",
            "FGSM, L∞ ε = 0.05 (seed 1)",
            "FGSM, L∞ ε = 0.1 (seed 1)",
            "FGSM, L∞ ε = 0.5 (seed 1)",
        )
    }


def test_the_reference_is_the_strongest_attack_at_the_middle_budget(section: Section) -> None:
    reference = reference_attack(section)
    assert reference is not None
    assert (reference.attack, reference.norm, reference.epsilon) == ("PGD-20", "Linf", 0.1)
    assert reference_attack(group_records([theory_record()])[0]) is None


def test_an_attack_on_few_models_is_no_reference() -> None:
    records = [*run_records(), attack_record(attack="Lucky", accuracy=0.0)]
    reference = reference_attack(group_records(records)[0])
    assert reference is not None
    assert reference.attack == "PGD-20"


def test_an_interrupted_run_keeps_its_reference(run: list[CellRecord]) -> None:
    dropped = ("RevNet, h = 0.2", "PGD-20")
    reference = reference_attack(group_records([r for r in run if (r.cell.model, r.cell.attack) != dropped])[0])
    assert reference is not None
    assert reference.attack == "PGD-20"


def test_differences_against_sampling_error() -> None:
    def summary(value: float, n: int):
        found = summarise([number(value, "upper", n)])
        assert found is not None
        return found

    assert not compare_accuracies(summary(0.5, 100), summary(0.45, 100)).decided
    assert compare_accuracies(summary(0.5, 10_000), summary(0.45, 10_000)).decided
    assert compare_accuracies(summary(0.0, 50), summary(0.0, 50)).tolerance > 0
    # By hand: p̃ = (50 + 1)/102 on both sides.
    p = 51 / 102
    assert compare_accuracies(summary(0.5, 100), summary(0.5, 100)).tolerance == pytest.approx(
        1.959964 * math.sqrt(2 * p * (1 - p) / 102), rel=1e-6
    )


def test_step_size_is_none_where_seeds_disagree() -> None:
    records = [
        record(key(seed=0), theory_result(step_size=0.2)),
        record(key(seed=1), theory_result(step_size=0.5)),
    ]
    assert group_records(records)[0].models[0].step_size is None
