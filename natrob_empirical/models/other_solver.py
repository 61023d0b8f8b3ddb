"""A trained Neural ODE under another solver than it was trained with: the same weights, another trunk."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

from natrob_empirical.models.classifiers import IntegratorClassifier
from natrob_empirical.names.choices import require_choices
from natrob_theory import AbstractIntegratorNet, EulerNet, HeunNet, NeuralODE, RungeKuttaNet
from natrob_theory.networks.neural_ode import Gradients, Solver
from natrob_theory.numbers.argument_checks import require_count, require_positive

SolverNetwork: TypeAlias = Literal["neural_ode", "euler", "heun", "runge_kutta"]

_FIXED_STEP_NETS: Final[dict[str, Callable[..., AbstractIntegratorNet]]] = {
    "euler": EulerNet,
    "heun": HeunNet,
    "runge_kutta": RungeKuttaNet,
}


@final
@dataclass(frozen=True, kw_only=True)
class OtherSolver:
    """A solver for a trained field over its own time span; what is None stays as it was trained.

    Attributes:
        network: "neural_ode" for an adaptive solve; "euler", "heun" or "runge_kutta" (classic RK4) for fixed steps.
        num_steps: of the fixed steps, which divide the time span evenly; only and always with them.
        tolerance: rtol and atol of the adaptive solve.
        tolerance_factor: what the trained rtol and atol are multiplied by instead.
        solver: "natrob" or "torchdiffeq", of the adaptive solve. torchdiffeq knows direct gradients only, and takes
            them unless `gradients` asks for others, which is refused.
        gradients: "direct", "checkpointed" or "adjoint", of the adaptive solve.

    Raises:
        TypeError, ValueError: a setting that the network does not have, one that is missing, or one out of range.
    """

    network: SolverNetwork = "neural_ode"
    num_steps: int | None = None
    tolerance: float | None = None
    tolerance_factor: float | None = None
    solver: Solver | None = None
    gradients: Gradients | None = None

    def __post_init__(self) -> None:
        require_choices(self)
        adaptive = ("tolerance", "tolerance_factor", "solver", "gradients")
        foreign = ("num_steps",) if self.network == "neural_ode" else adaptive
        for name in foreign:
            if getattr(self, name) is not None:
                raise ValueError(f"`{name}` is no setting of {self.network}, got {getattr(self, name)!r}")
        if self.network != "neural_ode":
            require_count("num_steps", self.num_steps)
        for name in ("tolerance", "tolerance_factor"):
            if getattr(self, name) is not None:
                require_positive(name, getattr(self, name))
        if self.tolerance is not None and self.tolerance_factor is not None:
            raise ValueError("`tolerance` and `tolerance_factor` exclude each other, got both")


def with_solver(classifier: IntegratorClassifier, other: OtherSolver) -> IntegratorClassifier:
    """A copy of the classifier, in the same mode and with the same weights, whose field another solver integrates.

    It shares nothing with `classifier`: training one leaves the other alone.

    Raises:
        TypeError: the trunk is no `NeuralODE`, or not one of a Runge–Kutta pair.
        ValueError: settings that do not go together.
    """
    trunk = trunk_with_solver(require_neural_ode(classifier), other)
    # The trunk holds the trained field and no solve on record, so the deep copy carries weights and nothing else.
    return copy.deepcopy(with_trunk(classifier, trunk))


def with_trunk(classifier: IntegratorClassifier, trunk: AbstractIntegratorNet) -> IntegratorClassifier:
    """The very stem, pool and head of the classifier, no copies, around another trunk; in the same mode."""
    changed = IntegratorClassifier(classifier.stem, trunk, classifier.pool, classifier.head)
    changed.training = trunk.training = classifier.training
    return changed


def trunk_with_solver(trunk: NeuralODE, other: OtherSolver) -> AbstractIntegratorNet:
    """The very field of the trunk, no copy, over its time span, under the other solver."""
    if other.network != "neural_ode":
        if trunk.event is not None:
            raise ValueError(f"`network` must be neural_ode for a trunk with an event, got {other.network!r}")
        steps = require_count("num_steps", other.num_steps)
        step_size = (trunk.end_time - trunk.start_time) / steps
        return _FIXED_STEP_NETS[other.network](trunk.field, step_size, steps, start_time=trunk.start_time)
    return _adaptive_trunk(trunk, other)


def _adaptive_trunk(trunk: NeuralODE, other: OtherSolver) -> NeuralODE:
    factor = 1.0 if other.tolerance_factor is None else other.tolerance_factor
    solver = trunk.solver if other.solver is None else other.solver
    trained: Gradients = "direct" if solver == "torchdiffeq" else trunk.gradients
    return NeuralODE(
        trunk.field,
        trunk.end_time,
        rtol=trunk.rtol * factor if other.tolerance is None else other.tolerance,
        atol=trunk.atol * factor if other.tolerance is None else other.tolerance,
        solver=solver,
        tableau=trunk.tableau,
        gradients=trained if other.gradients is None else other.gradients,
        on_failure=trunk.on_failure,
        controller=trunk.controller,
        start_time=trunk.start_time,
        max_num_steps=trunk.max_num_steps,
        max_step_size=trunk.max_step_size,
        jump_times=trunk.jump_times,
        event=trunk.event,
    )


def neural_ode_of(classifier: object) -> NeuralODE | None:
    """The trunk of an `IntegratorClassifier`, if it is a Neural ODE."""
    if isinstance(classifier, IntegratorClassifier) and isinstance(classifier.trunk, NeuralODE):
        return classifier.trunk
    return None


def require_neural_ode(classifier: IntegratorClassifier) -> NeuralODE:
    """The classifier's trunk; raises TypeError if it is no `NeuralODE`."""
    trunk = neural_ode_of(classifier)
    if trunk is None:
        inside = (
            f" with a trunk of type {type(classifier.trunk).__name__}"
            if isinstance(classifier, IntegratorClassifier)
            else ""
        )
        raise TypeError(
            f"`classifier` must be an IntegratorClassifier whose trunk is a NeuralODE, "
            f"got {type(classifier).__name__}{inside}"
        )
    return trunk
