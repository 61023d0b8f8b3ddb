"""The record of the test images: all of them, whatever the preset attacks, and without a model."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from natrob_empirical import L2Ball, LinfBall, robustness_ceiling
from natrob_empirical.benchmarks import PRESETS, RunEvent, run_preset
from natrob_empirical.benchmarks.data_cell import DATA_LABEL, ceiling_places, data_cell, measure_data
from natrob_empirical.datasets import Dataset
from natrob_empirical.evidence.grouping import runs_of
from natrob_empirical.records import DataResult, RecordStore

NO_MODELS = replace(PRESETS["quick"], models=(), attacks=(), step_sizes=None)


@pytest.fixture(scope="module")
def uneven() -> Dataset:
    """Test labels 0, 2, 2 of four classes."""
    images = torch.zeros(3, 1, 2, 2, dtype=torch.uint8)
    labels = torch.tensor([0, 2, 2])
    return Dataset(
        name="uneven",
        title="Uneven",
        train_x=images,
        train_y=labels,
        test_x=images,
        test_y=labels,
        num_classes=4,
        pixel_scale=255,
        source="a test",
    )


def test_every_class_is_counted_also_one_without_images(uneven: Dataset) -> None:
    result = measure_data(NO_MODELS, uneven)
    assert result.class_counts == [1, 0, 2, 0]
    assert result.test_images == 3
    share = result.largest_class_share
    assert (share.value, share.kind, share.n) == (2 / 3, "measured", 3)


def test_a_run_records_the_whole_test_set_once(digits: Dataset, tmp_path: Path) -> None:
    events: list[RunEvent] = []
    for _ in range(2):
        run_preset(NO_MODELS, digits, tmp_path, device=torch.device("cpu"), on_event=events.append)
    assert [(event.found, event.done, event.total) for event in events] == [(False, 1, 1), (True, 1, 1)]
    (record,) = RecordStore(tmp_path / "records").read_all()
    assert NO_MODELS.test_images is not None
    assert isinstance(record.result, DataResult)
    assert record.result.test_images == len(digits.test_y) > NO_MODELS.test_images
    assert record.cell.model == DATA_LABEL
    assert record.result.class_counts == [int((digits.test_y == label).sum()) for label in range(10)]


def test_other_test_images_are_another_cell(digits: Dataset, tmp_path: Path) -> None:
    run_preset(NO_MODELS, digits, tmp_path, device=torch.device("cpu"))
    store = RecordStore(tmp_path / "records")
    cell = data_cell(NO_MODELS, digits)
    assert store.read(cell.key, cell.settings) is not None
    fewer = data_cell(NO_MODELS, digits.subset(test=20))
    assert store.read(fewer.key, fewer.settings) is None


def test_the_test_images_are_no_model_of_a_page(digits: Dataset, tmp_path: Path) -> None:
    store = run_preset(NO_MODELS, digits, tmp_path, device=torch.device("cpu"))
    (run,) = runs_of(store.read_all())
    assert run.models == ()
    assert len(run.class_counts) == 10


def test_every_number_of_images_that_an_attack_sees_has_ceilings_at_every_radius_of_its_norm(digits: Dataset) -> None:
    attacks = tuple(replace(each, source=None, only_on=()) for each in PRESETS["quick"].attacks)
    preset = replace(PRESETS["quick"], models=(), attacks=attacks, step_sizes=None)
    places = ceiling_places(preset, digits)
    assert preset.test_images is not None
    used = min(preset.test_images, len(digits.test_x))
    radii = {norm: {e for a in attacks if a.norm == norm for e in a.epsilons if e > 0} for norm in ("Linf", "L2")}
    counts = {norm: {min(a.images or used, used) for a in attacks if a.norm == norm} for norm in radii}
    assert all(len(each | {used}) > 1 for each in counts.values())
    assert [(place.norm, place.images, place.epsilon) for place in places] == sorted(
        (norm, n, epsilon) for norm, seen in counts.items() for n in seen | {used} for epsilon in radii[norm]
    )
    assert data_cell(preset, digits).settings["ceilings"][0]["images"] == places[0].images
    balls = {"Linf": LinfBall, "L2": L2Ball}
    for point in measure_data(preset, digits).ceilings:
        images, labels = digits.to_images(digits.test_x[: point.images]), digits.test_y[: point.images]
        found = robustness_ceiling(images, labels, balls[point.norm](point.epsilon))
        assert (found.most, len(found.robust), found.conflicts) == (point.most, point.reached, point.conflicts)


def test_records_from_before_there_were_ceilings_are_read() -> None:
    share = {"value": 0.5, "kind": "measured", "n": 2, "source": "labels"}
    old = DataResult.model_validate({"test_images": 2, "class_counts": [1, 1], "largest_class_share": share})
    assert old.ceilings == []
