"""The presets `quick` and `cpu`: every network class under the same attacks."""

from dataclasses import replace
from functools import partial
from typing import Any, Final

from natrob_empirical.benchmarks.presets.preset import AttackSpecification, Preset, PresetModel, StepSizeSweep
from natrob_empirical.models import ContractiveSpecification, ModelSpecification
from natrob_empirical.training import MarginTraining, TrainingSpecification

LINF_BUDGETS: Final = (0.02, 0.05, 0.1, 0.2, 0.5)
L2_BUDGETS: Final = (0.1, 0.3, 0.6, 1.0)
MNIST_LINF_BUDGETS: Final = (0.1, 0.2, 0.3, 0.5)
MNIST_L2_BUDGETS: Final = (0.5, 1.0, 1.58, 3.0)


def _all_networks(training: TrainingSpecification, **sizes: Any) -> tuple[PresetModel, ...]:
    """Every network class with T = 1, and the plain ResNet, h = 1, beside the small step.

    FractalNet has no identity path, so a small h would only shrink the state; it keeps h = 1.
    """
    specifications = (
        ModelSpecification(label="ResNet, h = 1", network="euler", step_size=1.0, num_steps=5, **sizes),
        ModelSpecification(label="ResNet, h = 0.2", network="euler", **sizes),
        ModelSpecification(label="Heun, h = 0.2", network="heun", **sizes),
        ModelSpecification(label="RK4, h = 0.5", network="runge_kutta", step_size=0.5, num_steps=2, **sizes),
        ModelSpecification(
            label="Backward Euler, h = 0.1", network="backward_euler", step_size=0.1, num_steps=10, **sizes
        ),
        ModelSpecification(label="PolyNet, h = 0.2", network="polynet", **sizes),
        ModelSpecification(label="FractalNet, h = 1", network="fractalnet", step_size=1.0, num_steps=2, **sizes),
        ModelSpecification(label="RevNet, h = 0.2", network="revnet", **sizes),
        ModelSpecification(label="Neural ODE, T = 1", network="neural_ode", **sizes),
    )
    return tuple(PresetModel(specification=specification, training=training) for specification in specifications)


def _attacks(linf: tuple[float, ...], l2: tuple[float, ...], *, steps: int) -> tuple[AttackSpecification, ...]:
    """Noise, Move to Gray, FGSM and PGD in L∞, and PGD in L2."""
    noise = AttackSpecification(label="Random Noise", attack="RandomNoise", norm="Linf", epsilons=linf)
    pgd = replace(noise, label=f"PGD-{steps}", attack="PGD", steps=steps)
    return (
        noise,
        replace(noise, label="Move to Gray", attack="MoveToGray", steps=10),
        replace(noise, label="FGSM", attack="FGSM"),
        pgd,
        replace(pgd, norm="L2", epsilons=l2),
    )


CONTRACTIVE: Final = "Gradient flow, h = 2/‖W‖²"
ADAPTIVE_FLOW: Final = "Gradient flow, adaptive solver"
_FOR_MARGINS: Final = TrainingSpecification(
    method=MarginTraining(offset=0.5, temperature=0.1), epochs=40, learning_rate=5e-3
)
JUDGED: Final = (CONTRACTIVE, "ResNet, h = 1", "Neural ODE, T = 1")
"""The models of `quick` that AutoAttack judges, at two radii; `certified-digits-cpu` has the others."""
_auto_attack: Final = partial(AttackSpecification, label="AutoAttack", attack="AutoAttack", images=50, only_on=JUDGED)

_QUICK: Final = Preset(
    name="quick",
    summary="every network class on scikit-learn's handwritten digits, CPU, under 2 minutes",
    dataset="digits",
    models=(
        *_all_networks(TrainingSpecification(epochs=6), channels=8, hidden=8, pool_size=4),
        PresetModel(
            specification=ContractiveSpecification(
                label=CONTRACTIVE,
                network="gradient_flow",
                channels=128,
                hidden=64,
                num_steps=4,
                constraint="orthogonal",
            ),
            training=_FOR_MARGINS,
        ),
        PresetModel(
            specification=ContractiveSpecification(
                label=ADAPTIVE_FLOW,
                network="gradient_flow",
                method="adaptive",
                channels=192,
                hidden=128,
                num_steps=6,
                constraint="orthogonal",
                max_step_size=0.667,
            ),
            training=_FOR_MARGINS,
        ),
    ),
    attacks=(
        *_attacks(LINF_BUDGETS, L2_BUDGETS, steps=10),
        AttackSpecification(label="FAB", attack="FAB", norm="L2", epsilons=(0.3,), only_on=(CONTRACTIVE,)),
        _auto_attack(norm="Linf", epsilons=(0.1,)),
        _auto_attack(norm="L2", epsilons=(0.6,)),
    ),
    test_images=200,
    step_sizes=StepSizeSweep(),
)

_CPU: Final = Preset(
    name="cpu",
    summary="every network class on the first 10,000 training and 1,000 test images of MNIST, CPU",
    dataset="mnist",
    models=_all_networks(
        TrainingSpecification(epochs=6, batch_size=128), channels=16, hidden=32, stem_stride=2, pool_size=7
    ),
    attacks=_attacks(MNIST_LINF_BUDGETS, MNIST_L2_BUDGETS, steps=40),
    train_images=10_000,
    test_images=1_000,
    step_sizes=StepSizeSweep(),
)

PRESETS: Final = (_QUICK, _CPU)
