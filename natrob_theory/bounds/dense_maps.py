"""A module as a chain on flat vectors: affine maps as matrices, activations, and layers with a constant."""

import math
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeGuard

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.bounds.layer_rules import lipschitz_of_layer, output_shape
from natrob_theory.fields import AutonomousField, GradientFlowField, LinearField, SkewSymmetricField
from natrob_theory.layers.activation_slopes import activation_slopes
from natrob_theory.layers.altered_layers import computes_as
from natrob_theory.layers.batch_norm import SCALE_ERROR, AnyBatchNorm, channel_scale
from natrob_theory.layers.refusal import Shape
from natrob_theory.numbers.rounding import EPSILON

DENSE_LIMIT = 2**21
"""The largest number of matrix entries that a layer may have to be written out: 16 MiB in float64."""

LINEAR_WITHOUT_WEIGHTS: set[type[nn.Module]] = {
    nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.PixelUnshuffle, nn.PixelShuffle, nn.ZeroPad2d,
}  # fmt: skip
"""Layers whose matrix is read off the images of unit vectors, each entry one quotient at most; others may be added."""

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass(frozen=True, kw_only=True)
class AffineMap:
    """x -> Wx + b on flat vectors, in float64.

    Attributes:
        matrix: W as computed.
        bias: b as computed.
        entry_error: every entry of the exact W is within this, relatively, of the computed one.
        bias_error: absolute, per entry of b.
    """

    matrix: Float[Tensor, "outputs inputs"]
    bias: Float[Tensor, " outputs"]
    entry_error: float
    bias_error: Float[Tensor, " outputs"]


class Activation(NamedTuple):
    """An elementwise function whose slopes `activation_slopes` knows."""

    module: nn.Module


class Opaque(NamedTuple):
    """A layer of which only an upper Lipschitz constant is used.

    Attributes:
        lipschitz: the constant.
        module: the layer.
        input_shape: of one sample that it takes.
    """

    lipschitz: float
    module: nn.Module
    input_shape: Shape


Piece: TypeAlias = AffineMap | Activation | Opaque


def chain_of(module: nn.Module, input_shape: Shape) -> list[Piece]:
    """The pieces of a module in order; layers that only reshape vanish, a batch norm joins the affine map before it.

    A batch norm with no affine map before it is a diagonal matrix, while that fits.
    """
    pieces: list[Piece] = []
    for layer, shape in _leaves(module, input_shape):
        if _only_reshapes(layer):
            continue
        structured = _structured_pieces(layer, shape)
        if structured is not None:
            pieces += structured
            continue
        if _is_batch_norm(layer) and (before := _affine_map_before(layer, shape, pieces)) is not None:
            pieces.append(_batch_norm_joined(layer, shape, before))
        else:
            pieces.append(_piece(layer, shape))
    return pieces


def _leaves(module: nn.Module, input_shape: Shape) -> list[tuple[nn.Module, Shape]]:
    """The layers inside nested chains, each with the shape of its input."""
    if computes_as(module, AutonomousField):
        return _leaves(module.module, input_shape)
    if not computes_as(module, nn.Sequential):
        return [(module, input_shape)]
    leaves = []
    for part in module:
        leaves += _leaves(part, input_shape)
        input_shape = output_shape(part, input_shape)
    return leaves


def _only_reshapes(layer: nn.Module) -> bool:
    """Whether the layer leaves the flat vector as it is; dropout in training mode was refused before."""
    kinds = (nn.Identity, nn.Flatten, nn.Unflatten, nn.Dropout, nn.Dropout1d, nn.Dropout2d)
    return any(computes_as(layer, kind) for kind in kinds)


def _piece(layer: nn.Module, shape: Shape) -> Piece:
    """The layer as a matrix where it fits, as an activation, or as its constant."""
    if computes_as(layer, nn.Linear) and len(shape) == 1:
        return _exact_map(layer.weight, layer.bias)
    if computes_as(layer, LinearField):
        return _exact_map(layer.matrix, None)
    if computes_as(layer, nn.Conv2d) and (matrix := convolution_matrix(layer, shape, limit=DENSE_LIMIT)) is not None:
        pixels = len(matrix) // layer.out_channels
        return _exact_map(matrix, None if layer.bias is None else layer.bias.repeat_interleave(pixels))
    if _has_slopes(layer):
        return Activation(layer)
    if _is_linear_without_weights(layer) and (matrix := _matrix_from_images(layer, shape)) is not None:
        return _linear(matrix, entry_error=4 * EPSILON)
    return Opaque(lipschitz_of_layer(layer, shape), layer, shape)


def _structured_pieces(layer: nn.Module, shape: Shape) -> list[Piece] | None:
    """−Wᵀσ(Wy + b) as three pieces, Ay − Aᵀy as one; None for other layers, and where W is too large for a matrix."""
    if not computes_as(layer, GradientFlowField) and not computes_as(layer, SkewSymmetricField):
        return None
    lipschitz_of_layer(layer, shape)  # refuses parts that are not what the class says
    inner = _piece(layer.linear_map, shape)
    if not isinstance(inner, AffineMap):
        return None
    if isinstance(layer, SkewSymmetricField):
        return [_linear(inner.matrix - inner.matrix.T, entry_error=EPSILON)]
    return [inner, Activation(layer.activation), _linear(-inner.matrix.T, entry_error=0.0)]


def _linear(matrix: Tensor, *, entry_error: float) -> AffineMap:
    zeros = matrix.new_zeros(len(matrix))
    return AffineMap(matrix=matrix.contiguous(), bias=zeros, entry_error=entry_error, bias_error=zeros)


def _is_linear_without_weights(layer: nn.Module) -> bool:
    return any(computes_as(layer, kind) for kind in LINEAR_WITHOUT_WEIGHTS)


def _matrix_from_images(layer: nn.Module, shape: Shape) -> Tensor | None:
    """The matrix of a linear layer without weights, column by column; None where it is too large."""
    entries = math.prod(shape)
    columns = torch.eye(entries, dtype=torch.float64).view(entries, *shape) if entries**2 <= DENSE_LIMIT else None
    return None if columns is None else layer(columns).flatten(1).T.contiguous()


def _has_slopes(layer: nn.Module) -> bool:
    """Whether `activation_slopes` has a rule for this kind of layer, and the layer is unaltered."""
    kind = next(kind for kind in type(layer).__mro__ if kind in activation_slopes.registry)
    return kind is not object and computes_as(layer, kind)


def _exact_map(weight: Tensor, bias: Tensor | None) -> AffineMap:
    """A map whose stored entries are exact in float64."""
    matrix = weight.detach().double()
    zeros = torch.zeros(len(matrix), dtype=torch.float64, device=matrix.device)
    return AffineMap(
        matrix=matrix, bias=zeros if bias is None else bias.detach().double(), entry_error=0.0, bias_error=zeros
    )


def _is_batch_norm(layer: nn.Module) -> TypeGuard[AnyBatchNorm]:
    return isinstance(layer, BATCH_NORMS) and any(computes_as(layer, kind) for kind in BATCH_NORMS)


def _affine_map_before(layer: AnyBatchNorm, shape: Shape, pieces: list[Piece]) -> AffineMap | None:
    """The last piece, taken off the list, if it is an affine map; else the identity, or None where it does not fit."""
    if pieces and isinstance(last := pieces[-1], AffineMap):
        pieces.pop()
        return last
    entries, statistics = math.prod(shape), layer.running_var
    if statistics is None or entries**2 > DENSE_LIMIT:
        return None
    return _linear(torch.eye(entries, dtype=torch.float64, device=statistics.device), entry_error=0.0)


def _batch_norm_joined(layer: AnyBatchNorm, shape: Shape, before: AffineMap) -> AffineMap:
    """diag(s)(Wx + b − mean) + shift: a batch norm after an affine map, or alone after the identity."""
    scale = channel_scale(layer, shape)
    zeros = torch.zeros_like(scale)
    mean = zeros if layer.running_mean is None else layer.running_mean.detach().double()
    shift = zeros if layer.bias is None else layer.bias.detach().double()
    scale, mean, shift = (_per_entry(values, shape) for values in (scale, mean, shift))
    size = scale.abs() * (before.bias.abs() + mean.abs()) + shift.abs()
    return AffineMap(
        matrix=scale[:, None] * before.matrix,
        bias=scale * (before.bias - mean) + shift,
        entry_error=before.entry_error + 2 * SCALE_ERROR,
        bias_error=(scale.abs() * before.bias_error + 4 * SCALE_ERROR * size) * (1.0 + 4 * SCALE_ERROR),
    )


def _per_entry(channels: Tensor, shape: Shape) -> Tensor:
    """One value per entry of the flat vector from one per channel."""
    return channels.repeat_interleave(math.prod(shape[1:]))


def convolution_matrix(
    layer: nn.Conv2d, input_shape: Shape, *, limit: int | None = None
) -> Float[Tensor, "outputs inputs"] | None:
    """The matrix of a two-dimensional convolution on flat images, exact; None where it has more than `limit` entries.

    Which weight stands where is read off an image of pixel numbers, padded and unfolded as the layer does it.
    """
    channels, height, width = input_shape
    numbers = torch.arange(1.0, height * width + 1, dtype=torch.float64).view(1, 1, height, width)
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    padded = torch.nn.functional.pad(numbers, layer._reversed_padding_repeated_twice, mode=mode)
    unfolded = torch.nn.functional.unfold(padded, layer.kernel_size, dilation=layer.dilation, stride=layer.stride)
    pixel_of = unfolded[0].long().to(layer.weight.device)  # (taps, output pixels); 0 is padding
    taps, outputs = pixel_of.shape
    if limit is not None and layer.out_channels * outputs * channels * height * width > limit:
        return None
    weight = layer.weight.detach().double().flatten(2)
    matrix = weight.new_zeros((layer.out_channels, outputs, channels, height * width + 1))
    positions = torch.arange(outputs, device=weight.device)
    blocks = zip(matrix.chunk(layer.groups), weight.chunk(layer.groups), strict=True)
    for group, (block, block_weight) in enumerate(blocks):
        inputs = block_weight.shape[1]
        own = block[:, :, group * inputs : (group + 1) * inputs]
        for tap in range(taps):
            own[:, positions, :, pixel_of[tap]] += block_weight[:, :, tap]
    return matrix[..., 1:].reshape(layer.out_channels * outputs, -1)
