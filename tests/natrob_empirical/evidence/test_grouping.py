import random

import pytest
from synthetic_runs import attack, run, sweep, table_1, theory, theory_refusal

from natrob_empirical.evidence.grouping import runs_of

LATER = "2026-02-01T00:00:00+00:00"


def test_the_order_of_the_records_does_not_matter() -> None:
    records = [*table_1(), sweep(), theory("A"), attack("A", left=0.4), attack("A", left=0.5, created=LATER)]
    shuffled = list(records)
    random.Random(0).shuffle(shuffled)
    assert runs_of(shuffled) == runs_of(records)


def test_data_sets_presets_and_seeds_are_runs_of_their_own() -> None:
    records = [theory(), theory(dataset="mnist"), theory(preset="table1-cpu"), theory(seed=1)]
    found = runs_of(records, source="output")
    assert [(r.dataset, r.preset, r.seed) for r in found] == [
        ("digits", "quick", 0),
        ("digits", "quick", 1),
        ("digits", "table1-cpu", 0),
        ("mnist", "quick", 0),
    ]
    assert [r.experiment for r in found] == ["quick", "quick", "table1", "quick"]
    assert found[3].name == "output: quick on mnist, seed 0"
    assert runs_of([]) == ()


def test_two_seeds_are_never_averaged() -> None:
    first, second = runs_of([attack(left=0.4, seed=0), attack(left=0.8, seed=1)])
    kept = [[result.accuracy.value for result in each.models[0].attacks.values()] for each in (first, second)]
    assert kept == [[0.4], [0.8]]


def test_a_model_with_two_trainings_is_two_models() -> None:
    assert [m.label for m in run(theory(), theory(training="pgd")).models] == ["A, pgd", "A, standard"]


def test_models_stand_by_network_and_falling_step() -> None:
    steps = [theory(f"h = {h:g}", network="resnet", settings={"model": {"step_size": h}}) for h in (0.1, 1.0, 0.01)]
    assert [m.label for m in run(theory("Z"), *steps).models] == ["Z", "h = 1", "h = 0.1", "h = 0.01"]


def test_the_newest_settings_of_a_cell_count() -> None:
    old, new = attack(left=0.9), attack(left=0.4, created=LATER, settings={"changed": 1})
    found = run(new, old)
    assert (found.records, found.superseded) == ((new,), (old,))
    assert [result.accuracy.value for result in found.models[0].attacks.values()] == [0.4]


def test_an_attack_on_an_older_model_of_the_same_label_is_left_out() -> None:
    old = attack(settings={"model": "old"})
    new = theory(created=LATER, settings={"model": "new", "pairs": 64})
    found = run(old, new)
    assert (found.records, found.superseded) == ((new,), (old,))
    assert not found.models[0].attacks


def test_a_refused_model_keeps_its_reason_and_its_clean_accuracy() -> None:
    (model,) = run(theory_refusal(reason="no bound")).models
    assert model.theory is None
    assert model.refusal is not None
    assert model.refusal.reason == "no bound"
    assert model.clean_accuracy is not None
    assert model.clean_accuracy.value == pytest.approx(0.95)


def test_the_sweep_is_no_model() -> None:
    found = run(sweep(), theory("A"))
    assert [m.label for m in found.models] == ["A"]
    assert found.sweep is not None
