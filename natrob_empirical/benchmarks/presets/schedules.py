"""The training schedules that several presets share."""

from dataclasses import replace
from typing import Final

from natrob_empirical.training import AbstractTrainingMethod, EngineOptions, StandardTraining, TrainingSpecification

FAST_ENGINE: Final = EngineOptions(precision="bfloat16", tf32=True, channels_last=True)

HE_2016: Final = TrainingSpecification(
    epochs=164,
    batch_size=128,
    optimiser="sgd",
    learning_rate=0.1,
    momentum=0.9,
    weight_decay=1e-4,
    schedule="milestones",
    milestones=(82, 123),
    augmentation="crop_flip",
    engine=EngineOptions(tf32=True, channels_last=True),
)
"""He et al., arXiv 1512.03385, section 4.2: 64,000 steps of 128 images of CIFAR-10, milestones at 32,000 and 48,000."""

HE_2016_MNIST: Final = replace(HE_2016, epochs=137, milestones=(68, 102), augmentation="none")
"""As many steps on the 60,000 images of MNIST, where mirroring would change the digit."""


def small_training(
    *, epochs: int, learning_rate: float = 3e-3, fast: bool = False, method: AbstractTrainingMethod | None = None
) -> TrainingSpecification:
    """AdamW with one cosine decay: the short schedules of the presets that are not the paper's.

    Args:
        epochs: passes over the training images.
        learning_rate: at the start.
        fast: bfloat16, TF32 and channels-last, for a GPU, with batches of 256 instead of 64.
        method: standard training if None.
    """
    return TrainingSpecification(
        method=method or StandardTraining(),
        epochs=epochs,
        batch_size=256 if fast else 64,
        learning_rate=learning_rate,
        engine=FAST_ENGINE if fast else EngineOptions(),
    )
