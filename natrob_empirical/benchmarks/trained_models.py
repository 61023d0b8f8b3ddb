"""The trained models of a run: loaded from their checkpoints, or trained now."""

from collections.abc import Callable
from pathlib import Path
from typing import final

import torch

from natrob_empirical.benchmarks.cells import model_settings
from natrob_empirical.benchmarks.checkpoints import Checkpoint, CheckpointStore
from natrob_empirical.benchmarks.presets import PresetModel
from natrob_empirical.datasets import Dataset
from natrob_empirical.models import AbstractClassifier, build_classifier, trained_form
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.training import TrainingProgress, TrainingResult, previous_state, train
from natrob_theory import materialised


@final
class TrainedModels:
    """The models of one data set on one device.

    Args:
        dataset: of the training and test images in use.
        folder: of the checkpoints, and of the states of trainings in progress. Runs that share it train a model once.
        device: where the models are put.
    """

    def __init__(self, dataset: Dataset, folder: Path, device: torch.device) -> None:
        self.dataset = dataset
        self.device = device
        self.store = CheckpointStore(folder)

    def path_of(self, model: PresetModel, seed: int) -> Path:
        """Where the model's checkpoint is, or will be."""
        return self.store.path_of(model_settings(model, self.dataset, seed))

    def get(
        self, model: PresetModel, seed: int, *, progress: Callable[[TrainingProgress], None] | None = None
    ) -> tuple[AbstractClassifier, float]:
        """The classifier in eval mode with plain weights (`materialised`), and the seconds that its training took.

        A training that was interrupted goes on where it stopped, also where the finished model could not be written.

        Raises:
            TrainingDivergedError, TrainingMemoryError, TrainingStateError, InUseError: as `train` does.
            OSError: the trained model could not be written; the message says where it was saved instead.
        """
        settings = model_settings(model, self.dataset, seed)
        checkpoint = self.store.read(settings)
        if checkpoint is None:
            checkpoint = self._train(model, settings, seed, progress)
        return materialised(checkpoint.classifier()).to(self.device), checkpoint.training_seconds

    def _train(
        self,
        model: PresetModel,
        settings: dict[str, object],
        seed: int,
        progress: Callable[[TrainingProgress], None] | None,
    ) -> Checkpoint:
        streams = RandomStreams(seed)
        classifier = build_classifier(
            model.specification,
            image_shape=self.dataset.image_shape,
            num_classes=self.dataset.num_classes,
            generator=streams.generator("init"),
        ).to(self.device)
        written: list[Checkpoint] = []
        state = self.store.path_of(settings).with_suffix(".training")

        def write(result: TrainingResult) -> None:
            checkpoint = Checkpoint(
                settings=settings,
                image_shape=self.dataset.image_shape,
                num_classes=self.dataset.num_classes,
                state_dict=classifier.state_dict(),
                training_seconds=result.seconds,
            )
            self.store.write(checkpoint, expendable=(previous_state(state),))
            written.append(checkpoint)

        train(
            trained_form(classifier, model.specification),
            self.dataset,
            model.training,
            generator=streams.generator("train"),
            state=state,
            progress=progress,
            finished=write,
        )
        return written[0]
