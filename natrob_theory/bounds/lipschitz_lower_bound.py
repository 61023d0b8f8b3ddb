"""A lower bound of the Lipschitz constant by search: sampled secants, gradient ascent, power iteration."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from natrob_theory.bounds.norm_directions import steepest_direction
from natrob_theory.bounds.point_pairs import (
    Measure,
    PointPairs,
    along_direction,
    ascend,
    log_length,
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
from natrob_theory.numbers.rounding import unit_roundoff
from natrob_theory.numbers.tensor_types import Field

Map = Callable[[Tensor], Tensor]
SECANT_SAFETY = 64.0


def lipschitz_lower_bound(  # noqa: PLR0913 - each is one keyword of what the search is
    field: Field,
    points: Tensor,
    *,
    radius: float,
    generator: torch.Generator,
    time: float = 0.0,
    samples: int = 8,
    ascent_steps: int = 40,
    power_iterations: int = 30,
    norm: Norm = "L2",
) -> Bound:
    """The largest secant constant ‖f(z) − f(y)‖/‖z − y‖ found near `points`: a lower bound of K at this time.

    Three searches, each starting from the best pairs of the one before: random secants of lengths between
    10⁻³·radius and radius; gradient ascent on the log of the secant constant over both ends, which stay
    within `radius` of their point; power iteration on JᵀJ by automatic differentiation, whose
    direction is then tried as a secant (in L∞ and L1 the signs of a row, or a column's unit vector, which are tight
    there). Only measured secants count, less an allowance for the rounding of f, so
    neither kinks (where the Jacobian that autograd reports need not be a slope of f) nor errors of autograd itself
    (torch 2.14.1 gives the slopes of CELU with relative errors of 10⁻⁷ in float64) can push the result above K. The
    allowance is
    64u(‖f‖ + s‖y‖) at each end, s the secant constant: a field whose intermediate values are far larger than its
    argument and its value (a bias of 10⁵ that cancels) rounds by more, and needs float64 or a larger radius.

    Args:
        field: f(t, y).
        points: (batch, *state), where to search; dtype and device are kept.
        radius: > 0, in units of the state's norm.
        generator: for the random directions.
        time: t.
        samples: random secants per point.
        ascent_steps: gradient steps.
        power_iterations: products with J and Jᵀ.
        norm: of the constant: "L2", "Linf" or "L1".

    Returns:
        A lower bound in this norm, for fields and radii of every size that float numbers have.

    Raises:
        TypeError, ValueError: naming the argument.
        NotDifferentiableError: automatic differentiation of the field fails in every mode.

    Source: theory, section 5.
    Proof: proofs/coq/secants.v, proofs/symbolic/secants_are_lower_bounds.py.
    """
    points = require_state("points", points).detach()
    radius = require_positive("radius", radius)
    time = require_finite("time", time)
    require_generator("generator", generator)
    require_choice("norm", norm, NORMS)
    for name, count in (
        ("samples", samples),
        ("ascent_steps", ascent_steps),
        ("power_iterations", power_iterations),
    ):
        require_count(name, count)

    def at_time(state: Tensor) -> Tensor:
        return evaluate_field(field, time, state)

    measure = partial(_measure, at_time, norm)
    pairs = random_pairs(measure, points, radius, samples, generator, worst=0.0, norm=norm)
    with reverse_mode_of(f"field {field_name(field)}"):
        pairs = ascend(partial(_log_secant, at_time, norm), measure, points, pairs, radius, ascent_steps, norm)
    jacobian = Linearisation(
        at_time, pairs.first, name=f"field {field_name(field)}", expected_products=power_iterations
    )
    if norm == "L2":
        pairs = _power_iterate(jacobian, measure, points, pairs, radius, power_iterations)
    else:
        direction = steepest_direction(jacobian, scaled(pairs.second - pairs.first, 1.0), norm, power_iterations)
        pairs = along_direction(measure, points, pairs, pairs.first, direction, radius, norm)
    return Bound(
        value=float(pairs.quotient.max().clamp_min(0.0)),
        kind="lower",
        norm=norm,
        assumptions=(
            f"searched within {radius:g} of {len(points)} points at t = {time:g}",
            f"f rounds by at most {SECANT_SAFETY:g}u(‖f‖ + s‖y‖): no large cancellation or underflow inside it",
        ),
        source="largest secant constant found by sampling, gradient ascent and power iteration",
    )


def _measure(function: Map, norm: Norm, first: Tensor, second: Tensor) -> PointPairs:
    """The secant constant s of each pair, less what rounding of f may have added: 64u(‖f‖ + s‖y‖) at each end."""
    with torch.no_grad():
        f_first, f_second = function(first), function(second)
        length = per_sample_norm(second - first, norm)
        rise = per_sample_norm(f_second - f_first, norm)
        size = per_sample_norm(f_first, norm) + per_sample_norm(f_second, norm)
        argument_size = (rise / length) * (per_sample_norm(first, norm) + per_sample_norm(second, norm))
        noise = rounding_of_values(first.dtype, size + argument_size)
        secant = (rise - noise) / length
    usable = (length > 0) & torch.isfinite(secant)
    return PointPairs(first, second, torch.where(usable, secant, torch.zeros_like(secant)))


def rounding_of_values(dtype: torch.dtype, size: Tensor) -> Tensor:
    """64u·size, what rounding may have added to a difference of values, and 64 times the smallest normal number.

    Below that number errors are absolute. It is far below u·size unless values underflow.
    """
    return SECANT_SAFETY * (unit_roundoff(dtype) * size + torch.finfo(dtype).tiny)


def _log_secant(function: Map, norm: Norm, first: Tensor, second: Tensor) -> Tensor:
    """log ‖f(z) − f(y)‖ − log ‖z − y‖ per sample, which the gradient ascent climbs."""
    return log_length(function(second) - function(first), norm) - log_length(second - first, norm)


def _power_iterate(
    jacobian: Linearisation, measure: Measure, points: Tensor, start: PointPairs, radius: float, iterations: int
) -> PointPairs:
    """Power iteration on JᵀJ at the first ends; the direction found is tried as secants of four lengths."""
    direction = scaled(start.second - start.first, 1.0)
    for _ in range(iterations):
        pushed = scaled(jacobian.times(direction), 1.0)  # else the product with Jᵀ could under- or overflow
        direction = scaled(jacobian.transposed_times(pushed), 1.0)
    return along_direction(measure, points, start, start.first, direction, radius)
