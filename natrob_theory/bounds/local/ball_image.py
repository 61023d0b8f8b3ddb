"""Where the points of a ball go, layer by layer: boxes that hold their images, and the image of the centre.

Rounding. The centre's image is computed, so `drift` bounds its distance from the exact image. A product of length n
errs by at most γ|W||x| entrywise, γ = (n + 8)·2u (Higham, *Accuracy and Stability*, (3.12)); an activation is taken to
err by at most 16·2u(|x| + |σ(x)|), far more than torch's do. Every end of a box is moved outwards by such a term and by
one unit in the last place.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.layers.statements import AffineMap, Slopes
from natrob_theory.numbers.rounding import EPSILON

ACTIVATION_ERROR = 16 * EPSILON


class BallImage(NamedTuple):
    """The image of a ball after some layers, per sample, on flat vectors in float64.

    Attributes:
        center: the computed image of the centre.
        drift: ‖center − exact image of the centre‖₂ is at most this.
        lower, upper: entrywise bounds of every point's image; they hold `center` too.
    """

    center: Float[Tensor, "batch entries"]
    drift: Float[Tensor, " batch"]
    lower: Float[Tensor, "batch entries"]
    upper: Float[Tensor, "batch entries"]


def ball(center: Float[Tensor, "batch entries"], radius: Float[Tensor, " batch"]) -> BallImage:
    """The ball itself."""
    return _outward(center, torch.zeros_like(radius), center - radius[:, None], center + radius[:, None])


def affine_image(image: BallImage, layer: AffineMap, reach: Float[Tensor, "batch outputs"]) -> BallImage:
    """The image after x -> Wx + b.

    Args:
        image: before.
        layer: W and b.
        reach: entrywise bounds of |W(x − x̄)| for the exact images x of the ball's points and x̄ of its centre.

    Each end is the better one of two: the centre's image ± `reach`, and the image of the box.
    """
    matrix, magnitude = layer.matrix, layer.matrix.abs()
    gamma = (matrix.shape[1] + 8) * EPSILON + layer.entry_error
    center = image.center @ matrix.T + layer.bias
    error = ((image.center.abs() @ magnitude.T + layer.bias.abs()) * gamma + layer.bias_error) * (1.0 + gamma)
    drift = torch.linalg.matrix_norm(matrix) * image.drift + torch.linalg.vector_norm(error, dim=1) * (1.0 + gamma)
    rows = torch.linalg.vector_norm(matrix, dim=1) * (1.0 + gamma)
    around = (reach + rows * image.drift[:, None] + error) * (1.0 + gamma)

    middle = 0.5 * image.lower + 0.5 * image.upper
    half = torch.maximum(image.upper - middle, middle - image.lower) * (1.0 + 2 * EPSILON)
    spread = half @ magnitude.T + gamma * ((middle.abs() + half) @ magnitude.T + layer.bias.abs()) + layer.bias_error
    spread = spread * (1.0 + 2 * gamma)
    moved = middle @ matrix.T + layer.bias
    lower = torch.maximum(_or(center - around, -torch.inf), _or(moved - spread, -torch.inf))
    upper = torch.minimum(_or(center + around, torch.inf), _or(moved + spread, torch.inf))
    return _outward(center, drift * (1.0 + 4 * EPSILON), lower, upper)


def activation_image(image: BallImage, activation: nn.Module, slopes: Slopes) -> BallImage:
    """The image after an activation with these secant slopes on the box.

    From either end of the box σ rises at most by the largest slope times the width, and falls at most by the least.
    """
    rise, fall = slopes.high.clamp_min(0.0), slopes.low.clamp_max(0.0)
    width = (image.upper - image.lower) * (1.0 + 2 * EPSILON)
    center = activation(image.center)
    steepest = torch.maximum(rise, -fall).amax(dim=1)
    drift = steepest * image.drift + torch.linalg.vector_norm(_evaluation_error(image.center, center), dim=1)
    at_lower, at_upper = activation(image.lower), activation(image.upper)
    room = 8 * EPSILON * width * (rise - fall)
    low_error = _evaluation_error(image.lower, at_lower) + room
    high_error = _evaluation_error(image.upper, at_upper) + room
    lower = torch.maximum(
        _or(at_lower + fall * width - low_error, -torch.inf), _or(at_upper - rise * width - high_error, -torch.inf)
    )
    upper = torch.minimum(
        _or(at_lower + rise * width + low_error, torch.inf), _or(at_upper - fall * width + high_error, torch.inf)
    )
    return _outward(center, drift * (1.0 + (center.shape[1] + 8) * EPSILON), lower, upper)


def _evaluation_error(point: Tensor, value: Tensor) -> Tensor:
    return ACTIVATION_ERROR * (point.abs() + value.abs())


def _or(end: Tensor, unbounded: float) -> Tensor:
    """An end of a box; where overflow left no number, the end that excludes nothing."""
    return torch.nan_to_num(end, nan=unbounded, posinf=torch.inf, neginf=-torch.inf)


def _outward(center: Tensor, drift: Tensor, lower: Tensor, upper: Tensor) -> BallImage:
    """The box moved outwards by its ends' last rounding, and made to hold the centre."""
    lower = torch.nextafter(lower, torch.full_like(lower, -torch.inf))
    upper = torch.nextafter(upper, torch.full_like(upper, torch.inf))
    return BallImage(center, drift, torch.minimum(lower, center), torch.maximum(upper, center))
