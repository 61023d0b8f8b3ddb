"""A lower bound of the one-sided Lipschitz constant by search: sampled quotients, gradient ascent, Lanczos."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from natrob_theory.bounds.lipschitz_lower_bound import SECANT_SAFETY, lipschitz_lower_bound, rounding_of_values
from natrob_theory.bounds.point_pairs import (
    MEASURED_TOGETHER,
    Measure,
    PointPairs,
    along_direction,
    ascend,
    batched,
    best_of,
    random_pairs,
    scaled,
)
from natrob_theory.fields import evaluate_field
from natrob_theory.fields.evaluation import field_name
from natrob_theory.numbers.argument_checks import (
    require_count,
    require_finite,
    require_generator,
    require_positive,
    require_state,
)
from natrob_theory.numbers.bound import Bound
from natrob_theory.numbers.jacobian_products import Linearisation, reverse_mode_of
from natrob_theory.numbers.norms import per_sample_l2
from natrob_theory.numbers.powers_of_two import exponent_of_largest, times_power_of_two
from natrob_theory.numbers.rounding import unit_roundoff
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.spectra.lanczos import top_direction

Map = Callable[[Tensor], Tensor]


def one_sided_lipschitz_lower_bound(
    field: Field,
    points: Tensor,
    *,
    generator: torch.Generator,
    radius: float = 1.0,
    time: float = 0.0,
    samples: int = 8,
    ascent_steps: int = 40,
    lanczos_steps: int = 12,
) -> Bound:
    """The largest one-sided quotient ⟨f(z) − f(y), z − y⟩/‖z − y‖² found near `points`: a lower bound of μ.

    Random pairs of lengths between 10⁻³·radius and radius; Lanczos on the symmetric part (J + Jᵀ)/2 of the Jacobian
    at random states within `radius` of the points, whose top direction is tried as secants; gradient ascent on the
    quotient over both ends; Lanczos again where the ascent ended. All ends stay within `radius` of their point. Only
    measured quotients count, less an allowance for the rounding of f, so kinks (where the Jacobian that autograd
    reports need not be a slope of f) cannot push the result above μ. The allowance is 64u(‖f‖ + s‖y‖) at each end over
    ‖z − y‖, s the largest secant
    constant found near the points: a field whose intermediate values are far larger than its argument and its value
    rounds by more, and needs float64 or a larger radius.

    Args:
        field: f(t, y).
        points: (batch, *state), where to search; dtype and device are kept.
        generator: for the random directions.
        radius: > 0, in units of the state's L2 norm.
        time: t.
        samples: random pairs, and random states for Lanczos, per point.
        ascent_steps: gradient steps.
        lanczos_steps: products with (J + Jᵀ)/2 at each state.

    Returns:
        A lower bound in L2, which may be negative; −∞ if no pair could be measured.

    Raises:
        TypeError, ValueError: naming the argument.
        NotDifferentiableError: automatic differentiation of the field fails in every mode.

    Source: theory, section 5 (Söderlind, BIT 46, 2006).
    Proof: proofs/coq/secants.v, proofs/symbolic/secants_are_lower_bounds.py.
    """
    points = require_state("points", points).detach()
    radius = require_positive("radius", radius)
    time = require_finite("time", time)
    require_generator("generator", generator)
    for name, count in (("samples", samples), ("ascent_steps", ascent_steps), ("lanczos_steps", lanczos_steps)):
        require_count(name, count)
    steepest = lipschitz_lower_bound(
        field, points, radius=radius, generator=generator, time=time, samples=4, ascent_steps=4, power_iterations=8
    )

    def at_time(state: Tensor) -> Tensor:
        return evaluate_field(field, time, state)

    name = f"field {field_name(field)}"
    measure = partial(_measure, at_time, float(steepest))
    pairs = random_pairs(measure, points, radius, samples, generator, worst=-math.inf)
    offsets = [_random_offset(points, radius, generator) for _ in range(2 * samples)]
    search = partial(_along_top_direction, measure=measure, radius=radius, steps=lanczos_steps)
    together = max(1, MEASURED_TOGETHER // max(1, 8 * points.numel()))
    for some in batched(list(zip(offsets[::2], offsets[1::2], strict=True)), together):
        bases = torch.cat([points + base for base, _ in some])
        nothing = PointPairs(bases, bases, torch.full((len(bases),), -math.inf, dtype=torch.float64).to(points.device))
        jacobian = Linearisation(at_time, bases, name=name)
        directions = torch.cat([direction for _, direction in some])
        found = search(jacobian, torch.cat([points] * len(some)), nothing, bases, directions)
        pairs = best_of(pairs, found)
    with reverse_mode_of(name):
        pairs = ascend(partial(_quotient, at_time), measure, points, pairs, radius, ascent_steps)
    jacobian = Linearisation(at_time, pairs.first, name=name)
    pairs = search(jacobian, points, pairs, pairs.first, pairs.second - pairs.first)
    return Bound(
        value=float(pairs.quotient.max()),
        kind="lower",
        assumptions=(
            f"searched within {radius:g} of {len(points)} points at t = {time:g}",
            f"f rounds by at most {SECANT_SAFETY:g}u(‖f‖ + s‖y‖): no large cancellation or underflow inside it",
        ),
        source="largest one-sided quotient found by sampling, gradient ascent and Lanczos",
    )


def _measure(function: Map, steepest: float, first: Tensor, second: Tensor) -> PointPairs:
    """The quotient of each pair, less what rounding of f and of the scalar product may have added.

    ⟨Δf, e⟩/‖e‖² is computed as ⟨Δf/‖Δf‖, e/‖e‖⟩·‖Δf‖/‖e‖, so that no product of two small or large numbers arises.
    """
    with torch.no_grad():
        f_first, f_second = function(first), function(second)
        step, rise = second.double() - first.double(), f_second.double() - f_first.double()
        length, climb = per_sample_l2(step), per_sample_l2(rise)
        size = per_sample_l2(f_first) + per_sample_l2(f_second)
        slope = (climb / length).clamp_min(steepest)
        argument_size = slope * (per_sample_l2(first) + per_sample_l2(second))
        noise = rounding_of_values(first.dtype, size + argument_size)
        entries = step[0].numel()
        summing = (4 * entries + 64) * unit_roundoff(torch.float64)
        cosine = (scaled(rise, 1.0) * scaled(step, 1.0)).flatten(1).sum(dim=1)
        quotient = ((cosine - summing) * climb - noise) / length
    usable = (length > 0) & torch.isfinite(quotient)
    return PointPairs(first, second, torch.where(usable, quotient, torch.full_like(quotient, -math.inf)))


def _quotient(function: Map, first: Tensor, second: Tensor) -> Tensor:
    """⟨f(z) − f(y), z − y⟩/‖z − y‖² per sample, which the gradient ascent climbs."""
    step = (second - first).flatten(1)
    rise = (function(second) - function(first)).flatten(1)
    exponent = exponent_of_largest(step, 1)
    unit = times_power_of_two(step, -exponent)
    return (times_power_of_two(rise, -exponent) * unit).sum(dim=1) / unit.square().sum(dim=1).clamp_min(0.25)


def _random_offset(points: Tensor, radius: float, generator: torch.Generator) -> Tensor:
    """A random direction per point, of a length uniform between 0 and `radius`."""
    draw = torch.randn(points.shape, generator=generator, dtype=torch.float64, device=generator.device)
    length = radius * torch.rand(len(points), generator=generator, dtype=torch.float64, device=generator.device)
    return scaled(draw.to(points), length.to(points))


def _along_top_direction(
    jacobian: Linearisation,
    points: Tensor,
    best: PointPairs,
    base: Tensor,
    start: Tensor,
    *,
    measure: Measure,
    radius: float,
    steps: int,
) -> PointPairs:
    """Lanczos on (J + Jᵀ)/2 at `base`, begun with `start`; the direction found is tried as secants of four lengths."""

    def symmetric_part(direction: Tensor) -> Tensor:
        return (jacobian.times(direction) + jacobian.transposed_times(direction)) / 2

    direction = top_direction(symmetric_part, scaled(start, 1.0), steps)
    return along_direction(measure, points, best, base, direction, radius)
