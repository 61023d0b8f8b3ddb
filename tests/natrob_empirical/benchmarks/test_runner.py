import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from natrob_empirical.benchmarks import (
    AttackSpecification,
    Preset,
    PresetModel,
    PresetTooLargeError,
    RunEvent,
    cells_of,
    planned_cells,
    run_preset,
)
from natrob_empirical.benchmarks.attack_cell import AttackedModel
from natrob_empirical.benchmarks.cells import AttackAtBudget
from natrob_empirical.benchmarks.plan import require_fit
from natrob_empirical.benchmarks.theory_cell import STRUCTURAL_CHECK
from natrob_empirical.datasets import Dataset
from natrob_empirical.models import NETWORKS, ModelSpecification
from natrob_empirical.records import (
    AttackRefusal,
    AttackResult,
    CellRecord,
    CertificateContradictedError,
    DataResult,
    RecordStore,
    SampleCertificates,
    TheoryRefusal,
    TheoryResult,
    packed,
)
from natrob_empirical.training import TrainingDivergedError, TrainingSpecification
from natrob_theory import ImplicitSolveError

CPU = torch.device("cpu")


def tiny_preset(*networks: str) -> Preset:
    return Preset(
        name="tiny",
        summary="for tests",
        dataset="digits",
        models=tuple(
            PresetModel(
                specification=ModelSpecification(
                    label=f"{name}, small", network=name, channels=2, hidden=2, num_steps=2, step_size=0.1
                ),
                training=TrainingSpecification(epochs=1),
            )
            for name in networks
        ),
        attacks=(
            AttackSpecification(label="FGSM", attack="FGSM", norm="Linf", epsilons=(0.1,)),
            AttackSpecification(label="PGD-2", attack="PGD", norm="L2", epsilons=(0.2, 0.5), steps=2),
        ),
        train_images=200,
        test_images=40,
        pairs=8,
    )


def run(preset: Preset, dataset: Dataset, output: Path) -> tuple[RecordStore, list[RunEvent]]:
    events: list[RunEvent] = []
    store = run_preset(preset, dataset, output, device=CPU, on_event=events.append)
    return store, [event for event in events if event.kind == "cell"]


@pytest.fixture(scope="module")
def finished(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[CellRecord]]:
    output = tmp_path_factory.mktemp("run")
    store, events = run(tiny_preset(*NETWORKS), digits, output)
    assert not any(event.found for event in events)
    return output, [record for record in store.read_all() if not isinstance(record.result, DataResult)]


def test_every_cell_of_every_network_class_has_a_record(finished: tuple[Path, list[CellRecord]]) -> None:
    _, records = finished
    assert len(records) == len(NETWORKS) * 4
    assert {record.cell.network for record in records} == set(NETWORKS)
    for record in records:
        assert isinstance(record.result, TheoryResult if record.cell.attack is None else AttackResult)


def test_bounds_hold_and_kinds_are_stated(finished: tuple[Path, list[CellRecord]]) -> None:
    for record in finished[1]:
        result = record.result
        if not isinstance(result, TheoryResult):
            continue
        assert [check.constant for check in result.bound_checks][-1] == STRUCTURAL_CHECK
        assert len(result.bound_checks) == 3
        for check in result.bound_checks:
            assert check.violations == 0
            assert 0.0 < check.worst_ratio <= 1.0 + 1e-9
        assert result.field_lipschitz_lower.value <= result.field_lipschitz_upper.value
        assert result.field_lipschitz_lower.kind == "lower"
        assert result.measured_growth_median.value <= result.measured_growth_largest.value <= result.growth_bound.value
        assert result.growth_bound.kind == result.exponential_bound.kind == "upper"
        curves = {curve.label: curve for curve in result.curves}
        for measured, bound in zip(
            curves["measured growth, largest"].values, curves["bound from upper K"].values, strict=True
        ):
            assert measured <= bound * (1.0 + 1e-9)
        assert curves["measured growth, largest"].values[0] == pytest.approx(1.0)
        exponential = curves["e^{tK} of the exact flow, upper K"].values
        assert exponential[-1] == pytest.approx(result.exponential_bound.value, rel=1e-6)


def test_certified_never_exceeds_attacked(finished: tuple[Path, list[CellRecord]]) -> None:
    certified: dict[tuple[str, str | None, float | None], float] = {
        (record.cell.model, point.norm, point.epsilon): point.accuracy.value
        for record in finished[1]
        if isinstance(record.result, TheoryResult)
        for point in record.result.certified
    }
    assert certified
    for record in finished[1]:
        if isinstance(record.result, AttackResult):
            key = (record.cell.model, record.cell.norm, record.cell.epsilon)
            assert record.result.accuracy.kind == "upper"
            assert record.result.accuracy.value <= record.result.clean_accuracy.value
            assert certified.get(key, 0.0) <= record.result.accuracy.value


def test_only_the_neural_ode_is_refused_a_certificate(finished: tuple[Path, list[CellRecord]]) -> None:
    for record in finished[1]:
        if isinstance(record.result, TheoryResult):
            refused = record.cell.network == "neural_ode"
            assert bool(record.result.certificate_refusal) == refused
            assert bool(record.result.certified) != refused


def test_what_is_there_is_skipped_and_a_lost_cell_alone_is_run_again(
    finished: tuple[Path, list[CellRecord]], digits: Dataset
) -> None:
    output, records = finished
    store = RecordStore(output / "records")
    lost = next(record for record in records if record.cell.attack == "PGD-2")
    path = store.path_of(lost.cell, lost.settings)
    before = {file: file.stat().st_mtime_ns for file in store.folder.glob("*.json")}
    path.unlink()
    again, events = run(tiny_preset(*NETWORKS), digits, output)
    assert [event.cell.key for event in events if not event.found] == [lost.cell]
    for file, written in before.items():
        assert (file.stat().st_mtime_ns == written) == (file != path)
    repeated = again.read(lost.cell, lost.settings)
    assert repeated is not None
    assert isinstance(repeated.result, AttackResult)
    assert isinstance(lost.result, AttackResult)
    assert repeated.result.accuracy == lost.result.accuracy


def test_an_interrupted_run_keeps_what_is_finished(digits: Dataset, tmp_path: Path) -> None:
    preset = tiny_preset("euler")

    def interrupt(event: RunEvent) -> None:
        if event.kind == "cell" and event.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_preset(preset, digits, tmp_path, device=CPU, on_event=interrupt)
    assert len(RecordStore(tmp_path / "records").read_all()) == 3
    events: list[RunEvent] = []
    run_preset(preset, digits, tmp_path, device=CPU, on_event=events.append)
    assert [event.found for event in events] == [True, True, True, False, False]  # no training step among them


def test_a_damaged_record_is_set_aside_and_its_cell_run_again(digits: Dataset, tmp_path: Path) -> None:
    preset = tiny_preset("euler")
    store, _ = run(preset, digits, tmp_path)
    damaged = next(store.folder.glob("*FGSM*.json"))
    damaged.write_text('{"half": ')
    again, _ = run(preset, digits, tmp_path)
    assert [aside.path for aside in again.set_aside] == [damaged]
    assert len(again.read_all()) == 5


def test_other_data_training_or_seed_are_other_cells(digits: Dataset) -> None:
    preset = tiny_preset("euler")

    def settings(preset: Preset, dataset: Dataset) -> list[dict[str, object]]:
        return [cell.settings for group in cells_of(preset, dataset) for cell in group]

    longer = replace(
        preset, models=tuple(replace(model, training=TrainingSpecification(epochs=2)) for model in preset.models)
    )
    base = settings(preset, digits.subset(train=100))
    assert settings(preset, digits.subset(train=100)) == base
    for other in (
        settings(preset, digits.subset(train=101)),
        settings(longer, digits.subset(train=100)),
        settings(replace(preset, seeds=(1,)), digits.subset(train=100)),
    ):
        assert all(one != two for one, two in zip(base, other, strict=True))


def test_an_attack_that_the_solver_stops_is_recorded_and_the_rest_goes_on(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = tiny_preset("backward_euler")
    attacked = AttackedModel.result

    def stopped(self: AttackedModel, attack: AttackAtBudget, **rest: Any) -> AttackResult:
        if attack.epsilon == 0.2:
            raise ImplicitSolveError("did not converge;\n  take a smaller step size")
        return attacked(self, attack, **rest)

    monkeypatch.setattr(AttackedModel, "result", stopped)
    store, _ = run(preset, digits, tmp_path)
    results = {record.cell.epsilon: record.result for record in store.read_all() if record.cell.attack is not None}
    refused = results.pop(0.2)
    assert isinstance(refused, AttackRefusal)
    assert refused.reason == "did not converge; take a smaller step size"
    assert len(results) == 2
    assert all(isinstance(result, AttackResult) for result in results.values())


def test_an_implicit_solve_that_fails_on_every_pair_is_a_refusal_with_its_reason(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise ImplicitSolveError("did not converge; take a smaller step size")

    monkeypatch.setattr("natrob_empirical.benchmarks.theory_cell._along_the_trunk", failing)
    monkeypatch.setattr("natrob_empirical.benchmarks.theory_cell.pairs_that_run", failing)
    store, _ = run(replace(tiny_preset("backward_euler"), attacks=()), digits, tmp_path)
    (record,) = [record for record in store.read_all() if not isinstance(record.result, DataResult)]
    assert isinstance(record.result, TheoryRefusal)
    assert record.result.reason == "did not converge; take a smaller step size"


def test_images_made_on_another_model_are_shown_to_the_others(digits: Dataset, tmp_path: Path) -> None:
    preset = tiny_preset("euler", "heun")
    source = preset.models[0].specification.label
    transferred = AttackSpecification(
        label="FGSM from it", attack="FGSM", norm="Linf", epsilons=(0.3,), source=source, images=20
    )
    store, _ = run(replace(preset, attacks=(transferred,)), digits, tmp_path)
    (record,) = [record for record in store.read_all() if record.cell.attack is not None]
    assert record.cell.model == "heun, small"
    assert isinstance(record.result, AttackResult)
    assert record.result.accuracy.n == len(record.result.outcomes) == 20
    assert record.result.mean_gradient_calls == 0.0
    assert record.settings["source"]["model"]["label"] == source


def test_one_walk_to_the_nearest_image_serves_every_radius(digits: Dataset, tmp_path: Path) -> None:
    walk = AttackSpecification(
        label="Boundary", attack="BoundaryAttack", norm="L2", epsilons=(0.2, 0.6, 2.0), images=10
    )
    store, _ = run(replace(tiny_preset("euler"), attacks=(walk,)), digits, tmp_path)
    results = [record.result for record in store.read_all() if record.cell.attack is not None]
    assert len(results) == 3
    found = [result for result in results if isinstance(result, AttackResult)]
    assert len({(r.seconds, r.mean_queries) for r in found}) == 1
    medians = {r.median_distance.value for r in found if r.median_distance is not None}
    assert len(medians) == 1
    by_reach = sorted(found, key=lambda result: result.largest_distance)
    assert [r.accuracy.value for r in by_reach] == sorted((r.accuracy.value for r in found), reverse=True)
    (median,) = medians
    kept = {record.cell.epsilon: record.result for record in store.read_all() if record.cell.attack is not None}
    for epsilon, result in kept.items():
        assert isinstance(result, AttackResult)
        assert epsilon is not None
        assert (result.accuracy.value <= 0.5 * result.clean_accuracy.value) == (median <= epsilon)


def test_distances_are_what_the_letters_say(finished: tuple[Path, list[CellRecord]]) -> None:
    for record in finished[1]:
        result, epsilon = record.result, record.cell.epsilon
        if isinstance(result, AttackResult):
            assert epsilon is not None
            for letter, distance in zip(result.outcomes, result.distance_values, strict=True):
                assert {"w": distance == 0, "f": 0 < distance <= epsilon, "k": distance == math.inf}[letter]


def test_certificates_and_margins_agree_with_each_other(finished: tuple[Path, list[CellRecord]]) -> None:
    for record in finished[1]:
        result = record.result
        if not isinstance(result, TheoryResult):
            continue
        assert result.margins is not None
        assert len(result.margins) == 40
        by_norm = {each.norm: each for each in result.certificates}
        assert set(by_norm) == {"L2", "Linf"}
        if record.cell.network == "neural_ode":
            assert all("max_step_size" in each.refusal for each in result.certificates)
            assert not result.certified
            continue
        in_l2, in_linf = by_norm["L2"].radius_values, by_norm["Linf"].radius_values
        constant = result.feature_lipschitz_upper.value
        for low, other, margin in zip(in_l2, in_linf, result.margins.normalised_values, strict=True):
            assert low <= max(0.0, margin / constant)  # rounding is taken off
            assert other >= low / 8.0 * (1.0 - 1e-9)  # 64 pixels; constants in L∞ may give more
        for point in result.certified:
            shares = [0 < radius >= point.epsilon for radius in by_norm[point.norm].radius_values]
            assert point.accuracy.value == sum(shares) / 40


def test_the_searched_growth_lies_between_measured_growth_and_bound(finished: tuple[Path, list[CellRecord]]) -> None:
    for record in finished[1]:
        if isinstance(record.result, TheoryResult):
            searched = record.result.trunk_lipschitz_lower
            assert searched is not None
            assert searched.kind == "lower"
            assert searched.value <= record.result.growth_bound.value
            assert searched.value >= 0.99 * record.result.measured_growth_median.value


def test_a_certificate_that_an_attack_contradicts_stops_the_run(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = tiny_preset("euler")

    def bold(*arguments: object, **named: object) -> list[SampleCertificates]:
        return [SampleCertificates(method="global", norm="L2", images=40, radii=packed([9.0] * 40))]

    with monkeypatch.context() as patched:
        patched.setattr("natrob_empirical.benchmarks.theory_cell.sample_certificates", bold)
        patched.setattr("natrob_empirical.benchmarks.theory_cell.certified_points", lambda *_: ([], ""))
        with pytest.raises(
            CertificateContradictedError, match=r"euler, small, seed 0: PGD-2 contradicts \d+ certified"
        ):
            run(preset, digits, tmp_path)
    kinds = [record.cell.attack for record in RecordStore(tmp_path / "records").read_all()]
    assert {None, "PGD-2"} <= set(kinds)  # both sides are on disk
    with pytest.raises(CertificateContradictedError):  # and running again does not forget it
        run(preset, digits, tmp_path)


def test_an_attack_meets_the_models_that_it_is_for(digits: Dataset, tmp_path: Path) -> None:
    preset = tiny_preset("euler", "heun")
    some = AttackSpecification(label="some", attack="FGSM", norm="Linf", epsilons=(0.1,), only_on=("heun, small",))
    store, _ = run(replace(preset, attacks=(some,)), digits, tmp_path)
    (record,) = [record for record in store.read_all() if record.cell.attack is not None]
    assert record.cell.model == "heun, small"
    assert isinstance(record.result, AttackResult)
    assert record.result.only_on == ["heun, small"]
    assert "only_on" not in record.settings["attack"]
    with pytest.raises(ValueError, match="`only_on` must hold labels of models of the preset, got 'nobody'"):
        replace(preset, attacks=(replace(some, only_on=("nobody",)),))


def test_local_certificates_are_another_cell_and_none_are_the_old_one(digits: Dataset) -> None:
    preset = tiny_preset("euler")
    (plain,), (local,) = (
        [cell for group in cells_of(each, digits) for cell in group if cell.attack is None]
        for each in (preset, replace(preset, local_certificates=3))
    )
    assert set(plain.settings) == {"model", "training", "data", "seed", "pairs", "budgets"}
    assert local.settings == {**plain.settings, "own_certificates": {"local": 3}}


def test_the_walk_does_not_depend_on_its_batches(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = AttackSpecification(label="Boundary", attack="BoundaryAttack", norm="L2", epsilons=(0.6,), images=10)
    preset = replace(tiny_preset("euler"), attacks=(walk,))
    outcomes = []
    for size in (256, 3):
        monkeypatch.setattr("natrob_empirical.benchmarks.attack_cell.BATCH_SIZE", size)
        store, _ = run(preset, digits, tmp_path / str(size))
        (result,) = [record.result for record in store.read_all() if record.cell.attack is not None]
        assert isinstance(result, AttackResult)
        assert result.median_distance is not None
        outcomes.append((result.outcomes, result.median_distance.value))
    assert outcomes[0][0] == outcomes[1][0]
    assert outcomes[0][1] == pytest.approx(outcomes[1][1], rel=1e-3)  # but for the model's rounding


def test_a_preset_that_cannot_fit_is_refused_before_it_starts(digits: Dataset) -> None:
    planned = list(planned_cells(tiny_preset("euler"), digits, rate=1.0))
    with pytest.raises(PresetTooLargeError, match="preset tiny does not fit this device: training euler, small needs"):
        require_fit(planned, available=1000)
    require_fit(planned, available=2**30)


@pytest.mark.gpu
def test_a_gpu_gives_the_same_bounds_for_the_same_weights(digits: Dataset, tmp_path: Path) -> None:
    preset = tiny_preset("euler", "revnet", "backward_euler")
    on_cpu, _ = run(preset, digits, tmp_path)
    theory = [record for record in on_cpu.read_all() if isinstance(record.result, TheoryResult)]
    for file in on_cpu.folder.glob("*.json"):
        file.unlink()
    on_gpu = run_preset(preset, digits, tmp_path, device=torch.device("cuda"))  # from the same checkpoints
    for record in theory:
        again = on_gpu.read(record.cell, record.settings)
        assert again is not None
        assert isinstance(again.result, TheoryResult)
        assert isinstance(record.result, TheoryResult)
        assert again.environment.device == "cuda"
        assert again.result.growth_bound.value == pytest.approx(record.result.growth_bound.value, rel=1e-6)
        assert all(check.violations == 0 for check in again.result.bound_checks)


def test_a_training_that_diverges_leaves_neither_model_nor_record(digits: Dataset, tmp_path: Path) -> None:
    preset = tiny_preset("euler")
    (model,) = preset.models
    hot = replace(model, training=TrainingSpecification(epochs=2, optimiser="sgd", learning_rate=1e30))
    with pytest.raises(TrainingDivergedError, match=r"in epoch 1 of 2 the loss became (nan|inf) at step \d"):
        run_preset(replace(preset, models=(hot,)), digits, tmp_path, device=CPU)
    (record,) = RecordStore(tmp_path / "records").read_all()
    assert isinstance(record.result, DataResult)  # which is about no model
    assert [path.parent.name for path in tmp_path.rglob("*") if path.is_file()] == ["records"]
