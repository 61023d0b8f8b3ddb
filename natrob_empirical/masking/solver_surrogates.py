"""A Neural ODE's weights under another solver, which may show what its own gradients hide."""

from dataclasses import dataclass
from typing import Final, final

from natrob_empirical.attacks import Classifier
from natrob_empirical.models import (
    IntegratorClassifier,
    OtherSolver,
    require_neural_ode,
    trunk_with_solver,
    with_trunk,
)
from natrob_theory import NeuralODE
from natrob_theory.networks.neural_ode import Gradients
from natrob_theory.networks.solve_arguments import describe_tolerance
from natrob_theory.numbers.argument_checks import require_count

TOLERANCE_FACTOR: Final = 10.0
"""By how much the looser and the tighter tolerance differ from the model's own."""

NO_SOLVER_SEEN: Final = (
    "the model is no IntegratorClassifier with a natrob_theory.NeuralODE as its trunk, so no solver is seen in it; a "
    'Neural ODE of another library is seen when it is built as IntegratorClassifier(stem, NeuralODE(field, solver="'
    'torchdiffeq"), pool, head)'
)
"""Why solvers cannot be exchanged."""


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


def fixed_step_surrogate(model: IntegratorClassifier, *, num_steps: int = 40) -> Surrogate:
    """The model with its field integrated over the same time by `num_steps` steps of classic RK4.

    Raises:
        TypeError: the trunk is no `NeuralODE`.
    """
    trunk = require_neural_ode(model)
    other = OtherSolver(network="runge_kutta", num_steps=require_count("num_steps", num_steps))
    return Surrogate(
        name=f"the same weights under {num_steps} steps of RK4",
        model=with_trunk(model, trunk_with_solver(trunk, other)),
    )


def tolerance_surrogates(model: IntegratorClassifier) -> tuple[Surrogate, Surrogate]:
    """The model under a tolerance ten times looser and ten times tighter, with its own kind of gradient.

    Raises:
        TypeError: the trunk is no `NeuralODE`.
    """
    loose, tight = (_at_tolerance(model, factor) for factor in (TOLERANCE_FACTOR, 1 / TOLERANCE_FACTOR))
    return loose, tight


def gradient_surrogate(model: IntegratorClassifier) -> Surrogate:
    """The model with the other gradient: through the steps for an adjoint model, else the adjoint.

    Raises:
        TypeError: the trunk is no `NeuralODE`.
    """
    trunk = require_neural_ode(model)
    other: Gradients = "direct" if trunk.gradients == "adjoint" else "adjoint"
    return Surrogate(
        name=f"the same weights with {other} gradients",
        model=with_trunk(model, trunk_with_solver(trunk, OtherSolver(solver="natrob", gradients=other))),
    )


def solver_surrogates(model: IntegratorClassifier) -> tuple[Surrogate, ...]:
    """All of them: fixed-step RK4, looser and tighter tolerance, the other gradient.

    They hold the very modules of `model`, no copies: what changes its weights changes theirs. The adaptive ones are
    solved by the library's own solver, whose steps are each sample's own.

    Raises:
        TypeError: the trunk is no `NeuralODE`.
    """
    return (fixed_step_surrogate(model), *tolerance_surrogates(model), gradient_surrogate(model))


def _at_tolerance(model: IntegratorClassifier, factor: float) -> Surrogate:
    trunk: NeuralODE = require_neural_ode(model)
    solved = trunk_with_solver(trunk, OtherSolver(solver="natrob", tolerance_factor=factor))
    name = f"the same weights at rtol = {describe_tolerance(trunk.rtol * factor)}"
    return Surrogate(name=name, model=with_trunk(model, solved))
