"""The same weights under another solver: what a Neural ODE's own gradients may hide, these may show."""

from dataclasses import dataclass
from typing import Final, final

from natrob_empirical.attacks import Classifier
from natrob_empirical.models import IntegratorClassifier
from natrob_theory import AbstractIntegratorNet, NeuralODE, RungeKuttaNet
from natrob_theory.argument_checks import require_count
from natrob_theory.networks.neural_ode import Gradients
from natrob_theory.steppers import RungeKuttaStepper

TOLERANCE_FACTOR: Final = 10.0
"""By how much the looser and the tighter tolerance differ from the model's own."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Surrogate:
    """A model that images are made on to be shown to another.

    Attributes:
        name: in words.
        model: images to logits.
    """

    name: str
    model: Classifier


def neural_ode_of(model: object) -> NeuralODE | None:
    """The trunk of an `IntegratorClassifier`, if it is a Neural ODE."""
    return model.trunk if isinstance(model, IntegratorClassifier) and isinstance(model.trunk, NeuralODE) else None


def fixed_step_surrogate(model: IntegratorClassifier, *, num_steps: int = 40) -> Surrogate:
    """The same stem, field and head, with the field integrated over the same time by `num_steps` steps of classic RK4.

    Raises:
        TypeError: the trunk is no `NeuralODE`.
    """
    trunk = _require_neural_ode(model)
    require_count("num_steps", num_steps)
    step_size = (trunk.end_time - trunk.start_time) / num_steps
    return Surrogate(
        name=f"the same weights under {num_steps} steps of RK4",
        model=_with_trunk(model, RungeKuttaNet(trunk.field, step_size, num_steps, start_time=trunk.start_time)),
    )


def tolerance_surrogates(model: IntegratorClassifier) -> tuple[Surrogate, Surrogate]:
    """The same weights under a tolerance ten times looser and ten times tighter, with the model's kind of gradient.

    Raises:
        TypeError: the trunk is no `NeuralODE`.
    """
    trunk = _require_neural_ode(model)
    loose, tight = (_solved(trunk, factor=factor) for factor in (TOLERANCE_FACTOR, 1 / TOLERANCE_FACTOR))
    return (
        Surrogate(name=f"the same weights at rtol = {loose.rtol:g}", model=_with_trunk(model, loose)),
        Surrogate(name=f"the same weights at rtol = {tight.rtol:g}", model=_with_trunk(model, tight)),
    )


def gradient_surrogate(model: IntegratorClassifier) -> Surrogate:
    """The same solve with the other gradient: through the steps for an adjoint model, else the adjoint.

    Raises:
        TypeError: the trunk is no `NeuralODE`.
    """
    trunk = _require_neural_ode(model)
    other: Gradients = "direct" if trunk.gradients == "adjoint" else "adjoint"
    return Surrogate(
        name=f"the same weights with {other} gradients", model=_with_trunk(model, _solved(trunk, gradients=other))
    )


def solver_surrogates(model: IntegratorClassifier) -> tuple[Surrogate, ...]:
    """All of them: fixed-step RK4, looser and tighter tolerance, the other gradient.

    They hold the very modules of `model`, no copies: what changes its weights changes theirs.

    Raises:
        TypeError: the trunk is no `NeuralODE`.
    """
    return (fixed_step_surrogate(model), *tolerance_surrogates(model), gradient_surrogate(model))


def _require_neural_ode(model: IntegratorClassifier) -> NeuralODE:
    trunk = neural_ode_of(model)
    if trunk is None:
        inside = (
            f" with a trunk of type {type(model.trunk).__name__}" if isinstance(model, IntegratorClassifier) else ""
        )
        raise TypeError(
            f"`model` must be an IntegratorClassifier whose trunk is a NeuralODE, got {type(model).__name__}{inside}"
        )
    return trunk


def _solved(trunk: NeuralODE, *, factor: float = 1.0, gradients: Gradients | None = None) -> NeuralODE:
    """The same field and time span; always by the library's own solver, whose steps are each sample's own."""
    if not isinstance(trunk.stepper, RungeKuttaStepper):
        raise TypeError(f"the trunk's stepper must be a RungeKuttaStepper, got {type(trunk.stepper).__name__}")
    return NeuralODE(
        trunk.field,
        trunk.end_time,
        rtol=trunk.rtol * factor,
        atol=trunk.atol * factor,
        tableau=trunk.stepper.tableau,
        gradients=trunk.gradients if gradients is None else gradients,
        controller=trunk.controller,
        start_time=trunk.start_time,
        max_num_steps=trunk.max_num_steps,
    )


def _with_trunk(model: IntegratorClassifier, trunk: AbstractIntegratorNet) -> IntegratorClassifier:
    return IntegratorClassifier(model.stem, trunk, model.pool, model.head)
