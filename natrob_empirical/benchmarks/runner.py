"""Running a preset: cell by cell, each finished one on disk before the next begins."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from natrob_empirical.benchmarks.cell_runner import CellRunner, RunEvent
from natrob_empirical.benchmarks.cells import cells_of, subset_of
from natrob_empirical.benchmarks.data_cell import count_classes, data_cell
from natrob_empirical.benchmarks.environment import available_memory
from natrob_empirical.benchmarks.plan import require_fit
from natrob_empirical.benchmarks.presets import Preset
from natrob_empirical.benchmarks.trained_models import TrainedModels
from natrob_empirical.datasets import Dataset
from natrob_empirical.files.sole_writer import lock_of_folder, sole_writer
from natrob_empirical.records import RecordStore


def run_preset(
    preset: Preset,
    dataset: Dataset,
    output: Path,
    *,
    device: torch.device,
    models: Path | None = None,
    on_event: Callable[[RunEvent], None] | None = None,
) -> RecordStore:
    """Run every cell whose record is not in `output/records` yet, and return the store.

    A cell's record is written as soon as the cell is done, so an interrupted run loses the cell in progress only; a
    training in progress goes on from its last state.

    Args:
        preset: what is run.
        dataset: its images; the preset takes the first so and so many.
        output: the folder of the records.
        device: where models are trained and attacked.
        models: the folder of trained models, `output/checkpoints` if None. Benchmarks that share it train a model once.
        on_event: called after every cell and every step of training.

    Raises:
        PermissionError, NotADirectoryError: the output folder cannot be written to.
        InUseError: another run writes into the output folder, or trains one of the models, now.
        PresetTooLargeError: a model that cannot fit the device's free memory.
        TrainingDivergedError: a loss that is not finite.
        CertificateContradictedError: an attack fooled a model inside a radius certified for the image, in this run or
            in records that were there; both records are on disk.
    """
    store = RecordStore(output / "records")
    with sole_writer(lock_of_folder(output), what=f"the output folder {output}"):
        subset = subset_of(preset, dataset)
        require_fit(preset, dataset, available=available_memory(device))
        data, groups = data_cell(preset, dataset), list(cells_of(preset, subset))
        runner = CellRunner(
            preset=preset,
            store=store,
            trained=TrainedModels(subset, models or output / "checkpoints", device),
            on_event=on_event or (lambda _event: None),
            total=1 + sum(map(len, groups)),
        )
        runner.without_model(data, partial(count_classes, dataset))
        for group in groups:
            runner.run(group)
    return store
