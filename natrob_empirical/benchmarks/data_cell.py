"""The test images of a run as a cell of its own, without a model: the evidence of what no classifier can exceed."""

from typing import Final

from natrob_empirical.benchmarks.cells import Cell, fingerprint_of_tests
from natrob_empirical.benchmarks.presets import Preset
from natrob_empirical.benchmarks.record_numbers import measured
from natrob_empirical.datasets import Dataset
from natrob_empirical.records import CellKey, DataResult

DATA_LABEL: Final = "Test images"


def data_cell(preset: Preset, dataset: Dataset) -> Cell:
    """The cell, on the first seed, which plays no part in it.

    Args:
        preset: of the run.
        dataset: the whole of it.
    """
    key = CellKey(
        preset=preset.name,
        dataset=dataset.name,
        model=DATA_LABEL,
        network="none",
        training="none",
        seed=preset.seeds[0],
    )
    data = {
        "name": dataset.name,
        "title": dataset.title,
        "source": dataset.source,
        "fingerprint_of_tests": fingerprint_of_tests(dataset),
        "test_images": len(dataset.test_x),
    }
    return Cell(key=key, settings={"data": data}, model=None)


def count_classes(dataset: Dataset) -> DataResult:
    """Counts every class among all test images."""
    counts = dataset.test_y.bincount(minlength=dataset.num_classes).tolist()
    total = sum(counts)
    return DataResult(
        test_images=total,
        class_counts=counts,
        largest_class_share=measured(max(counts) / total, total, "labels of all test images"),
    )
