"""Upper Lipschitz bounds on balls: activations that cannot switch inside a ball are linear there.

Between two points of the ball the chain acts as W_L D_{L−1} W_{L−1} ⋯ D_1 W_1 with diagonal D whose entries are
secant slopes of the activations, known to lie in intervals [low, high] once boxes hold the pre-activations.
Write J for the matrix at the centre (slopes D°), Δ for the largest |D − D°| and D̂ for the largest |D|. For a prefix
with J + E in place of the chain, ‖E‖ ≤ e and constant at most p, another activation and another matrix W give

* the product form p' = ‖W√D̂‖‖√D̂ J‖ + ‖WD̂‖e, and ‖WD̂‖p: rows and columns with slope 0 are gone;
* the form around the centre J' = WD°J, e' = min(‖W√Δ‖‖√Δ J‖, ‖ |W|Δ|J| ‖) + ‖WD̂‖e, p' = ‖J'‖ + e'.

The least of them is taken. D° does not depend on the radius while Δ and D̂ grow with it, so every form, and hence the
bound, is monotone in the radius; at radius 0, Δ = 0 away from kinks and the bound is ‖J‖ up to rounding.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.bounds.local.ball_image import BallImage, activation_image, affine_image, ball
from natrob_theory.layers.answers import activation_slopes, chain_of, lipschitz_of_layer
from natrob_theory.layers.remembered import remembered
from natrob_theory.layers.statements import Activation, AffineMap, Opaque, Piece, Shape
from natrob_theory.numbers.argument_checks import require_finite, require_state
from natrob_theory.numbers.bound import Bound
from natrob_theory.numbers.rounding import EPSILON, round_up
from natrob_theory.spectra.scaled_norms import scaled_columns_norms_upper, scaled_rows_norms_upper
from natrob_theory.spectra.singular_values import spectral_norms_lower, spectral_norms_upper

ENTRIES_AT_ONCE = 2**23
"""How many matrix entries the samples of one pass may have together."""


def local_lipschitz_upper_bound(module: nn.Module, center: Tensor, radius: float | Tensor) -> Bound:
    """K on the balls {y : ‖y − center_i‖₂ ≤ radius_i}: an upper bound for any two points of the ball, per sample.

    Sharp forms hold for `AutonomousField`, `LinearField` and nn.Sequential of Linear layers on vectors, Conv2d and
    batch norm in eval mode written out as matrices (up to `dense_maps.DENSE_LIMIT` entries), and activations known to
    `activation_slopes`. Any other layer, and every activation after it, enters by its constant on all inputs.

    Args:
        module: a field or a chain of layers that `lipschitz_upper_bound` can bound.
        center: (batch, *state).
        radius: at least 0, one number or one per sample, (batch,).

    Returns:
        Value of shape (batch,), float64, kind "upper", rounded outward; never above `lipschitz_upper_bound`.

    Raises:
        LayerRefusedError: a layer that has no constant at all; the message names it.
        ValueError: a negative or non-finite radius, a centre that is not a finite state.

    Source: theory, section 5.
    Proof: proofs/symbolic/local_lipschitz.py.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"`module` must be an nn.Module, got {type(module).__name__}")
    center = require_state("center", center).detach()
    radii = radii_per_sample(radius, center)
    return Bound(
        value=ball_constants(module, tuple(center.shape[1:])).on_balls(center, radii),
        kind="upper",
        assumptions=("between two points of the ball", "exact arithmetic with the stored weights"),
        source="theory, section 5: matrices between the activations, with their slopes on the ball",
    )


class BallConstants:
    """What the local constants of one module share, prepared once: its chain, and its constant on all inputs.

    Args:
        module: as for `local_lipschitz_upper_bound`.
        input_shape: of one sample.
    """

    def __init__(self, module: nn.Module, input_shape: Shape) -> None:
        self.everywhere = lipschitz_of_layer(module, input_shape)
        self._chain = chain_of(module, input_shape)
        self._norms = [
            float(spectral_norms_upper(p.matrix, input_error=_entry_error(p))) if isinstance(p, AffineMap) else 0.0
            for p in self._chain
        ]

    def on_balls(self, center: Tensor, radii: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """K on the ball around each sample of `center`, (batch, *state); radii are float64, at least 0, ∞ allowed."""
        flat = center.detach().flatten(1).double()
        inputs = flat.shape[1]
        sizes = [len(p.matrix) * inputs + p.matrix.numel() for p in self._chain if isinstance(p, AffineMap)]
        at_once = max(1, ENTRIES_AT_ONCE // max([1, *sizes]))
        parts = zip(flat.split(at_once), radii.split(at_once), strict=True)
        return torch.cat([_chain_constant(self._chain, self._norms, *part) for part in parts]).clamp_max(
            self.everywhere
        )


def ball_constants(module: nn.Module, input_shape: Shape) -> BallConstants:
    """Those of this module and shape, prepared once within `constants_remembered`."""
    return remembered(module, input_shape, lambda: BallConstants(module, input_shape), what="on balls")


def radii_per_sample(radius: float | Tensor, center: Tensor) -> Float[Tensor, " batch"]:
    """One radius per sample, float64. Raises ValueError if one is negative or not finite, or their number is wrong."""
    if not isinstance(radius, Tensor):
        radius = torch.tensor(require_finite("radius", radius), dtype=torch.float64)
    if radius.dim() > 1 or (radius.dim() == 1 and len(radius) != len(center)):
        raise ValueError(f"`radius` must be one number or of shape ({len(center)},), got {tuple(radius.shape)}")
    radii = radius.detach().to(center.device, torch.float64).expand(len(center))
    if not bool((torch.isfinite(radii) & (radii >= 0)).all()):
        raise ValueError(f"`radius` must be finite and at least 0, got {radii.tolist()}")
    return radii


class _Scaling(NamedTuple):
    """The diagonal of the activations since the last matrix: D°, Δ and D̂, each (batch, entries)."""

    center: Tensor
    deviation: Tensor
    largest: Tensor


@dataclass(frozen=True, kw_only=True)
class _Prefix:
    """What is known of the chain up to its last matrix, per sample.

    Attributes:
        outer: constants of the part before the last opaque layer, and of that layer.
        constant: p, of the part since.
        jacobian: J, (batch or 1, entries, inputs); None for the identity.
        deviation: e.
        scaling: of the activations since the last matrix.
        image: None after an opaque layer, where nothing is known of the points.
    """

    outer: Tensor
    constant: Tensor
    jacobian: Tensor | None
    deviation: Tensor
    scaling: _Scaling | None
    image: BallImage | None


def _chain_constant(
    chain: list[Piece], norms: list[float], center: Float[Tensor, "batch entries"], radius: Float[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """The bound for samples that fit in memory together; `norms` are those of the matrices by themselves."""
    one, zero = torch.ones_like(radius), torch.zeros_like(radius)
    prefix = _Prefix(outer=one, constant=one, jacobian=None, deviation=zero, scaling=None, image=ball(center, radius))
    for piece, norm in zip(chain, norms, strict=True):
        if isinstance(piece, AffineMap):
            prefix = _after_affine(prefix, piece, norm, radius)
        elif isinstance(piece, Activation):
            prefix = _after_activation(prefix, piece.module)
        else:
            prefix = _after_opaque(prefix, piece)
    return round_up(prefix.outer * _closed(prefix), 4)


def _after_opaque(prefix: _Prefix, layer: Opaque) -> _Prefix:
    """The constants multiply, and nothing is known of where the points are."""
    one = torch.ones_like(prefix.outer)
    outer = round_up(prefix.outer * _closed(prefix) * layer.lipschitz, 4)
    return _Prefix(outer=outer, constant=one, jacobian=None, deviation=torch.zeros_like(one), scaling=None, image=None)


def _after_activation(prefix: _Prefix, activation: nn.Module) -> _Prefix:
    """The slopes on the box join those of an activation directly before."""
    image = prefix.image
    if image is None:
        end = torch.full((1, 1), torch.inf, dtype=torch.float64, device=prefix.outer.device)
        slopes = activation_slopes(activation, -end, end)
        at_center = 0.5 * (slopes.low + slopes.high)
    else:
        slopes = activation_slopes(activation, image.lower, image.upper)
        tangent = activation_slopes(activation, image.center, image.center)
        at_center = 0.5 * (tangent.low + tangent.high)
        image = activation_image(image, activation, slopes)
    deviation = torch.maximum(slopes.high - at_center, at_center - slopes.low) * (1.0 + 4 * EPSILON)
    largest = torch.maximum(slopes.low.abs(), slopes.high.abs())
    if prefix.scaling is not None:  # |d₂d₁ − D₂D₁| ≤ |d₂||d₁ − D₁| + |D₁||d₂ − D₂|
        before = prefix.scaling
        deviation = round_up(largest * before.deviation + deviation * before.center.abs(), 8)
        at_center = at_center * before.center
        deviation = deviation + 4 * EPSILON * at_center.abs()
        largest = round_up(largest * before.largest, 2)
    return replace(prefix, scaling=_Scaling(at_center, deviation, largest), image=image)


def _entry_error(layer: AffineMap) -> float:
    """Of the entries of WD, relatively."""
    return layer.entry_error + 4 * EPSILON


def _after_affine(prefix: _Prefix, layer: AffineMap, norm: float, radius: Float[Tensor, " batch"]) -> _Prefix:
    """J, e and p after the activations since the last matrix and then this one, whose own norm is `norm`."""
    error = _entry_error(layer)
    if prefix.scaling is None:
        matrix, squeezed = layer.matrix[None], layer.matrix[None]
        squeezed_norm = radius.new_full((1,), norm)
    else:
        matrix = layer.matrix * prefix.scaling.center[:, None, :]
        squeezed = layer.matrix * prefix.scaling.largest[:, None, :]
        squeezed_norm = scaled_columns_norms_upper(layer.matrix[None], prefix.scaling.largest, input_error=error)
    spread = prefix.constant * radius
    rows = torch.linalg.vector_norm(squeezed, dim=2) * (1.0 + (layer.matrix.shape[1] + 8) * EPSILON + error)
    image = None if prefix.image is None else affine_image(prefix.image, layer, rows * spread[:, None])
    jacobian = matrix if prefix.jacobian is None else matrix @ prefix.jacobian
    deviation = squeezed_norm * prefix.deviation + _rounding(matrix, prefix.jacobian, error)
    candidates = [squeezed_norm * prefix.constant]
    if prefix.scaling is not None:
        deviation = deviation + _switching(layer, prefix.jacobian, prefix.scaling.deviation, error)
        left = squeezed_norm if _is_its_own_root(prefix.scaling.largest) else None
        product = _product_form(layer, prefix.jacobian, prefix.scaling.largest, error, left=left)
        candidates.append(product + squeezed_norm * prefix.deviation)
    deviation = round_up(deviation, 16)
    least = torch.stack(torch.broadcast_tensors(*candidates)).amin(dim=0)
    if prefix.scaling is not None or prefix.jacobian is not None:
        least = _at_most_around(least, jacobian, deviation)
    constant = round_up(least, 16)
    return _Prefix(
        outer=prefix.outer, constant=constant, jacobian=jacobian, deviation=deviation, scaling=None, image=image
    )


def _at_most_around(least: Tensor, jacobian: Tensor, deviation: Tensor) -> Tensor:
    """min(least, ‖J‖ + e), with singular values only where a lower bound of ‖J‖ leaves it open which one is less."""
    if len(jacobian) != len(deviation):
        return torch.minimum(least, spectral_norms_upper(jacobian) + deviation)
    least, deviation = torch.broadcast_tensors(least, deviation)
    undecided = spectral_norms_lower(jacobian) + deviation < least
    if not bool(undecided.any()):
        return least
    around = spectral_norms_upper(jacobian[undecided]) + deviation[undecided]
    return least.masked_scatter(undecided, torch.minimum(least[undecided], around))


def _is_its_own_root(diagonal: Tensor) -> bool:
    """Whether √D = D: slopes of 0 and 1 only, those of a rectifier."""
    return bool(((diagonal == 0) | (diagonal == 1)).all())


def _product_form(
    layer: AffineMap, jacobian: Tensor | None, largest: Tensor, error: float, *, left: Tensor | None = None
) -> Tensor:
    """‖W√D̂‖‖√D̂ J‖; `left` is the first factor where it is known."""
    if jacobian is None:
        return scaled_columns_norms_upper(layer.matrix[None], largest, input_error=error)
    root = largest.sqrt()
    if left is None:
        left = scaled_columns_norms_upper(layer.matrix[None], root, input_error=error)
    return left * scaled_rows_norms_upper(root, jacobian, input_error=4 * EPSILON)


def _switching(layer: AffineMap, jacobian: Tensor | None, deviation: Tensor, error: float) -> Tensor:
    """At least ‖WΘΔJ‖ for every diagonal |Θ| ≤ 1: by ‖W√Δ‖‖√ΔJ‖, or √(‖M‖₁‖M‖_∞) of M = |W|Δ|J|."""
    product = _product_form(layer, jacobian, deviation, error)
    if jacobian is None:
        return product
    left, right = layer.matrix.abs(), jacobian.abs()
    columns = right.mT @ (deviation * left.sum(dim=0))[:, :, None]
    rows = (deviation * right.sum(dim=2)) @ left.T
    entries = sum(layer.matrix.shape) + jacobian.shape[2]
    schur = torch.sqrt(columns.amax(dim=(1, 2)) * rows.amax(dim=1)) * (1.0 + (entries + 16) * EPSILON + error)
    return torch.minimum(product, schur)


def _rounding(matrix: Tensor, jacobian: Tensor | None, error: float) -> Tensor:
    """What the product WD°J errs by, in ‖·‖_F."""
    size = torch.linalg.matrix_norm(matrix)
    if jacobian is not None:
        size = size * torch.linalg.matrix_norm(jacobian) * (1.0 + 1e-9)
    return ((matrix.shape[2] + 8) * EPSILON + error) * size * (1.0 + 1e-9)


def _closed(prefix: _Prefix) -> Float[Tensor, " batch"]:
    """The constant of the prefix with the activations at its end."""
    if prefix.scaling is None:
        return prefix.constant
    at_center, deviation, largest = prefix.scaling
    steepest = largest.amax(dim=1)
    plain = steepest * prefix.constant
    if prefix.jacobian is None:
        return round_up(plain, 4)
    jacobian, error = prefix.jacobian, 4 * EPSILON
    tail = steepest * prefix.deviation
    squeezed = scaled_rows_norms_upper(largest, jacobian, input_error=error) + tail
    moved = scaled_rows_norms_upper(deviation, jacobian, input_error=error)
    around = scaled_rows_norms_upper(at_center, jacobian, input_error=error) + moved + tail
    return round_up(torch.minimum(plain, torch.minimum(squeezed, around)), 16)
