"""Presets: which models, how trained, which attacks, over which budgets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from natrob_empirical.attacks import AbstractAttack, registered_attack
from natrob_empirical.models import ModelSpecification
from natrob_empirical.near_names import unknown_name
from natrob_empirical.training import TrainingSpecification
from natrob_theory.norms import linf_radius_as_l2


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How far an image may be moved: a norm and a radius."""

    norm: Literal["Linf", "L2"]
    epsilon: float

    def l2_radius(self, dimension: int) -> float:
        """The radius of the smallest L2 ball that holds the budget, for images of `dimension` pixels."""
        return linf_radius_as_l2(self.epsilon, dimension) if self.norm == "Linf" else self.epsilon


@dataclass(frozen=True, kw_only=True)
class AttackSpecification:
    """An attack over budgets.

    Attributes:
        label: the name in tables.
        attack: which one, by its label in the registry of attacks.
        norm: of the budget.
        epsilons: the budgets; images have pixels in [0, 1].
        steps: of an iterated attack; its step size is 2.5·ε/steps.
    """

    label: str
    attack: str
    norm: Literal["Linf", "L2"]
    epsilons: tuple[float, ...]
    steps: int = 1

    def __post_init__(self) -> None:
        registered_attack(self.attack)

    def build(self, epsilon: float) -> AbstractAttack:
        """The attack at one budget."""
        registered = registered_attack(self.attack)
        settings = {"steps": self.steps} if "steps" in registered.settings else {}
        return registered.build(self.norm, epsilon, settings)


def budgets_of(attacks: Sequence[AttackSpecification]) -> list[Budget]:
    """Every budget of the attacks, once, in order."""
    found = (Budget(norm=attack.norm, epsilon=epsilon) for attack in attacks for epsilon in attack.epsilons)
    return list(dict.fromkeys(found))


@dataclass(frozen=True, kw_only=True)
class StepSizeSweep:
    """Step size against growth at fixed T, on fields of equal K that are not trained.

    Attributes:
        total_time: T.
        lipschitz: K, greater than `rate`.
        rate: μ = −rate of the damped field.
        dimension: of the states.
        steps: n, so that h = T/n.
        points: states from which the worst growth is searched.
    """

    total_time: float = 4.0
    lipschitz: float = 3.0
    rate: float = 1.0
    dimension: int = 16
    steps: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128)
    points: int = 8


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A benchmark.

    Attributes:
        name: the key on the command line.
        summary: one line.
        dataset: the default data set; `--data` replaces it.
        models: unique labels.
        training: of every model.
        attacks: of every model.
        seeds: of the runs.
        train_images, test_images: how many are used; None for all.
        pairs: trajectories compared in the bound checks.
        step_sizes: the sweep over step sizes; None for none.
    """

    name: str
    summary: str
    dataset: str
    models: tuple[ModelSpecification, ...]
    training: TrainingSpecification
    attacks: tuple[AttackSpecification, ...]
    seeds: tuple[int, ...] = (0,)
    train_images: int | None = None
    test_images: int | None = None
    pairs: int = 64
    step_sizes: StepSizeSweep | None = None


def _all_networks(**sizes: Any) -> tuple[ModelSpecification, ...]:
    """Every network class with T = 1, and the plain ResNet, h = 1, beside the small step.

    FractalNet has no identity path, so a small h would only shrink the state; it keeps h = 1.
    """
    return (
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


LINF_BUDGETS = (0.02, 0.05, 0.1, 0.2, 0.5)
L2_BUDGETS = (0.1, 0.3, 0.6, 1.0)

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="quick",
            summary="every network class on scikit-learn's handwritten digits, 2 CPU cores, about 2 minutes",
            dataset="digits",
            models=_all_networks(channels=8, hidden=8, pool_size=4),
            training=TrainingSpecification(epochs=6),
            attacks=(
                AttackSpecification(label="Noise", attack="RandomNoise", norm="Linf", epsilons=LINF_BUDGETS),
                AttackSpecification(label="Grey", attack="MoveToGray", norm="Linf", epsilons=LINF_BUDGETS, steps=10),
                AttackSpecification(label="FGSM", attack="FGSM", norm="Linf", epsilons=LINF_BUDGETS),
                AttackSpecification(label="PGD-10", attack="PGD", norm="Linf", epsilons=LINF_BUDGETS, steps=10),
                AttackSpecification(label="PGD-10", attack="PGD", norm="L2", epsilons=L2_BUDGETS, steps=10),
            ),
            test_images=200,
            step_sizes=StepSizeSweep(),
        ),
        Preset(
            name="cpu",
            summary="every network class on the first 10,000 training and 1,000 test images of MNIST, CPU",
            dataset="mnist",
            models=_all_networks(channels=16, hidden=32, stem_stride=2, pool_size=7),
            training=TrainingSpecification(epochs=6, batch_size=128),
            attacks=(
                AttackSpecification(label="Noise", attack="RandomNoise", norm="Linf", epsilons=(0.1, 0.2, 0.3, 0.5)),
                AttackSpecification(
                    label="Grey", attack="MoveToGray", norm="Linf", epsilons=(0.1, 0.2, 0.3, 0.5), steps=10
                ),
                AttackSpecification(label="FGSM", attack="FGSM", norm="Linf", epsilons=(0.1, 0.2, 0.3, 0.5)),
                AttackSpecification(label="PGD-40", attack="PGD", norm="Linf", epsilons=(0.1, 0.2, 0.3, 0.5), steps=40),
                AttackSpecification(label="PGD-40", attack="PGD", norm="L2", epsilons=(0.5, 1.0, 1.58, 3.0), steps=40),
            ),
            train_images=10_000,
            test_images=1_000,
            step_sizes=StepSizeSweep(),
        ),
    )
}


def preset_named(name: str) -> Preset:
    """The preset of this name. Raises ValueError, with near names, if there is none."""
    if name not in PRESETS:
        raise unknown_name("preset", name, PRESETS)
    return PRESETS[name]
