"""The sweep over step sizes: equal K, true bounds, tight where the theory says so, and one resumable cell."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from natrob_empirical.benchmarks import PRESETS, Preset, StepSizeSweep, cells_of, run_preset
from natrob_empirical.benchmarks.step_size_cell import measure_step_sizes, sweep_fields
from natrob_empirical.datasets import Dataset
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.records import DataResult, FieldGrowth, RecordStore, StepSizeResult
from natrob_theory import lipschitz_upper_bound

SMALL = StepSizeSweep(total_time=2.0, dimension=5, steps=(1, 2, 4, 8), points=4)


@pytest.fixture(scope="module")
def result() -> StepSizeResult:
    return measure_step_sizes(SMALL, RandomStreams(0))


@given(st.integers(0, 10_000))
def test_fields_have_equal_k(seed: int) -> None:
    for subject in sweep_fields(SMALL, RandomStreams(seed)):
        assert float(lipschitz_upper_bound(subject.field, input_shape=(5,))) == pytest.approx(3.0, rel=1e-12)


def test_nothing_found_exceeds_a_bound(result: StepSizeResult) -> None:
    assert len(result.fields) == 4
    for field in result.fields:
        assert [point.num_steps for point in field.points] == [1, 2, 4, 8]
        assert field.lipschitz_lower.value <= field.lipschitz_upper.value
        assert field.one_sided_lower.value <= field.one_sided_upper.value
        for point in field.points:
            assert point.step_size * point.num_steps == 2.0
            bounds = [point.from_lipschitz, point.from_one_sided, point.from_gradient_flow]
            for bound in bounds:
                assert bound is None or point.measured.value <= bound.value
                assert bound is None or bound.kind == "upper"
            assert point.from_one_sided.value <= point.from_lipschitz.value * (1 + 1e-12)
            assert (point.measured.kind, point.measured.n) == ("lower", 4)


def test_skew_fields_reach_their_bound_and_one_percent_less_would_be_caught(result: StepSizeResult) -> None:
    skew, damped = result.fields[1:3]
    for field in (skew, damped):
        for point in field.points:
            assert point.measured.value > 0.99 * point.from_one_sided.value
    assert skew.exact_flow.value == pytest.approx(1.0, rel=1e-12)
    assert skew.points[1].from_one_sided.value == pytest.approx(10.0, rel=1e-9)  # (1 + 9)^(2/2) at h = 1
    assert damped.exact_flow.value == pytest.approx(torch.tensor(-2.0).exp().item(), rel=1e-6)
    assert damped.points[1].measured.value > 1.0  # contractive, and expanding at h = 1


def test_the_gradient_flow_keeps_its_distances_once_the_step_is_small(result: StepSizeResult) -> None:
    flow = result.fields[3]
    bounds = {point.step_size: bound.value for point in flow.points if (bound := point.from_gradient_flow)}
    assert bounds[1.0] == pytest.approx(4.0, rel=1e-9)  # (3 − 1)² at h = 1
    assert bounds[0.5] == pytest.approx(1.0, rel=1e-9)
    assert all(point.from_gradient_flow is None for field in result.fields[:3] for point in field.points)


def test_the_same_seed_gives_the_same_numbers(result: StepSizeResult) -> None:
    again = measure_step_sizes(SMALL, RandomStreams(0))
    assert again.fields == result.fields
    assert measure_step_sizes(SMALL, RandomStreams(1)).fields != result.fields


def sweep_preset() -> Preset:
    return replace(PRESETS["quick"], name="sweep", models=(), attacks=(), step_sizes=replace(SMALL, steps=(1, 2)))


def test_the_sweep_is_one_cell_that_is_kept_and_found_again(digits: Dataset, tmp_path: Path) -> None:
    preset = sweep_preset()
    events = []
    store = run_preset(preset, digits, tmp_path, device=torch.device("cpu"), on_event=events.append)
    (record,) = [record for record in store.read_all() if not isinstance(record.result, DataResult)]
    assert isinstance(record.result, StepSizeResult)
    assert all(isinstance(field, FieldGrowth) for field in record.result.fields)
    assert record.settings["step_sizes"]["steps"] == [1, 2]
    again: list[object] = []
    run_preset(preset, digits, tmp_path, device=torch.device("cpu"), on_event=again.append)
    assert [event.found for event in events] == [False, False]
    assert [event.found for event in again] == [True, True]  # type: ignore[attr-defined]
    changed = replace(preset, step_sizes=replace(SMALL, steps=(1,)))
    (group,) = cells_of(changed, digits)
    assert RecordStore(tmp_path / "records").read(group[0].key, group[0].settings) is None


def test_the_overview_has_the_sweep_first(digits: Dataset) -> None:
    for name in ("quick", "cpu"):
        preset = PRESETS[name]
        assert preset.step_sizes is not None
        first = next(iter(cells_of(preset, digits)))
        assert [cell.model for cell in first] == [None]
