"""Running a preset: model by model or several side by side, each finished cell on disk before the next begins."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch

from natrob_empirical.benchmarks.cell_runner import CellRunner, RunEvent
from natrob_empirical.benchmarks.cells import Cell, cells_of, subset_of
from natrob_empirical.benchmarks.crew import Crew, crew_of, threads_set
from natrob_empirical.benchmarks.data_cell import data_cell, measure_data
from natrob_empirical.benchmarks.environment import available_memory
from natrob_empirical.benchmarks.plan import PlannedCell, planned_cells, require_fit
from natrob_empirical.benchmarks.presets import Preset
from natrob_empirical.benchmarks.side_by_side import Task, run_side_by_side
from natrob_empirical.benchmarks.trained_models import TrainedModels
from natrob_empirical.benchmarks.worker import Progress, WorkerSetup
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
    workers: int | None = 1,
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
        workers: processes that run models side by side on a CPU, as many as memory allows; None for as many as there
            are cores if the models are small, and one if they are not. Small models run on one thread each whatever the
            number, so that it changes no bit of a result; their records' seconds are those of a busy machine.
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
        planned, available = list(planned_cells(preset, subset, rate=1.0)), available_memory(device)
        require_fit(planned, available=available)
        crew = crew_of(planned, device, workers=workers, available=available)
        data, groups = data_cell(preset, dataset), list(cells_of(preset, subset))
        runner = CellRunner(
            preset=preset,
            store=store,
            trained=TrainedModels(subset, models or output / "checkpoints", device),
            on_event=on_event or (lambda _event: None),
            total=1 + sum(map(len, groups)),
        )
        with threads_set(crew.threads):
            runner.without_model(data, partial(measure_data, preset, dataset))
            _run_groups(runner, groups, planned, crew)
    return store


def _run_groups(runner: CellRunner, groups: list[list[Cell]], planned: Sequence[PlannedCell], crew: Crew) -> None:
    """Run the groups here, one after the other, or side by side those of which a cell is missing."""
    missing = [group for group in groups if not runner.is_done(group)] if crew.workers > 1 else []
    beside = missing if len(missing) > 1 else []
    apart = set(map(id, beside))
    for group in groups:
        if id(group) not in apart:
            runner.run(group)
    if not beside:
        return
    workers = min(crew.workers, len(beside))
    setup = WorkerSetup(
        preset=runner.preset,
        dataset=runner.dataset,
        records=runner.store.folder,
        checkpoints=runner.trained.store.folder,
        threads=crew.threads,
        workers=workers,
    )
    tasks = [Task(group=group, checkpoints=runner.needs(group), flops=_flops(group, planned)) for group in beside]

    def tell(cell: Cell, progress: Progress) -> None:
        if progress.training is None:
            runner.finished(cell, found=progress.found)
        else:
            runner.trains(cell, progress.training)

    run_side_by_side(tasks, setup, tell)


def _flops(group: list[Cell], planned: Sequence[PlannedCell]) -> float:
    """The cost of a model's cells, those that are there already included; unknown, so infinite, without a model."""
    if group[0].model is None:
        return math.inf
    key = group[0].key
    return sum(one.flops for one in planned if (one.cell.key.model, one.cell.key.seed) == (key.model, key.seed))
