"""A lower bound of the one-sided Lipschitz constant by search: sampled quotients, gradient ascent, Lanczos."""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from natrob_theory.bounds.lipschitz_lower_bound import SECANT_SAFETY, lipschitz_lower_bound, rounding_of_values
from natrob_theory.bounds.norm_directions import expanding_direction, one_sided_quotients
from natrob_theory.bounds.point_pairs import (
    MEASURED_TOGETHER,
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
    require_choice,
    require_count,
    require_finite,
    require_generator,
    require_positive,
    require_state,
)
from natrob_theory.numbers.bound import Bound
from natrob_theory.numbers.jacobian_products import Linearisation, reverse_mode_of
from natrob_theory.numbers.norms import NORMS, Norm, per_sample_norm
from natrob_theory.numbers.powers_of_two import exponent_of_largest, times_power_of_two
from natrob_theory.numbers.rounding import unit_roundoff
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.spectra.lanczos import top_direction

Map = Callable[[Tensor], Tensor]

MOST_ROUNDS = 6
"""Rounds of the search for a row or column: few change anything after the second."""


def one_sided_lipschitz_lower_bound(  # noqa: PLR0913 - each is one keyword of what the search is
    field: Field,
    points: Tensor,
    *,
    generator: torch.Generator,
    radius: float = 1.0,
    time: float = 0.0,
    samples: int = 8,
    ascent_steps: int = 40,
    lanczos_steps: int = 12,
    norm: Norm = "L2",
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

    In L∞ and L1 the quotient is that of the norm: ±Δf_i/‖e‖ where |e_i| is the largest entry of e = z − y, and
    Σ ±Δf_i/‖e‖ with the signs of e. The signs of a row of J, or a column's unit vector, take the place of Lanczos.

    Args:
        field: f(t, y).
        points: (batch, *state), where to search; dtype and device are kept.
        generator: for the random directions.
        radius: > 0, in units of the state's norm.
        time: t.
        samples: random pairs, and random states for Lanczos, per point.
        ascent_steps: gradient steps.
        lanczos_steps: products with (J + Jᵀ)/2 at each state; rounds of the search for a row or column.
        norm: of the constant: "L2", "Linf" or "L1".

    Returns:
        A lower bound in this norm, which may be negative; −∞ if no pair could be measured.

    Raises:
        TypeError, ValueError: naming the argument.
        NotDifferentiableError: automatic differentiation of the field fails in every mode.

    Source: theory, section 5 (Söderlind, BIT 46, 2006).
    Proof: proofs/coq/secants.v, proofs/symbolic/secants_are_lower_bounds.py; in L∞ and L1
        proofs/symbolic/row_and_column_norms.py.
    """
    points = require_state("points", points).detach()
    radius = require_positive("radius", radius)
    time = require_finite("time", time)
    require_generator("generator", generator)
    require_choice("norm", norm, NORMS)
    for name, count in (("samples", samples), ("ascent_steps", ascent_steps), ("lanczos_steps", lanczos_steps)):
        require_count(name, count)
    steepest = lipschitz_lower_bound(
        field,
        points,
        radius=radius,
        generator=generator,
        time=time,
        samples=4,
        ascent_steps=4,
        power_iterations=8,
        norm=norm,
    )

    def at_time(state: Tensor) -> Tensor:
        return evaluate_field(field, time, state)

    name = f"field {field_name(field)}"
    measure = partial(_measure, at_time, float(steepest), norm)
    pairs = random_pairs(measure, points, radius, samples, generator, worst=-math.inf, norm=norm)
    offsets = [_random_offset(points, radius, generator, norm) for _ in range(2 * samples)]
    search = partial(
        _along_top_direction,
        suggest=partial(_suggested, lanczos_steps, norm),
        along=partial(along_direction, measure, radius=radius, norm=norm),
    )
    together = max(1, MEASURED_TOGETHER // max(1, 8 * points.numel()))
    for some in batched(list(zip(offsets[::2], offsets[1::2], strict=True)), together):
        bases = torch.cat([points + base for base, _ in some])
        nothing = PointPairs(bases, bases, torch.full((len(bases),), -math.inf, dtype=torch.float64).to(points.device))
        jacobian = Linearisation(at_time, bases, name=name)
        directions = torch.cat([direction for _, direction in some])
        found = search(jacobian, torch.cat([points] * len(some)), nothing, bases, directions)
        pairs = best_of(pairs, found)
    with reverse_mode_of(name):
        pairs = ascend(partial(_quotient, at_time, norm), measure, points, pairs, radius, ascent_steps, norm)
    jacobian = Linearisation(at_time, pairs.first, name=name)
    pairs = search(jacobian, points, pairs, pairs.first, pairs.second - pairs.first)
    return Bound(
        value=float(pairs.quotient.max()),
        kind="lower",
        norm=norm,
        assumptions=(
            f"searched within {radius:g} of {len(points)} points at t = {time:g}",
            f"f rounds by at most {SECANT_SAFETY:g}u(‖f‖ + s‖y‖): no large cancellation or underflow inside it",
        ),
        source="largest one-sided quotient found by sampling, gradient ascent and "
        + ("Lanczos" if norm == "L2" else "rows or columns of Jacobians"),
    )


def _measure(function: Map, steepest: float, norm: Norm, first: Tensor, second: Tensor) -> PointPairs:
    """The quotient of each pair, less what rounding of f and of the scalar product may have added.

    ⟨Δf, e⟩/‖e‖² is computed as ⟨Δf/‖Δf‖, e/‖e‖⟩·‖Δf‖/‖e‖, so that no product of two small or large numbers arises.
    """
    with torch.no_grad():
        f_first, f_second = function(first), function(second)
        step, rise = second.double() - first.double(), f_second.double() - f_first.double()
        length, climb = per_sample_norm(step, norm), per_sample_norm(rise, norm)
        size = per_sample_norm(f_first, norm) + per_sample_norm(f_second, norm)
        slope = (climb / length).clamp_min(steepest)
        argument_size = slope * (per_sample_norm(first, norm) + per_sample_norm(second, norm))
        noise = rounding_of_values(first.dtype, size + argument_size)
        entries = step[0].numel()
        summing = (4 * entries + 64) * unit_roundoff(torch.float64)
        if norm == "L2":
            cosine = (scaled(rise, 1.0) * scaled(step, 1.0)).flatten(1).sum(dim=1)
            quotient = ((cosine - summing) * climb - noise) / length
        else:
            quotient = one_sided_quotients(step.flatten(1), rise.flatten(1), norm) - (summing * climb + noise) / length
    usable = (length > 0) & torch.isfinite(quotient)
    return PointPairs(first, second, torch.where(usable, quotient, torch.full_like(quotient, -math.inf)))


def _quotient(function: Map, norm: Norm, first: Tensor, second: Tensor) -> Tensor:
    """⟨f(z) − f(y), z − y⟩/‖z − y‖² per sample, which the gradient ascent climbs."""
    step = (second - first).flatten(1)
    rise = (function(second) - function(first)).flatten(1)
    if norm != "L2":
        return one_sided_quotients(step, rise, norm)
    exponent = exponent_of_largest(step, 1)
    unit = times_power_of_two(step, -exponent)
    return (times_power_of_two(rise, -exponent) * unit).sum(dim=1) / unit.square().sum(dim=1).clamp_min(0.25)


def _random_offset(points: Tensor, radius: float, generator: torch.Generator, norm: Norm) -> Tensor:
    """A random direction per point, of a length uniform between 0 and `radius`."""
    draw = torch.randn(points.shape, generator=generator, dtype=torch.float64, device=generator.device)
    length = radius * torch.rand(len(points), generator=generator, dtype=torch.float64, device=generator.device)
    return scaled(draw.to(points), length.to(points), norm)


def _along_top_direction(
    jacobian: Linearisation,
    points: Tensor,
    best: PointPairs,
    base: Tensor,
    start: Tensor,
    *,
    suggest: Callable[[Linearisation, Tensor], Tensor],
    along: Callable[[Tensor, PointPairs, Tensor, Tensor], PointPairs],
) -> PointPairs:
    """The direction that the Jacobian at `base` suggests, begun with `start`, is tried as secants of four lengths."""
    return along(points, best, base, suggest(jacobian, start))


def _suggested(steps: int, norm: Norm, jacobian: Linearisation, start: Tensor) -> Tensor:
    """Lanczos on (J + Jᵀ)/2; in L∞ and L1 a row or a column."""
    if norm != "L2":
        return expanding_direction(jacobian, start, norm, min(steps, MOST_ROUNDS))

    def symmetric_part(direction: Tensor) -> Tensor:
        return (jacobian.times(direction) + jacobian.transposed_times(direction)) / 2

    return top_direction(symmetric_part, scaled(start, 1.0), steps)
