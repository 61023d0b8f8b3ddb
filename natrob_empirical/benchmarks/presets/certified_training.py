"""How gradient flows are trained for certificates on a CPU, and the rows of the ablation that chose it."""

from dataclasses import replace
from typing import Any, Final

from natrob_empirical.benchmarks.presets.preset import AttackSpecification, Preset, PresetModel
from natrob_empirical.models import ContractiveSpecification
from natrob_empirical.training import (
    AbstractTrainingMethod,
    EngineOptions,
    MarginTraining,
    OrthonormalTraining,
    RadiusTraining,
    TrainingSpecification,
)

FAST: Final = EngineOptions(precision="bfloat16")


def flow(label: str, **changes: Any) -> ContractiveSpecification:
    """A dense gradient flow at h = 2 with plain weights, in which a quarter of the directions are folded a step."""
    settings: dict[str, Any] = {"channels": 1024, "hidden": 256, "num_steps": 4, "constraint": "projected"}
    return ContractiveSpecification(label=label, **{"network": "gradient_flow", **settings, **changes})


def along_orthonormal_weights(method: AbstractTrainingMethod, **changes: Any) -> TrainingSpecification:
    """Muon along the set of orthonormal weights, products in bfloat16."""
    settings: dict[str, Any] = {
        "batch_size": 256,
        "optimiser": "muon",
        "learning_rate": 2e-2,
        "momentum": 0.9,
        "engine": FAST,
    }
    return TrainingSpecification(
        method=OrthonormalTraining(method=method, products="bfloat16"), **{**settings, **changes}
    )


NEAR: Final = RadiusTraining(epsilon=0.5, asked=0.85, temperature=0.14, weight=0.5, slack=0.1)
FAR: Final = RadiusTraining(epsilon=1.58, asked=1.77, temperature=0.21, weight=1.0, slack=0.2)


def _long_models(epochs: int, **sizes: Any) -> tuple[PresetModel, ...]:
    """Warped images close the gap between training and test images.

    The smaller radius, where fewer images are left to win, takes twice the epochs and a stronger warp.
    """
    return (
        PresetModel(
            specification=flow("Gradient flow, radius 1.58", head="free", **sizes),
            training=along_orthonormal_weights(FAR, epochs=epochs, augmentation="affine"),
        ),
        PresetModel(
            specification=flow("Gradient flow, radius 0.5", head="free", **sizes),
            training=along_orthonormal_weights(NEAR, epochs=2 * epochs, augmentation="affine", warp=9.0),
        ),
    )


def _ablation_models(epochs: int) -> tuple[PresetModel, ...]:
    """One change a row: the first three lead from the earlier training to the base, the others leave the base."""
    margin = MarginTraining(offset=2.5, temperature=0.3)
    base = PresetModel(specification=flow("Base"), training=along_orthonormal_weights(margin, epochs=epochs))

    def row(label: str, *, training: TrainingSpecification = base.training, **network: Any) -> PresetModel:
        return PresetModel(specification=flow(label, **network), training=training)

    factorised: dict[str, Any] = {"optimiser": "adamw", "learning_rate": 1e-2, "epochs": epochs, "batch_size": 256}
    convolution: dict[str, Any] = {"layout": "convolutional", "downscale": 4, "channels": 64, "hidden": 64}
    plain = along_orthonormal_weights(margin, epochs=epochs).method
    return (
        row(
            "Factorised weights, AdamW, float32",
            constraint="orthogonal",
            training=TrainingSpecification(method=margin, **factorised),
        ),
        row(
            "Factorised weights, AdamW, bfloat16",
            constraint="orthogonal",
            training=TrainingSpecification(method=margin, engine=FAST, **factorised),
        ),
        row(
            "Projected weights, AdamW, bfloat16",
            training=TrainingSpecification(method=plain, engine=FAST, **{**factorised, "learning_rate": 2e-3}),
        ),
        row(
            "Factorised weights, Muon, bfloat16",
            constraint="orthogonal",
            training=TrainingSpecification(
                method=margin, engine=FAST, **{**factorised, "optimiser": "muon", "learning_rate": 2e-2}
            ),
        ),
        base,
        row("2 steps", num_steps=2),
        row("8 steps", num_steps=8),
        row("128 of 1024 directions a step", hidden=128),
        row("512 of 1024 directions a step", hidden=512),
        row("No extra features", channels=784),
        row("Radius 1.58 counted, weight 1", training=along_orthonormal_weights(FAR, epochs=epochs)),
        row(
            "Radius 1.58 counted, weight 4",
            training=along_orthonormal_weights(replace(FAR, weight=4.0), epochs=epochs),
        ),
        row(
            "Free head, radius 1.58 counted, weight 1",
            head="free",
            training=along_orthonormal_weights(FAR, epochs=epochs),
        ),
        row("Warped by 6", training=along_orthonormal_weights(margin, epochs=epochs, augmentation="affine")),
        row(
            "Shifts by one pixel",
            training=along_orthonormal_weights(margin, epochs=epochs, augmentation="crop", shift=1),
        ),
        row(
            "Convolutional, blocks of 4 pixels",
            constraint="gram",
            training=TrainingSpecification(method=margin, engine=FAST, **factorised),
            **convolution,
        ),
        row(
            "Rescaled weights, AdamW, bfloat16",
            constraint="rescaled",
            training=TrainingSpecification(method=margin, engine=FAST, **factorised),
        ),
        row(
            "The same, dissipative: skew part and damping",
            network="dissipative",
            constraint="rescaled",
            training=TrainingSpecification(method=margin, engine=FAST, **factorised),
        ),
    )


COLOUR: Final = RadiusTraining(epsilon=36 / 255, asked=0.25, temperature=0.08, weight=0.5, slack=0.05)


def _colour_models(epochs: int) -> tuple[PresetModel, ...]:
    """Convolutional flows in three stages: 16, 8 and 4 pixels a side; the dense one beside them."""
    schedule: dict[str, Any] = {"epochs": epochs, "batch_size": 256, "augmentation": "crop_flip", "engine": FAST}
    convolutional = ContractiveSpecification(
        label="Convolutional gradient flow, three stages",
        network="gradient_flow",
        layout="convolutional",
        downscale=2,
        channels=32,
        hidden=64,
        num_steps=4,
        stages=3,
        constraint="gram",
        head="free",
    )
    dense = flow("Dense gradient flow", channels=3072, hidden=512, head="free")
    return (
        PresetModel(
            specification=convolutional, training=TrainingSpecification(method=COLOUR, learning_rate=3e-3, **schedule)
        ),
        PresetModel(specification=dense, training=along_orthonormal_weights(COLOUR, **{**schedule, "batch_size": 512})),
    )


PRESETS: Final = (
    Preset(
        name="certified-long-cpu",
        summary="gradient flows trained for the radii 1.58 and 0.5 along orthonormal weights; MNIST, CPU, hours",
        dataset="mnist",
        models=_long_models(12, num_steps=12),
        attacks=(
            AttackSpecification(label="PGD-40", attack="PGD", norm="L2", epsilons=(0.5, 1.58), steps=40, images=1_000),
        ),
    ),
    Preset(
        name="certified-cifar10-cpu",
        summary="gradient flows trained for the radius 36/255; CIFAR-10 as JPEG, CPU, hours",
        dataset="cifar10_jpeg",
        models=_colour_models(30),
        attacks=(
            AttackSpecification(label="PGD-40", attack="PGD", norm="L2", epsilons=(36 / 255,), steps=40, images=1_000),
        ),
    ),
    Preset(
        name="certified-ablation-cpu",
        summary="one change a row in networks and training for certificates; 10,000 MNIST images, CPU",
        dataset="mnist",
        models=_ablation_models(5),
        train_images=10_000,
    ),
)
