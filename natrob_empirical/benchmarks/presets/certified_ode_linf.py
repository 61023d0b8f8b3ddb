"""A Neural ODE trained by intervals and certified in L∞ as its adaptive solver runs, under a cap on the step."""

from typing import Final

from natrob_empirical.benchmarks.presets.preset import AttackSpecification, Preset, PresetModel
from natrob_empirical.models import RowBoundedSpecification
from natrob_empirical.training import IntervalTraining, TrainingSpecification

PRESETS: Final = (
    Preset(
        name="certified-ode-linf-cpu",
        summary="a Neural ODE under its adaptive solver, trained by intervals for the radius 0.1 in L∞; MNIST, CPU",
        dataset="mnist",
        test_images=1_000,
        models=(
            PresetModel(
                specification=RowBoundedSpecification(
                    label="Neural ODE, intervals to 0.12", lipschitz=0.5, trained_steps=1, max_step_size=0.25
                ),
                training=TrainingSpecification(
                    method=IntervalTraining(epsilon=0.12, kappa=0.1, rising_share=0.4),
                    epochs=5,
                    batch_size=100,
                    learning_rate=5e-3,
                    gradient_norm=5.0,
                ),
            ),
        ),
        attacks=(
            AttackSpecification(label="PGD-20", attack="PGD", norm="Linf", epsilons=(0.1,), steps=20, images=300),
        ),
        interval_certificates=1_000,
    ),
)
