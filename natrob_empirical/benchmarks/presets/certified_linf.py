"""An Euler network trained by intervals, so that linear relaxations certify it in L∞."""

from typing import Final

from natrob_empirical.benchmarks.presets.preset import AttackSpecification, Preset, PresetModel
from natrob_empirical.models import ModelSpecification
from natrob_empirical.training import IntervalTraining, TrainingSpecification

PRESETS: Final = (
    Preset(
        name="certified-linf-cpu",
        summary="an Euler network trained by intervals for the radius 0.1 in L∞; MNIST, CPU",
        dataset="mnist",
        models=(
            PresetModel(
                specification=ModelSpecification(
                    label="Euler network, intervals to 0.11",
                    network="euler",
                    channels=16,
                    hidden=16,
                    step_size=1.0,
                    num_steps=3,
                    stem_block=2,
                    pool_size=14,
                    weights="per_step",
                    initialisation="interval",
                ),
                training=TrainingSpecification(
                    method=IntervalTraining(epsilon=0.11, kappa=0.1, rising_share=0.4),
                    epochs=7,
                    batch_size=100,
                    learning_rate=5e-3,
                    gradient_norm=5.0,
                ),
            ),
        ),
        attacks=(
            AttackSpecification(label="PGD-40", attack="PGD", norm="Linf", epsilons=(0.1,), steps=40, images=1_000),
            AttackSpecification(label="AutoAttack", attack="AutoAttack", norm="Linf", epsilons=(0.1,), images=100),
        ),
        interval_certificates=1_000,
    ),
)
