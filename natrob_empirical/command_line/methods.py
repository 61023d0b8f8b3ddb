"""The methods of `natrob check` by name, each a network from a field."""

from collections.abc import Callable

from natrob_empirical.names.near_names import unknown_name
from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    FEHLBERG45,
    MIDPOINT,
    RK4,
    THREE_EIGHTHS,
    AbstractIntegratorNet,
    BackwardEulerNet,
    ButcherTableau,
    EulerNet,
    FractalNet,
    HeunNet,
    NeuralODE,
    PolyNet,
    RevNet,
    RungeKuttaNet,
)
from natrob_theory.numbers.tensor_types import Field

Method = Callable[[Field, float, int], AbstractIntegratorNet]


def _runge_kutta(tableau: ButcherTableau) -> Method:
    return lambda field, step_size, steps: RungeKuttaNet(field, step_size, steps, tableau=tableau)


METHODS: dict[str, Method] = {
    "euler": EulerNet,
    "heun": HeunNet,
    "midpoint": _runge_kutta(MIDPOINT),
    "rk4": _runge_kutta(RK4),
    "three_eighths": _runge_kutta(THREE_EIGHTHS),
    "bogacki_shampine": _runge_kutta(BOGACKI_SHAMPINE),
    "fehlberg45": _runge_kutta(FEHLBERG45),
    "dopri5": _runge_kutta(DOPRI5),
    "backward_euler": BackwardEulerNet,
    "polynet": PolyNet,
    "fractalnet": FractalNet,
    "revnet": lambda field, step_size, steps: RevNet((field, field), step_size, steps),
    "neural_ode": lambda field, step_size, steps: NeuralODE(field, step_size * steps),
}

BUILT_IN = ("euler", "heun", "rk4", "backward_euler", "polynet", "fractalnet", "revnet", "neural_ode")
"""One method for each network class."""


def method_named(name: str) -> Method:
    """The method of this name. Raises ValueError, with near names, if there is none."""
    if name not in METHODS:
        raise unknown_name("method", name, METHODS)
    return METHODS[name]
