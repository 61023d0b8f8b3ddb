"""A lower bound of the Lipschitz constant by search: sampled secants, gradient ascent, power iteration."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from natrob_theory.argument_checks import (
    require_count,
    require_finite,
    require_generator,
    require_positive,
    require_state,
)
from natrob_theory.bound import Bound
from natrob_theory.fields import evaluate_field
from natrob_theory.jacobian_products import jacobian_vector_product
from natrob_theory.norms import per_sample_l2
from natrob_theory.rounding import unit_roundoff
from natrob_theory.tensor_types import Field

Map = Callable[[Tensor], Tensor]
SECANT_SAFETY = 64.0


class _Pairs(NamedTuple):
    """Pairs of points, one per sample, and the secant constant found between them (a true lower bound of K)."""

    first: Tensor
    second: Tensor
    secant: Tensor


def lipschitz_lower_bound(
    field: Field,
    points: Tensor,
    *,
    radius: float,
    generator: torch.Generator,
    time: float = 0.0,
    samples: int = 8,
    ascent_steps: int = 40,
    power_iterations: int = 30,
) -> Bound:
    """The largest secant constant ‖f(z) − f(y)‖/‖z − y‖ found near `points`: a lower bound of K at this time.

    Three searches, each starting from the best pairs of the one before: random secants of lengths between
    10⁻³·radius and radius; gradient ascent on the log of the secant constant over both ends, z kept within
    `radius` of y and y within `radius` of its point; power iteration on JᵀJ through torch.func, whose direction is
    then tried as a secant. Only measured secants count, less an allowance for the rounding of f, so kinks (where
    the Jacobian that autograd reports need not be a slope of f) cannot push the result above K. The allowance is
    64u(‖f‖ + s‖y‖) at each end, s the secant constant: a field whose intermediate values are far larger than its
    argument and its value (a bias of 10⁵ that cancels) rounds by more, and needs float64 or a larger radius.

    Args:
        field: f(t, y).
        points: (batch, *state), where to search; dtype and device are kept.
        radius: > 0, in units of the state's L2 norm.
        generator: for the random directions.
        time: t.
        samples: random secants per point.
        ascent_steps: gradient steps.
        power_iterations: products with J and Jᵀ.

    Returns:
        A lower bound in L2.

    Source: theory, section 5.
    """
    points = require_state("points", points).detach()
    radius = require_positive("radius", radius)
    time = require_finite("time", time)
    require_generator("generator", generator)
    for name, count in (
        ("samples", samples),
        ("ascent_steps", ascent_steps),
        ("power_iterations", power_iterations),
    ):
        require_count(name, count)

    def at_time(state: Tensor) -> Tensor:
        return evaluate_field(field, time, state)

    pairs = _random_secants(at_time, points, radius, samples, generator)
    pairs = _ascend(at_time, points, pairs, radius, ascent_steps)
    pairs = _power_iterate(at_time, pairs, radius, power_iterations)
    return Bound(
        value=float(pairs.secant.max().clamp_min(0.0)),
        kind="lower",
        assumptions=(
            f"searched within {radius:g} of {len(points)} points at t = {time:g}",
            f"f rounds by at most {SECANT_SAFETY:g}u(‖f‖ + s‖y‖): no large cancellation inside it",
        ),
        source="largest secant constant found by sampling, gradient ascent and power iteration",
    )


def _measure(function: Map, first: Tensor, second: Tensor) -> _Pairs:
    """The secant constant s of each pair, less what rounding of f may have added: 64u(‖f‖ + s‖y‖) at each end."""
    with torch.no_grad():
        f_first, f_second = function(first), function(second)
        length = per_sample_l2(second - first)
        rise = per_sample_l2(f_second - f_first)
        size = per_sample_l2(f_first) + per_sample_l2(f_second)
        argument_size = (rise / length) * (per_sample_l2(first) + per_sample_l2(second))
        noise = SECANT_SAFETY * unit_roundoff(first.dtype) * (size + argument_size)
        secant = (rise - noise) / length
    usable = (length > 0) & torch.isfinite(secant)
    return _Pairs(first, second, torch.where(usable, secant, torch.zeros_like(secant)))


def _better(one: _Pairs, other: _Pairs) -> _Pairs:
    """Per sample the pair with the larger secant constant."""
    take = other.secant > one.secant
    mask = take.view(-1, *[1] * (one.first.dim() - 1))
    return _Pairs(
        torch.where(mask, other.first, one.first),
        torch.where(mask, other.second, one.second),
        torch.where(take, other.secant, one.secant),
    )


def _scaled(direction: Tensor, length: Tensor | float) -> Tensor:
    """`direction` per sample, with L2 norm `length`; zero stays zero."""
    norm = direction.flatten(1).norm(dim=1).clamp_min(torch.finfo(direction.dtype).tiny)
    factor = (length / norm).to(direction.dtype)
    return direction * factor.view(-1, *[1] * (direction.dim() - 1))


def _random_secants(function: Map, points: Tensor, radius: float, samples: int, generator: torch.Generator) -> _Pairs:
    """The best of `samples` random secants from every point, of log-uniform length."""
    best = _Pairs(points, points, torch.zeros(len(points), dtype=torch.float64, device=points.device))
    for _ in range(samples):
        draw = torch.randn(points.shape, generator=generator, dtype=torch.float64, device=generator.device)
        exponent = torch.rand(len(points), generator=generator, dtype=torch.float64, device=generator.device)
        offset = _scaled(draw.to(points), (radius * 10.0 ** (-3.0 * exponent)).to(points))
        best = _better(best, _measure(function, points, points + offset))
    return best


def _ascend(function: Map, points: Tensor, start: _Pairs, radius: float, steps: int) -> _Pairs:
    """Normalised gradient ascent on log ‖f(z) − f(y)‖ − log ‖z − y‖ over y and z, with steps that shrink."""
    best, first, second = start, start.first, start.second
    for step in range(steps):
        size = 0.3 * radius * (1.0 - step / steps)
        with torch.enable_grad():
            y, z = first.detach().requires_grad_(), second.detach().requires_grad_()
            gap = (function(z) - function(y)).flatten(1).norm(dim=1)
            objective = (gap.clamp_min(1e-30).log() - (z - y).flatten(1).norm(dim=1).clamp_min(1e-30).log()).sum()
            gradients = torch.autograd.grad(objective, (y, z), allow_unused=True, materialize_grads=True)
        move_y, move_z = (torch.nan_to_num(g, nan=0.0, posinf=0.0, neginf=0.0) for g in gradients)
        first = points + _shortened(y.detach() + _scaled(move_y, size) - points, radius)
        second = first + _shortened(z.detach() + _scaled(move_z, size) - first, radius)
        best = _better(best, _measure(function, first, second))
    return best


def _shortened(offset: Tensor, radius: float) -> Tensor:
    """Each sample's offset, scaled down to length `radius` where it is longer."""
    norm = offset.flatten(1).norm(dim=1).clamp_min(torch.finfo(offset.dtype).tiny)
    factor = (radius / norm).clamp_max(1.0)
    return offset * factor.view(-1, *[1] * (offset.dim() - 1))


def _power_iterate(function: Map, start: _Pairs, radius: float, iterations: int) -> _Pairs:
    """Power iteration on JᵀJ at one end of each pair; the direction found is tried as secants of four lengths."""
    best, base = start, start.first
    direction = _scaled(start.second - start.first, 1.0)
    pull_back = torch.func.vjp(function, base)[1]
    for _ in range(iterations):
        pushed = jacobian_vector_product(function, base, direction)
        direction = _scaled(pull_back(pushed)[0].detach(), 1.0)
    for fraction in (1.0, 0.1, 0.01, 0.001):
        for sign in (1.0, -1.0):
            best = _better(best, _measure(function, base, base + sign * _scaled(direction, fraction * radius)))
    return best
