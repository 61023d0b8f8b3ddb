"""Step size against growth at fixed T: fields of equal K, Euler's method with ever smaller steps.

What (10) cannot see: (1 + hK)^n grows towards e^{KT} as h falls, for every field alike. With the one-sided constant μ
the fields part, and for some of them small steps are what keeps perturbations from growing (theory, section 3).
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from natrob_empirical.benchmarks.presets import StepSizeSweep
from natrob_empirical.benchmarks.record_numbers import number_of
from natrob_empirical.models import initialised_with
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.records import FieldGrowth, StepSizePoint, StepSizeResult
from natrob_theory import (
    Bound,
    DissipativeField,
    EulerNet,
    GradientFlowField,
    SkewSymmetricField,
    dense_field,
    discrete_bound,
    exponential_bound,
    gradient_flow_bound,
    lipschitz_lower_bound,
    lipschitz_upper_bound,
    one_sided_lipschitz_lower_bound,
    one_sided_lipschitz_upper_bound,
)

RADIUS = 0.1
"""How far the search goes from its start states; fields are close to their linear part there and steepest at 0."""


@dataclass(frozen=True, kw_only=True)
class SweepField:
    """A field of the sweep; `gradient_flow` says whether the bound for gradient flows holds for it."""

    label: str
    field: nn.Module
    gradient_flow: bool


def measure_step_sizes(sweep: StepSizeSweep, streams: RandomStreams) -> StepSizeResult:
    """The growth of every field at every step size, measured and bounded, in float64 on the CPU."""
    started = time.perf_counter()
    fields = [_growth_of(field, sweep, streams) for field in sweep_fields(sweep, streams)]
    seconds = time.perf_counter() - started
    return StepSizeResult(total_time=sweep.total_time, dimension=sweep.dimension, fields=fields, seconds=seconds)


def sweep_fields(sweep: StepSizeSweep, streams: RandomStreams) -> list[SweepField]:
    """A generic field, a skew one, a damped skew one and a gradient flow, all scaled to the same upper bound of K."""
    size, constant, rate = sweep.dimension, sweep.lipschitz, sweep.rate
    with initialised_with(streams.generator("step size fields")):
        generic = dense_field(size, 2 * size)
        skew = SkewSymmetricField.dense(size)
        damped = SkewSymmetricField.dense(size)
        flow = GradientFlowField.dense(size, size, activation=nn.Tanh, bias=False)
    generic_outer = list(generic.module.children())[-1]
    _scale_to(generic, generic_outer, constant, size, power=1.0)
    _scale_to(skew, skew, constant, size, power=1.0)
    _scale_to(damped, damped, math.sqrt(constant**2 - rate**2), size, power=1.0)
    _scale_to(flow, flow, constant, size, power=0.5)
    return [
        SweepField(label="generic, two ReLU layers", field=generic, gradient_flow=False),
        SweepField(label="skew-symmetric, μ = 0", field=skew, gradient_flow=False),
        SweepField(
            label=f"damped skew-symmetric, μ = −{rate:g}", field=DissipativeField(damped, rate), gradient_flow=False
        ),
        SweepField(label="gradient flow, tanh, μ ≤ 0", field=flow, gradient_flow=True),
    ]


def _scale_to(field: nn.Module, part: nn.Module, lipschitz: float, size: int, *, power: float) -> None:
    """Scale the weights of `part` so that the field's upper bound of K, of degree 1/power in them, is `lipschitz`."""
    field.double().requires_grad_(False)
    now = float(lipschitz_upper_bound(field, input_shape=(size,)))
    for name, parameter in part.named_parameters():
        if name.endswith("weight"):
            parameter.mul_((lipschitz / now) ** power)


def _growth_of(subject: SweepField, sweep: StepSizeSweep, streams: RandomStreams) -> FieldGrowth:
    """One field's constants, and its growth at every step size."""
    shape = (sweep.dimension,)
    generator = streams.generator(f"step size search: {subject.label}")
    points = torch.randn((sweep.points, *shape), generator=generator, dtype=torch.float64)
    points[0] = 0.0  # where a field without biases is steepest, and rests
    lipschitz = lipschitz_upper_bound(subject.field, input_shape=shape)
    one_sided = one_sided_lipschitz_upper_bound(subject.field, input_shape=shape)
    search = {"radius": RADIUS, "generator": generator}
    n = sweep.points
    return FieldGrowth(
        label=subject.label,
        lipschitz_lower=number_of(lipschitz_lower_bound(subject.field, points, **search), n=n),
        lipschitz_upper=number_of(lipschitz),
        one_sided_lower=number_of(one_sided_lipschitz_lower_bound(subject.field, points, **search), n=n),
        one_sided_upper=number_of(one_sided),
        exact_flow=number_of(exponential_bound(lipschitz, 0.0, sweep.total_time, one_sided=one_sided)),
        points=[_point(subject, sweep, steps, points, lipschitz, one_sided, generator) for steps in sweep.steps],
    )


def _point(
    subject: SweepField,
    sweep: StepSizeSweep,
    steps: int,
    points: Tensor,
    lipschitz: Bound,
    one_sided: Bound,
    generator: torch.Generator,
) -> StepSizePoint:
    """The growth over T with this many steps: the largest found, a lower bound of the worst, and the bounds."""
    step_size = sweep.total_time / steps
    net = EulerNet(subject.field, step_size, steps)
    found = lipschitz_lower_bound(
        _as_field(net), points, radius=RADIUS, generator=generator, samples=1, ascent_steps=2, power_iterations=5
    )
    flow = gradient_flow_bound(step_size, lipschitz, steps) if subject.gradient_flow else None
    return StepSizePoint(
        step_size=step_size,
        num_steps=steps,
        measured=number_of(found, n=sweep.points),
        from_lipschitz=number_of(discrete_bound(step_size, lipschitz, steps)),
        from_one_sided=number_of(net.growth_bound(lipschitz, one_sided=one_sided)),
        from_gradient_flow=None if flow is None else number_of(flow),
    )


def _as_field(net: EulerNet) -> Callable[[Tensor, Tensor], Tensor]:
    """The map y_0 -> y_N as a field, so that its growth is searched like a Lipschitz constant, which it is."""
    return lambda _time, state: net(state)
