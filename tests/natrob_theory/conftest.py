"""What the tests of natrob_theory share: every method as data, and the C++ loop."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import pytest
import torch

from natrob_theory import (
    BOGACKI_SHAMPINE,
    DOPRI5,
    FEHLBERG45,
    MIDPOINT,
    RK4,
    THREE_EIGHTHS,
    AbstractIntegratorNet,
    BackwardEulerNet,
    EulerNet,
    FractalNet,
    HeunNet,
    NeuralODE,
    PolyNet,
    RevNet,
    RungeKuttaNet,
)
from natrob_theory.native import compiler_is_there, extension, native_status
from natrob_theory.numbers.jacobian_products import jacobian_vector_product


@dataclass(frozen=True)
class Method:
    """One method: how to build its network from a field, a step size and a number of steps.

    `halves` is 2 where the state is two halves of what the field takes (RevNet), `largest_x` the largest hK for
    which the tests run it, and `tight` says whether f = Ky reaches its growth factor.
    """

    name: str
    build: Callable[..., AbstractIntegratorNet]
    halves: int = 1
    largest_x: float = 30.0
    tight: bool = False

    def step_size(self, step_size: float, lipschitz: float) -> float:
        """The step size, made smaller where the method would leave its range of hK."""
        return min(step_size, self.largest_x / lipschitz) if lipschitz > 0 else step_size


METHODS = (
    Method("euler", EulerNet, tight=True),
    Method("heun", HeunNet, tight=True),
    Method("midpoint", lambda f, h, n: RungeKuttaNet(f, h, n, tableau=MIDPOINT), tight=True),
    Method("rk4", lambda f, h, n: RungeKuttaNet(f, h, n, tableau=RK4), tight=True),
    Method("three_eighths", lambda f, h, n: RungeKuttaNet(f, h, n, tableau=THREE_EIGHTHS)),
    Method("bogacki_shampine", lambda f, h, n: RungeKuttaNet(f, h, n, tableau=BOGACKI_SHAMPINE), tight=True),
    Method("fehlberg45", lambda f, h, n: RungeKuttaNet(f, h, n, tableau=FEHLBERG45)),
    Method("dopri5", lambda f, h, n: RungeKuttaNet(f, h, n, tableau=DOPRI5)),
    Method("backward_euler", BackwardEulerNet, largest_x=0.9, tight=True),
    Method("polynet_2", PolyNet, tight=True),
    Method("polynet_4", lambda f, h, n: PolyNet(f, h, n, order=4), tight=True),
    Method("fractalnet_2", FractalNet, tight=True),
    Method("fractalnet_3", lambda f, h, n: FractalNet(f, h, n, columns=3), tight=True),
    Method("revnet", lambda f, h, n: RevNet((f, f), h, n), halves=2),
    # An adaptive solve takes as many steps as the field asks for: the time span stays short.
    Method("neural_ode", lambda f, h, n: NeuralODE(f, h * n), largest_x=0.5),
)


@pytest.fixture(scope="session", params=METHODS, ids=lambda method: method.name)
def method(request: pytest.FixtureRequest) -> Method:
    return request.param


@pytest.fixture(scope="session", params=[m for m in METHODS if m.tight], ids=lambda method: method.name)
def tight_method(request: pytest.FixtureRequest) -> Method:
    return request.param


@pytest.fixture(scope="session")
def compiled() -> ModuleType:
    """The C++ loop, which tests compare with Python; where a compiler is, continuous integration must have built it."""
    module = extension()
    if module is None:
        reason = f"no compiled extension: {native_status().reason}"
        if os.environ.get("CI") and compiler_is_there():
            pytest.fail(reason)
        pytest.skip(reason)
    return module


@pytest.fixture(scope="session", autouse=True)
def _quiet_forward_mode() -> None:
    """torch warns of its own code on its first product in forward mode; whichever test comes first must not see it."""
    jacobian_vector_product(torch.sin, torch.ones(1), torch.ones(1))
