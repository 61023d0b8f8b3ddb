"""The cells of one trained model, or one without a model: each is written before the next begins."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, final

import torch

from natrob_empirical.attacks import NonFiniteGradientError
from natrob_empirical.benchmarks.attack_cell import AttackedModel
from natrob_empirical.benchmarks.cells import AttackAtBudget, Cell, fitted_to_images
from natrob_empirical.benchmarks.contradiction_watch import ContradictionWatch
from natrob_empirical.benchmarks.environment import current_environment
from natrob_empirical.benchmarks.presets import Preset, PresetModel, budgets_of
from natrob_empirical.benchmarks.record_numbers import measured
from natrob_empirical.benchmarks.spared_images import spared_images
from natrob_empirical.benchmarks.step_size_cell import measure_step_sizes
from natrob_empirical.benchmarks.theory_cell import TrainedClassifier, measure_theory
from natrob_empirical.benchmarks.trained_models import TrainedModels
from natrob_empirical.models import AbstractClassifier
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.records import (
    AttackRefusal,
    AttackResult,
    CellRecord,
    DataResult,
    RecordStore,
    SampleCertificates,
    StepSizeResult,
    TheoryRefusal,
    TheoryResult,
)
from natrob_empirical.training import TrainingProgress, accuracy
from natrob_theory import ImplicitSolveError, IntegrationError


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


@final
@dataclass(kw_only=True)
class CellRunner:
    """The state of one process that runs cells.

    Attributes:
        preset: whose cells.
        store: of the records.
        trained: the models, with the images in use and the device.
        on_event: called after every cell and every step of training.
        total, done: cells of the run, and those finished.
        workers: processes that run cells side by side, for the records.
    """

    preset: Preset
    store: RecordStore
    trained: TrainedModels
    on_event: Callable[[RunEvent], None]
    total: int = 0
    done: int = 0
    workers: int = 1

    def __post_init__(self) -> None:
        self.dataset, self.device = self.trained.dataset, self.trained.device
        self.images = self.dataset.to_images(self.dataset.test_x).to(self.device)
        self.labels = self.dataset.test_y.to(self.device)

    def run(self, group: list[Cell]) -> None:
        """The sweep over step sizes, or all cells of one trained model."""
        first = group[0]
        if first.sweep is not None:
            self.without_model(first, partial(measure_step_sizes, first.sweep, RandomStreams(first.key.seed)))
        elif first.model is not None:
            self._of_model(group, first.model)

    def without_model(self, cell: Cell, measure: Callable[[], StepSizeResult | DataResult]) -> None:
        """A cell without a model: labels, or small tensors in float64, so it stays on the CPU."""
        if self.store.read(cell.key, cell.settings) is not None:
            self.finished(cell, found=True)
            return
        self._write(cell, measure(), torch.device("cpu"))

    def needs(self, group: list[Cell]) -> frozenset[Path]:
        """The checkpoints of the models that the group is measured and attacked on."""
        described = [(cell.model, cell.key.seed) for cell in group[:1] if cell.model is not None]
        described += [(self._source(label), group[0].key.seed) for label in _sources_of(group)]
        return frozenset(self.trained.path_of(model, seed) for model, seed in described)

    def is_done(self, group: list[Cell]) -> bool:
        """Whether the record of every cell is there and can be read."""
        return all(self.store.read(cell.key, cell.settings) is not None for cell in group)

    def _source(self, label: str) -> PresetModel:
        return fitted_to_images(self.preset.model_labelled(label), self.dataset.image_shape)

    def _of_model(self, group: list[Cell], model: PresetModel) -> None:
        """All cells of one trained model; it is loaded or trained only if a cell is missing."""
        missing, watch = [], ContradictionWatch()
        for cell in group:
            record = self.store.read(cell.key, cell.settings)
            if record is None:
                missing.append(cell)
            else:
                self.finished(cell, found=True)
                watch.add(record)
        if not missing:
            return
        classifier, seconds = self._trained(model, group[0])
        attacked = AttackedModel(classifier, self.images, self.labels)
        for cell in missing:
            if cell.attack is None:
                result = self._theory(classifier, cell, seconds)
            else:
                result = self._attacked(attacked, cell, cell.attack, watch.certificates)
            watch.add(self._write(cell, result, self.device))

    def _write(
        self,
        cell: Cell,
        result: TheoryResult | TheoryRefusal | AttackResult | AttackRefusal | StepSizeResult | DataResult,
        device: torch.device,
    ) -> CellRecord:
        environment = current_environment(device, workers=self.workers)
        record = CellRecord(cell=cell.key, settings=cell.settings, environment=environment, result=result)
        self.store.write(record)
        self.finished(cell, found=False)
        return record

    def finished(self, cell: Cell, *, found: bool) -> None:
        """Count the cell, and tell of it."""
        self.done += 1
        self.on_event(RunEvent(kind="cell", done=self.done, total=self.total, cell=cell, found=found))

    def trains(self, cell: Cell, step: TrainingProgress) -> None:
        """Tell of a step of training."""
        self.on_event(RunEvent(kind="training", done=self.done, total=self.total, cell=cell, training=step))

    def _trained(self, model: PresetModel, cell: Cell) -> tuple[AbstractClassifier, float]:
        """The trained classifier and its training time; the training is shown as part of this cell."""
        return self.trained.get(model, cell.key.seed, progress=partial(self.trains, cell))

    def _theory(self, classifier: AbstractClassifier, cell: Cell, seconds: float) -> TheoryResult | TheoryRefusal:
        train_images = self.dataset.to_images(self.dataset.train_x).to(self.device)
        on_train = accuracy(classifier, train_images, self.dataset.train_y.to(self.device))
        on_test = accuracy(classifier, self.images, self.labels)
        return measure_theory(
            TrainedClassifier(
                classifier=classifier,
                train_accuracy=measured(on_train, len(train_images), "training images"),
                clean_accuracy=measured(on_test, len(self.images), "test images"),
                training_seconds=seconds,
            ),
            self.images,
            self.labels,
            pairs=cell.settings["pairs"],
            budgets=budgets_of(self.preset.attacks),
            streams=RandomStreams(cell.key.seed),
            own_certificates=cell.settings.get("own_certificates"),
        )

    def _attacked(
        self,
        attacked: AttackedModel,
        cell: Cell,
        attack: AttackAtBudget,
        certificates: Sequence[SampleCertificates],
    ) -> AttackResult | AttackRefusal:
        """One attack; the model that its images are made on, if another, is loaded or trained first."""
        label, source = attack.specification.source, None
        if label is not None:
            source, _ = self._trained(self._source(label), cell)
        streams = RandomStreams(cell.key.seed)
        spared = spared_images(
            certificates,
            norm=attack.specification.norm,
            epsilon=attack.epsilon,
            count=min(attack.specification.images or len(self.images), len(self.images)),
            streams=streams,
        )
        started = time.perf_counter()
        try:
            return attacked.result(attack, source=source, generator=streams.generator("attack"), spared=spared)
        except (IntegrationError, ImplicitSolveError, NonFiniteGradientError) as failure:
            return AttackRefusal(
                reason=" ".join(str(failure).split()),
                seconds=time.perf_counter() - started,
                only_on=list(attack.specification.only_on),
            )


def _sources_of(group: list[Cell]) -> set[str]:
    """The labels of the models that transferred images are made on."""
    attacks = (cell.attack.specification for cell in group if cell.attack is not None)
    return {attack.source for attack in attacks if attack.source is not None}
