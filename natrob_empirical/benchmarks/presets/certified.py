"""From bounds to accuracy: contractive integrator networks beside the plain ResNet and the Neural ODE."""

from dataclasses import replace
from typing import Any, Final

from natrob_empirical.benchmarks.presets.overview import L2_BUDGETS, LINF_BUDGETS
from natrob_empirical.benchmarks.presets.preset import AttackSpecification, Preset, PresetModel
from natrob_empirical.benchmarks.presets.schedules import small_training
from natrob_empirical.models import ContractiveSpecification, ModelSpecification
from natrob_empirical.training import LipschitzPenalty, MarginTraining, SpectralNormalisation, TrainingSpecification


def _margin(offset: float, temperature: float, **schedule: Any) -> TrainingSpecification:
    """Scores of networks with orthonormal heads lead by √2 times the certified radius, so `offset` asks for more."""
    return TrainingSpecification(method=MarginTraining(offset=offset, temperature=temperature), **schedule)


def _digits_networks(training: TrainingSpecification, *, implicit: bool = True) -> tuple[PresetModel, ...]:
    """The three structures on digits, each at the largest step that the theorem allows; one convolutional.

    The skew one needs backward Euler, which solves an equation at every step of every pass.
    """
    dense: dict[str, Any] = {"channels": 128, "hidden": 64, "num_steps": 4, "constraint": "orthogonal"}
    specifications = [
        ContractiveSpecification(label="Gradient flow, h = 2/‖W‖²", network="gradient_flow", **dense),
        ContractiveSpecification(label="Dissipative, h = −2μ/K²", network="dissipative", **dense),
        ContractiveSpecification(
            label="Convolutional gradient flow",
            network="gradient_flow",
            layout="convolutional",
            channels=16,
            hidden=32,
            downscale=2,
            num_steps=4,
            constraint="rescaled",
        ),
    ]
    if implicit:
        implicit_dense = {**dense, "num_steps": 2, "method": "backward_euler"}
        label = "Skew gradient flow, backward Euler"
        specifications.append(ContractiveSpecification(label=label, network="skew_gradient_flow", **implicit_dense))
    return tuple(PresetModel(specification=specification, training=training) for specification in specifications)


def _mnist_networks(*, epochs: int, **sizes: Any) -> tuple[PresetModel, ...]:
    """Dense gradient flows: one trained for radii of about 0.5, one for about 1.58."""
    schedule: dict[str, Any] = {"epochs": epochs, "batch_size": 256, "learning_rate": 1e-2}
    shifted: dict[str, Any] = {"augmentation": "crop", "shift": 1}
    wide = ContractiveSpecification(
        label="Gradient flow, radius 1.58", network="gradient_flow", constraint="orthogonal", **sizes
    )
    near = replace(wide, label="Gradient flow, radius 0.5")
    return (
        PresetModel(specification=near, training=_margin(1.2, 0.2, **schedule, **shifted)),
        PresetModel(specification=wide, training=_margin(2.5, 0.3, **schedule)),
    )


_CONTROLS: Final = ("ResNet, h = 1, K penalised", "Neural ODE, T = 1, K penalised", "ResNet, h = 1, ‖W‖ ≤ 1.5")


def _plain(
    training: TrainingSpecification, *, controls: tuple[str, ...] = _CONTROLS, **sizes: Any
) -> tuple[PresetModel, ...]:
    """The ResNet with h = 1 and the Neural ODE, and the same with Lipschitz constants held down: `controls`."""
    resnet = ModelSpecification(label="ResNet, h = 1", network="euler", step_size=1.0, num_steps=5, **sizes)
    neural_ode = ModelSpecification(label="Neural ODE, T = 1", network="neural_ode", **sizes)
    penalty, spectral = LipschitzPenalty(weight=0.3), SpectralNormalisation(bound=1.5)
    return tuple(
        PresetModel(
            specification=replace(specification, label=specification.label + suffix),
            training=replace(training, method=method),
        )
        for specification, suffix, method in (
            (resnet, "", training.method),
            (neural_ode, "", training.method),
            (resnet, ", K penalised", penalty),
            (neural_ode, ", K penalised", penalty),
            (resnet, ", ‖W‖ ≤ 1.5", spectral),
        )
        if not suffix or specification.label + suffix in controls
    )


def _attacks(
    linf: tuple[float, ...],
    l2: tuple[float, ...],
    *,
    steps: int,
    autoattack: int,
    nearest: int,
    judged: tuple[str, ...] = (),
) -> tuple[AttackSpecification, ...]:
    """PGD in both norms, FAB for the smallest perturbation in L2, and AutoAttack on the first images of some models."""
    strongest = AttackSpecification(
        label="AutoAttack", attack="AutoAttack", norm="L2", epsilons=l2, images=autoattack, only_on=judged
    )
    return (
        AttackSpecification(label=f"PGD-{steps}", attack="PGD", norm="Linf", epsilons=linf, steps=steps),
        AttackSpecification(label=f"PGD-{steps}", attack="PGD", norm="L2", epsilons=l2, steps=steps),
        AttackSpecification(label="FAB", attack="FAB", norm="L2", epsilons=l2[:1], images=nearest, only_on=judged),
        replace(strongest, norm="Linf", epsilons=linf),
        strongest,
    )


_SMOKE_JUDGED: Final = ("Gradient flow, h = 2/‖W‖²", "Dissipative, h = −2μ/K²")
_DIGITS_JUDGED: Final = (
    "Gradient flow, h = 2/‖W‖²",
    "ResNet, h = 1",
    "Neural ODE, T = 1",
    "ResNet, h = 1, K penalised",
)
_MNIST_JUDGED: Final = ("Gradient flow, radius 0.5", "Gradient flow, radius 1.58", "ResNet, h = 1", "Neural ODE, T = 1")

PRESETS: Final = (
    Preset(
        name="certified-smoke",
        summary="contractive networks, the ResNet with and without K penalised, the Neural ODE; digits, 2 minutes",
        dataset="digits",
        models=(
            *_digits_networks(_margin(0.5, 0.1, epochs=10, learning_rate=5e-3), implicit=False),
            *_plain(small_training(epochs=6), controls=_CONTROLS[:1], channels=4, hidden=8, pool_size=4),
        ),
        attacks=_attacks((0.1,), (0.3,), steps=10, autoattack=10, nearest=10, judged=_SMOKE_JUDGED),
        test_images=100,
        pairs=16,
        local_certificates=4,
    ),
    Preset(
        name="certified-digits-cpu",
        summary="contractive networks, ResNets and Neural ODEs, also with controls; digits, AutoAttack at every radius",
        dataset="digits",
        models=(
            *_digits_networks(_margin(0.5, 0.1, epochs=40, learning_rate=5e-3)),
            *_plain(TrainingSpecification(epochs=20), channels=8, hidden=8, pool_size=4),
        ),
        attacks=_attacks(LINF_BUDGETS[:4], L2_BUDGETS, steps=40, autoattack=100, nearest=100, judged=_DIGITS_JUDGED),
        test_images=360,
        local_certificates=10,
    ),
    Preset(
        name="certified-cpu",
        summary="contractive networks, a small ResNet with and without K penalised, a small Neural ODE; MNIST, CPU",
        dataset="mnist",
        models=(
            *_mnist_networks(epochs=14, channels=1024, hidden=256, num_steps=4),
            *_plain(
                small_training(epochs=1), controls=_CONTROLS[:1], channels=8, hidden=16, stem_stride=4, pool_size=7
            ),
        ),
        attacks=_attacks((0.1,), (0.5, 1.58), steps=40, autoattack=100, nearest=100, judged=_MNIST_JUDGED),
        test_images=1_000,
    ),
    Preset(
        name="certified-gpu",
        summary="contractive networks, ResNets and Neural ODEs, also with controls, on MNIST; cells within 10 minutes",
        dataset="mnist",
        models=(
            *_mnist_networks(epochs=40, channels=1024, hidden=512, num_steps=8),
            *_plain(small_training(epochs=5, fast=True), channels=64, hidden=64, stem_stride=2, pool_size=7),
        ),
        attacks=_attacks((0.05, 0.1, 0.2, 0.3), (0.5, 1.0, 1.58, 2.0), steps=40, autoattack=400, nearest=400),
    ),
)
