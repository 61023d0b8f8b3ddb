"""Running a preset: cell by cell, each finished one on disk before the next begins."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from natrob_empirical.attacks import attack_accuracy
from natrob_empirical.benchmarks.cells import AttackAtBudget, Cell, cells_of, majority_share, model_settings
from natrob_empirical.benchmarks.checkpoints import Checkpoint, CheckpointStore
from natrob_empirical.benchmarks.environment import current_environment
from natrob_empirical.benchmarks.presets import Preset, StepSizeSweep, budgets_of
from natrob_empirical.benchmarks.step_size_cell import measure_step_sizes
from natrob_empirical.benchmarks.theory_cell import TrainedClassifier, measure_theory
from natrob_empirical.datasets import Dataset
from natrob_empirical.models import IntegratorClassifier, ModelSpecification, build_classifier
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.records import (
    AttackResult,
    CellRecord,
    Number,
    RecordStore,
    StepSizeResult,
    TheoryRefusal,
    TheoryResult,
)
from natrob_empirical.training import TrainingProgress, accuracy, train


@dataclass(frozen=True, kw_only=True)
class RunEvent:
    """Something to show while a preset runs.

    Attributes:
        kind: "cell" after a cell has been written or found, "training" after a step of training.
        done, total: cells finished, and cells of the preset.
        cell: the cell, or the model's theory cell during its training.
        found: whether the cell's record was there already.
        training: the step, for "training".
    """

    kind: Literal["cell", "training"]
    done: int
    total: int
    cell: Cell
    found: bool = False
    training: TrainingProgress | None = None


def run_preset(
    preset: Preset,
    dataset: Dataset,
    output: Path,
    *,
    device: torch.device,
    on_event: Callable[[RunEvent], None] | None = None,
) -> RecordStore:
    """Run every cell whose record is not in `output/records` yet, and return the store.

    A cell's record is written as soon as the cell is done, so an interrupted run loses the cell in progress only.

    Raises:
        PermissionError, NotADirectoryError: the output folder cannot be written to.
        TrainingDivergedError: a loss that is not finite.
    """
    store = RecordStore(output / "records")
    checkpoints = CheckpointStore(output / "checkpoints")
    subset = dataset.subset(
        train=min(preset.train_images or len(dataset.train_x), len(dataset.train_x)),
        test=min(preset.test_images or len(dataset.test_x), len(dataset.test_x)),
    )
    groups = list(cells_of(preset, subset))
    run = _Run(preset, subset, store, checkpoints, device, on_event or (lambda _event: None))
    run.total = sum(len(group) for group in groups)
    for group in groups:
        if group[0].sweep is not None:
            run.step_sizes(group[0], group[0].sweep)
        elif group[0].model is not None:
            run.model(group, group[0].model)
    return store


class _Run:
    """The state of one call of `run_preset`."""

    def __init__(
        self,
        preset: Preset,
        dataset: Dataset,
        store: RecordStore,
        checkpoints: CheckpointStore,
        device: torch.device,
        on_event: Callable[[RunEvent], None],
    ) -> None:
        self.preset = preset
        self.dataset = dataset
        self.store = store
        self.checkpoints = checkpoints
        self.device = device
        self.on_event = on_event
        self.total = 0
        self.done = 0
        self.images = dataset.to_images(dataset.test_x).to(device)
        self.labels = dataset.test_y.to(device)

    def step_sizes(self, cell: Cell, sweep: StepSizeSweep) -> None:
        """The sweep over step sizes: small tensors in float64, so it stays on the CPU."""
        if self.store.read(cell.key, cell.settings) is not None:
            self._finished(cell, found=True)
            return
        result = measure_step_sizes(sweep, RandomStreams(cell.key.seed))
        self._write(cell, result, torch.device("cpu"))

    def model(self, group: list[Cell], specification: ModelSpecification) -> None:
        """All cells of one trained model; it is loaded or trained only if a cell is missing."""
        missing = []
        for cell in group:
            if self.store.read(cell.key, cell.settings) is None:
                missing.append(cell)
            else:
                self._finished(cell, found=True)
        if not missing:
            return
        streams = RandomStreams(missing[0].key.seed)
        classifier, seconds = self._trained(group[0], specification, streams)
        for cell in missing:
            started = time.perf_counter()
            if cell.attack is None:
                result = self._theory(classifier, cell, streams, seconds)
            else:
                result = self._attacked(classifier, cell.attack, streams, started)
            self._write(cell, result, self.device)

    def _write(
        self, cell: Cell, result: TheoryResult | TheoryRefusal | AttackResult | StepSizeResult, device: torch.device
    ) -> None:
        self.store.write(
            CellRecord(cell=cell.key, settings=cell.settings, environment=current_environment(device), result=result)
        )
        self._finished(cell, found=False)

    def _finished(self, cell: Cell, *, found: bool) -> None:
        self.done += 1
        self.on_event(RunEvent(kind="cell", done=self.done, total=self.total, cell=cell, found=found))

    def _trained(
        self, cell: Cell, specification: ModelSpecification, streams: RandomStreams
    ) -> tuple[IntegratorClassifier, float]:
        """The trained classifier in eval mode, from its checkpoint or trained now, and its training time."""
        classifier = build_classifier(
            specification,
            image_shape=self.dataset.image_shape,
            num_classes=self.dataset.num_classes,
            generator=streams.generator("init"),
        ).to(self.device)
        settings = model_settings(self.preset, specification, self.dataset, cell.key.seed)
        shape, classes = self.dataset.image_shape, self.dataset.num_classes
        checkpoint = self.checkpoints.read(settings, image_shape=shape, num_classes=classes)
        if checkpoint is None:
            started = time.perf_counter()
            train(
                classifier,
                self.dataset,
                self.preset.training,
                generator=streams.generator("train"),
                progress=lambda step: self.on_event(
                    RunEvent(kind="training", done=self.done, total=self.total, cell=cell, training=step)
                ),
            )
            checkpoint = Checkpoint(
                settings=settings,
                image_shape=shape,
                num_classes=classes,
                state_dict=classifier.state_dict(),
                training_seconds=time.perf_counter() - started,
            )
            self.checkpoints.write(checkpoint)
        classifier.load_state_dict(checkpoint.state_dict)
        return classifier.eval(), checkpoint.training_seconds

    def _theory(
        self, classifier: IntegratorClassifier, cell: Cell, streams: RandomStreams, seconds: float
    ) -> TheoryResult | TheoryRefusal:
        train_images = self.dataset.to_images(self.dataset.train_x).to(self.device)
        on_train = accuracy(classifier, train_images, self.dataset.train_y.to(self.device))
        on_test = accuracy(classifier, self.images, self.labels)
        return measure_theory(
            TrainedClassifier(
                classifier=classifier,
                train_accuracy=_measured(on_train, len(train_images), "training images"),
                clean_accuracy=_measured(on_test, len(self.images), "test images"),
                training_seconds=seconds,
            ),
            self.images,
            self.labels,
            pairs=cell.settings["pairs"],
            budgets=budgets_of(self.preset.attacks),
            streams=streams,
        )

    def _attacked(
        self, classifier: IntegratorClassifier, attack: AttackAtBudget, streams: RandomStreams, started: float
    ) -> AttackResult:
        evaluation = attack_accuracy(
            attack.specification.build(attack.epsilon),
            classifier,
            self.images,
            self.labels,
            generator=streams.generator("attack"),
        )
        n = evaluation.num_samples
        source = f"{attack.specification.label} found no more"
        return AttackResult(
            accuracy=Number(value=evaluation.accuracy, kind="upper", n=n, source=source),
            clean_accuracy=_measured(evaluation.clean_accuracy, n, "test images"),
            majority_share=majority_share(self.labels),
            largest_distance=evaluation.largest_distance,
            mean_queries=evaluation.mean_queries,
            mean_gradient_calls=evaluation.mean_gradient_calls,
            seconds=time.perf_counter() - started,
        )


def _measured(value: float, n: int, source: str) -> Number:
    return Number(value=value, kind="measured", n=n, source=source)
