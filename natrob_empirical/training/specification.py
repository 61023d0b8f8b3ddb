"""The training of a model, as data that a record can hold."""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, final

from natrob_empirical.files.plain_settings import added_setting, plain_settings
from natrob_empirical.names.choices import require_choices
from natrob_empirical.training.abstract_method import AbstractTrainingMethod
from natrob_empirical.training.augmentation import SHIFT
from natrob_empirical.training.standard_method import StandardTraining
from natrob_theory.numbers.argument_checks import require_count, require_nonnegative, require_positive

Optimiser: TypeAlias = Literal["adamw", "sgd", "muon"]
Schedule: TypeAlias = Literal["cosine", "milestones"]
Augmentation: TypeAlias = Literal["none", "crop", "crop_flip", "affine"]
Precision: TypeAlias = Literal["float32", "bfloat16"]


@final
@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """The arithmetic of a training: it changes the last bits, so it is part of what a trained model is.

    Attributes:
        precision: "bfloat16" runs the forward pass under autocast; weights, optimiser, losses and the states of
            integrators stay float32. Too coarse for the equations that backward Euler solves, which says so.
        tf32: whether float32 matrix products may use TF32 on a GPU that has it.
        channels_last: the memory format of images and weights.
        compiled: whether `torch.compile` is applied; a compiled dropout draws other numbers than a plain one.
    """

    precision: Precision = "float32"
    tf32: bool = False
    channels_last: bool = False
    compiled: bool = False

    def __post_init__(self) -> None:
        require_choices(self)


@final
@dataclass(frozen=True, kw_only=True)
class TrainingSpecification:
    """The training of a model.

    Attributes:
        method: whose loss is minimised.
        epochs: passes over the training images.
        batch_size: images per step; the last, smaller batch of an epoch counts too. A single image that is left over
            joins the batch before it where batch norm could not be trained on it alone.
        optimiser: "adamw" (decoupled weight decay), "sgd" (momentum, weight decay added to the gradient) or "muon":
            matrices are stepped along their orthogonalised momentum, the rest as by "adamw" (`MatrixMomentum`).
        learning_rate: at the start.
        momentum: of "sgd" and "muon"; "adamw" keeps its betas of 0.9 and 0.999.
        weight_decay: at least 0.
        schedule: "cosine" falls to 0 along half a cosine, step by step; "milestones" multiplies the rate by 0.1 at
            the start of each of the epochs in `milestones`.
        milestones: counted in finished epochs, ascending.
        augmentation: "crop" shifts by up to `shift` pixels with zero padding, "crop_flip"
            mirrors every other image as well; "affine" turns, stretches and shears about the middle, see `warp`.
        engine: how the arithmetic is done.
        warmup: the share of all steps, from 0 up to but not 1, over which the schedule's rate is multiplied by a factor
            that rises linearly to 1.
        shift: the largest one of the augmentations that shift, in pixels, from 1 to 4.
        warp: of "affine": the largest angle in degrees and the largest stretch and shear in per cent, at most 50.
        gradient_norm: where given, a longer gradient of all parameters together, in L2, is shortened to it before a
            step.
    """

    method: AbstractTrainingMethod = field(default_factory=StandardTraining)
    epochs: int = 12
    batch_size: int = 64
    optimiser: Optimiser = "adamw"
    learning_rate: float = 1e-2
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: Schedule = "cosine"
    milestones: tuple[int, ...] = ()
    augmentation: Augmentation = "none"
    engine: EngineOptions = field(default_factory=EngineOptions)
    warmup: float = added_setting(0.0)
    shift: int = added_setting(SHIFT)
    warp: float = added_setting(6.0)
    gradient_norm: float | None = added_setting(None)

    def __post_init__(self) -> None:
        if not isinstance(self.method, AbstractTrainingMethod):
            raise TypeError(f"`method` must be a training method such as {StandardTraining()}, got {self.method!r}")
        require_count("epochs", self.epochs)
        require_count("batch_size", self.batch_size)
        require_choices(self)
        require_positive("learning_rate", self.learning_rate)
        require_nonnegative("momentum", self.momentum)
        require_nonnegative("weight_decay", self.weight_decay)
        if require_count("shift", self.shift) > SHIFT:
            raise ValueError(f"`shift` must be at most {SHIFT} pixels, got {self.shift}")
        if require_positive("warp", self.warp) > 50:
            raise ValueError(f"`warp` must be at most 50 degrees and per cent, got {self.warp}")
        if self.warp != 6.0 and self.augmentation != "affine":
            raise ValueError(f'`warp` is a setting of "affine", got {self.warp} beside "{self.augmentation}"')
        if self.shift != SHIFT and self.augmentation in ("none", "affine"):
            raise ValueError(
                f'`shift` is a setting of the augmentations that shift, got {self.shift} beside "{self.augmentation}"'
            )
        if self.gradient_norm is not None:
            require_positive("gradient_norm", self.gradient_norm)
        if require_nonnegative("warmup", self.warmup) >= 1:
            raise ValueError(f"`warmup` must be less than 1, a share of all steps, got {self.warmup}")
        if list(self.milestones) != sorted(set(self.milestones)) or any(epoch < 1 for epoch in self.milestones):
            raise ValueError(f"`milestones` must be ascending epochs of at least 1, got {self.milestones}")

    def settings(self) -> dict[str, Any]:
        """Everything as plain data, and so what identifies the training in records and checkpoints.

        `method` holds the method's name besides its settings. Settings that came later (`added_setting`) are left out
        at their defaults, so that trainings from before keep their identity.
        """
        return {**plain_settings(self), "method": self.method.settings()}
