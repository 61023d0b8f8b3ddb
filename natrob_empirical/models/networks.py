"""The network classes by name, and how each is made from a field."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from torch import nn

from natrob_empirical.models.specification import ModelSpecification
from natrob_empirical.names.near_names import unknown_name
from natrob_theory import (
    AbstractIntegratorNet,
    Anderson,
    BackwardEulerNet,
    EulerNet,
    FractalNet,
    HeunNet,
    NeuralODE,
    PolyNet,
    RevNet,
    RungeKuttaNet,
)

FieldFactory = Callable[[int], nn.Module]
"""channels -> a field that keeps that many channels."""

TrunkBuilder = Callable[[ModelSpecification, FieldFactory], AbstractIntegratorNet]


@dataclass(frozen=True, kw_only=True)
class NetworkFamily:
    """A network class by name.

    Attributes:
        name: the key on the command line and in records.
        title: the name in text.
        build: the trunk from a specification and a factory of fields.
    """

    name: str
    title: str
    build: TrunkBuilder


def _fixed_steps(net: Callable[..., AbstractIntegratorNet], *own: str) -> TrunkBuilder:
    """Builds a network of equal steps and one field, or one a step; `own` are the settings that it takes besides."""

    def build(spec: ModelSpecification, field: FieldFactory) -> AbstractIntegratorNet:
        settings = {name: getattr(spec, name) for name in own}
        if spec.weights == "per_step":
            return net([field(spec.channels) for _ in range(spec.num_steps)], spec.step_size, **settings)
        return net(field(spec.channels), spec.step_size, spec.num_steps, **settings)

    return build


IMPLICIT_ITERATIONS: Final = 500
"""The most iterations of an implicit solve: a trained field may have hK > 1, where they are many or never end."""


def _backward_euler(spec: ModelSpecification, field: FieldFactory) -> AbstractIntegratorNet:
    return BackwardEulerNet(
        field(spec.channels), spec.step_size, spec.num_steps, solver=Anderson(max_iterations=IMPLICIT_ITERATIONS)
    )


def _revnet(spec: ModelSpecification, field: FieldFactory) -> AbstractIntegratorNet:
    half = spec.channels // 2
    return RevNet((field(half), field(spec.channels - half)), spec.step_size, spec.num_steps)


def _neural_ode(spec: ModelSpecification, field: FieldFactory) -> AbstractIntegratorNet:
    return NeuralODE(
        field(spec.channels),
        spec.step_size * spec.num_steps,
        rtol=spec.tolerance,
        atol=spec.tolerance,
        solver=spec.solver,
        gradients=spec.gradients,
    )


NETWORKS: dict[str, NetworkFamily] = {
    family.name: family
    for family in (
        NetworkFamily(name="euler", title="ResNet with step size (Euler)", build=_fixed_steps(EulerNet)),
        NetworkFamily(name="heun", title="Heun", build=_fixed_steps(HeunNet)),
        NetworkFamily(name="runge_kutta", title="Runge–Kutta (classic RK4)", build=_fixed_steps(RungeKuttaNet)),
        NetworkFamily(name="backward_euler", title="Backward Euler", build=_backward_euler),
        NetworkFamily(name="polynet", title="PolyNet", build=_fixed_steps(PolyNet, "order")),
        NetworkFamily(name="fractalnet", title="FractalNet", build=_fixed_steps(FractalNet, "columns")),
        NetworkFamily(name="revnet", title="RevNet", build=_revnet),
        NetworkFamily(name="neural_ode", title="Neural ODE (dopri5)", build=_neural_ode),
    )
}


def network_family(name: str) -> NetworkFamily:
    """The family of this name. Raises ValueError, with near names, if there is none."""
    if name not in NETWORKS:
        raise unknown_name("network", name, NETWORKS)
    return NETWORKS[name]
