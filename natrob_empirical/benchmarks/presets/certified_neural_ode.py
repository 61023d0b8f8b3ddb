"""Neural ODEs whose adaptive solver is certified: gradient flows with orthonormal rows, under a cap on the step."""

from typing import Any, Final

from natrob_empirical.benchmarks.presets.certified_training import NEAR, along_orthonormal_weights, flow
from natrob_empirical.benchmarks.presets.preset import AttackSpecification, Preset, PresetModel

LARGEST_STEP: Final = 0.67
"""Three steps of dopri5 a part: the solver's own errors then cost next to nothing of a radius."""


def neural_ode(label: str, *, epochs: int, warp: float = 9.0, **sizes: Any) -> PresetModel:
    """A stacked Neural ODE, trained by its exact flow for the radius 0.5."""
    settings: dict[str, Any] = {"method": "adaptive", "max_step_size": LARGEST_STEP, "head": "free", **sizes}
    return PresetModel(
        specification=flow(label, **settings),
        training=along_orthonormal_weights(NEAR, epochs=epochs, augmentation="affine", warp=warp),
    )


PRESETS: Final = (
    Preset(
        name="certified-ode-cpu",
        summary="a Neural ODE under its adaptive solver, trained for the radius 0.5; MNIST, CPU, an hour",
        dataset="mnist",
        models=(neural_ode("Neural ODE, radius 0.5", epochs=24, warp=6.0, hidden=384, num_steps=6),),
        attacks=(
            AttackSpecification(label="PGD-40", attack="PGD", norm="L2", epsilons=(0.5,), steps=40, images=1_000),
            AttackSpecification(label="AutoAttack", attack="AutoAttack", norm="L2", epsilons=(0.5,), images=100),
        ),
    ),
)
