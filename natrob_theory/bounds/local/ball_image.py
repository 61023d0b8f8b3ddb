"""Boxes that hold the images of a ball's points, entry by entry, and the computed image of its centre.

Rounding. A product of length n errs by at most γ|W||x| entrywise, γ = (n + 8)·2u (Higham, *Accuracy and Stability*,
(3.12)); an activation says itself how much it errs (`AbstractAnswers.evaluation_error`). Every end of a box is moved
outwards by such a term and by one unit in the last place.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.bounds.local.prepared_map import PreparedMap
from natrob_theory.layers.answers import answers_of
from natrob_theory.layers.statements import Slopes
from natrob_theory.numbers.rounding import EPSILON


class Box(NamedTuple):
    """Where the points of a ball are after some layers, per sample, on flat vectors in float64.

    Attributes:
        center: the computed image of the ball's centre.
        lower, upper: entrywise bounds of every point's image; they hold `center` too.
    """

    center: Float[Tensor, "batch entries"]
    lower: Float[Tensor, "batch entries"]
    upper: Float[Tensor, "batch entries"]


def around(center: Float[Tensor, "batch entries"], reach: Tensor) -> Box:
    """The box center ± reach; reach is nonnegative, and ∞ or NaN excludes nothing."""
    return _outward(center, _or(center - reach, -torch.inf), _or(center + reach, torch.inf))


def widened(center: Tensor, lower: Tensor, upper: Tensor, reach: Tensor) -> Box:
    """The box from lower − reach to upper + reach; it is made to hold the centre. ∞ or NaN excludes nothing."""
    return _outward(center, _or(lower - reach, -torch.inf), _or(upper + reach, torch.inf))


def affine_value(layer: PreparedMap, point: Float[Tensor, "batch inputs"]) -> tuple[Tensor, Tensor]:
    """Wx + b as computed, and how far each entry of it may be from the exact one."""
    value = point @ layer.matrix.T + layer.bias
    gamma = layer.product_error
    size = point.abs() @ layer.magnitude.T + layer.bias.abs()
    return value, (size * gamma + layer.bias_error) * (1.0 + gamma)


def affine_box(box: Box, layer: PreparedMap, center: Float[Tensor, "batch outputs"], reach: Tensor) -> Box:
    """The box after x -> Wx + b.

    Args:
        box: before.
        layer: W and b.
        center: the computed image of the centre.
        reach: entrywise bounds of |Wx + b − center| for the exact images x of the ball's points.

    Each end is the better one of two: `center` ± `reach`, and the image of the box.
    """
    gamma, magnitude = layer.product_error, layer.magnitude
    middle = 0.5 * box.lower + 0.5 * box.upper
    half = torch.maximum(box.upper - middle, middle - box.lower) * (1.0 + 2 * EPSILON)
    spread = half @ magnitude.T + gamma * ((middle.abs() + half) @ magnitude.T + layer.bias.abs()) + layer.bias_error
    spread = spread * (1.0 + 2 * gamma)
    moved = middle @ layer.matrix.T + layer.bias
    lower = torch.maximum(_or(center - reach, -torch.inf), _or(moved - spread, -torch.inf))
    upper = torch.minimum(_or(center + reach, torch.inf), _or(moved + spread, torch.inf))
    return _outward(center, lower, upper)


def activation_value(activation: nn.Module, point: Tensor) -> tuple[Tensor, Tensor]:
    """σ(x) as computed, and how far each entry of it may be from the exact one."""
    with torch.no_grad():  # it may have weights, and it may work in place
        value = activation(point.clone())
    return value, answers_of(activation).evaluation_error(point, value)


def activation_box(box: Box, activation: nn.Module, slopes: Slopes, center: Tensor) -> Box:
    """The box after an activation with these secant slopes on it; `center` is the computed image of the centre.

    From either end of the box σ rises at most by the largest slope times the width, and falls at most by the least.
    """
    rise, fall = slopes.high.clamp_min(0.0), slopes.low.clamp_max(0.0)
    width = (box.upper - box.lower) * (1.0 + 2 * EPSILON)
    at_lower, low_error = activation_value(activation, box.lower)
    at_upper, high_error = activation_value(activation, box.upper)
    room = 8 * EPSILON * width * (rise - fall)
    low_error, high_error = low_error + room, high_error + room
    lower = torch.maximum(
        _or(at_lower + fall * width - low_error, -torch.inf), _or(at_upper - rise * width - high_error, -torch.inf)
    )
    upper = torch.minimum(
        _or(at_lower + rise * width + low_error, torch.inf), _or(at_upper - fall * width + high_error, torch.inf)
    )
    return _outward(center, lower, upper)


def _or(end: Tensor, unbounded: float) -> Tensor:
    """An end of a box; where overflow left no number, the end that excludes nothing."""
    return torch.nan_to_num(end, nan=unbounded, posinf=torch.inf, neginf=-torch.inf)


def _outward(center: Tensor, lower: Tensor, upper: Tensor) -> Box:
    """The box moved outwards by its ends' last rounding, and made to hold the centre."""
    lower = torch.nextafter(lower, torch.full_like(lower, -torch.inf))
    upper = torch.nextafter(upper, torch.full_like(upper, torch.inf))
    return Box(center, torch.minimum(lower, center), torch.maximum(upper, center))
