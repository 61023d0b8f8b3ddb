"""nn.Conv1d, nn.Conv2d, nn.Conv3d: their norm by the torus method, small ones as matrices."""

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from natrob_theory.layers.affine import RELATIVE, SCALE_ERROR, matrix_error
from natrob_theory.layers.answers import AbstractLayer, describes
from natrob_theory.layers.entry_sums import absolute, reach_through
from natrob_theory.layers.matrices import DENSE_LIMIT, exact_map
from natrob_theory.layers.operators import ConvolutionOperator, Operation, Windows
from natrob_theory.layers.padding import padded_numbers, padding_map, padding_norm, padding_operator
from natrob_theory.layers.questions import output_shape
from natrob_theory.layers.refusal import LayerRefusedError
from natrob_theory.layers.statements import Affine, AffineMap, Piece, Shape
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON, product_up
from natrob_theory.spectra.singular_values import matrix_norm_upper, spectral_norm_upper
from natrob_theory.spectra.torus import Torus, plain_torus, twists
from natrob_theory.spectra.torus_convolution import dilated, least_torus_norm_upper, round_to_multiple

AnyConvolution: TypeAlias = nn.Conv1d | nn.Conv2d | nn.Conv3d

DECOMPOSED_LIMIT = 2**14
"""Entries of the matrix up to which its singular values take about as long as the torus method."""

TWISTED_UP_TO = 100
"""Points of a torus up to which more than one is looked at: beyond, norms on all of them are within 2 % of the norm."""

ALL_TWISTS_UP_TO = 64
"""Channels up to which all twists are looked at; else the torus twisted along all axes."""


@describes(nn.Conv1d, nn.Conv2d, nn.Conv3d)
class ConvolutionAnswers(AbstractLayer[AnyConvolution]):
    """A convolution; one that reflects or repeats its border is a pad layer and a convolution without padding."""

    def lipschitz(self, input_shape: Shape) -> float:
        """The torus method."""
        return convolution_norm_upper(self.module, input_shape)

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """The convolution by |kernel| with its own padding, or its adjoint.

        Row and column sums of the operator, exact where no output meets one pixel by two taps, as it may behind a
        border that is reflected, repeated or taken from the other end; there, above them.
        """
        layer = self.module
        require_image_shape(layer, input_shape)
        weight, per_output = absolute(layer.weight), math.prod(layer.weight.shape[1:])
        uses = 1
        if layer.padding_mode != "zeros":
            numbers = padded_numbers(input_shape[1:], layer._reversed_padding_repeated_twice, layer.padding_mode)
            uses = int(torch.bincount(numbers.flatten().long()).max())
        per_input = uses * layer.weight.shape[0] * math.prod(layer.kernel_size)
        return reach_through(
            lambda some: layer._conv_forward(some.to(weight), weight, None),
            norm,
            sizes,
            input_shape,
            terms=max(per_output, per_input),
        )

    def scaled_lipschitz(self, input_shape: Shape, scale: Callable[[], Tensor]) -> float | None:
        """The torus method with the outputs scaled."""
        return convolution_norm_upper(self.module, input_shape, output_scale=scale())

    def pieces(self, input_shape: Shape) -> list[Piece]:
        """The matrix of a two-dimensional convolution, where it fits; before it that of its pad layer, if any."""
        layer = self.module
        if not isinstance(layer, nn.Conv2d):
            return super().pieces(input_shape)
        pad: AffineMap | None = None
        if layer.padding_mode == "circular":  # refuses a pixel that meets a kernel twice, whose weights would add up
            _circular_grid(layer, input_shape[1:], dilated(layer.weight, layer.dilation).shape[2:])
        if pads_apart(layer):
            numbers = padded_numbers(input_shape[1:], layer._reversed_padding_repeated_twice, layer.padding_mode)
            pad = padding_map(numbers.flatten().long(), math.prod(input_shape[1:]), copies=input_shape[0])
            wide = padded_numbers(tuple(numbers.shape[2:]), (0, 0), "constant")
            matrix = None if pad is None else _matrix_on(layer, wide, wide.numel(), DENSE_LIMIT)
        else:
            matrix = convolution_matrix(layer, input_shape, limit=DENSE_LIMIT)
        if matrix is None:
            return super().pieces(input_shape)
        pixels = len(matrix) // layer.out_channels
        piece = exact_map(matrix, None if layer.bias is None else layer.bias.repeat_interleave(pixels))
        return [piece] if pad is None else [pad, piece]

    def operations(self, input_shape: Shape) -> list[Operation]:
        """The convolution; before it the pad layer, unless as many zeros stand on both sides of every axis."""
        layer, before, entering = self.module, [], input_shape
        padding = layer._reversed_padding_repeated_twice
        if layer.padding_mode != "zeros" or padding[::2] != padding[1::2]:
            mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
            numbers = padded_numbers(input_shape[1:], padding, mode)
            before = [padding_operator(numbers.flatten().long(), math.prod(input_shape[1:]), copies=input_shape[0])]
            entering, padding = (input_shape[0], *numbers.shape[2:]), [0] * len(padding)
        windows = Windows(
            stride=layer.stride,
            padding=tuple(reversed(padding[::2])),
            dilation=layer.dilation,
            groups=layer.groups,
            larger=entering,
            smaller=output_shape(layer, input_shape),
        )
        return [*before, ConvolutionOperator(windows, layer.weight, layer.bias)]

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """A tap meets an input at most once per output channel, so the sums over kernels bound ‖·‖₁ and ‖·‖_∞.

        With groups an input channel meets fewer outputs than are summed here over the folded kernel's columns; so all
        groups are summed, which is no less. A pad layer before it rounds nothing and stretches by its constant.
        """
        layer = self.module
        if pads_apart(layer):
            norm = _pad_norm(layer, input_shape)[0] * norm * RELATIVE
        weight = layer.weight if layer.groups == 1 else spread_groups(layer.weight, layer.groups)
        copies = math.prod(output_shape(layer, input_shape)[1:])
        return matrix_error(weight, layer.bias, norm, unit, copies=copies)


def convolution_norm_upper(
    layer: AnyConvolution, input_shape: Shape, *, output_scale: Float[Tensor, " outputs"] | None = None
) -> float:
    """‖diag(output_scale)·convolution‖₂ by the torus method, rounded outward.

    Groups are blocks of a block diagonal operator, so the largest counts.

    Args:
        layer: with padding by zeros, round a circle, by reflection or by replication.
        input_shape: (channels, *sizes).
        output_scale: float64, relative error at most 8u; None for ones.

    Raises:
        LayerRefusedError: circular padding that wraps more than once.
        ValueError: `input_shape` is not one of this layer's.

    Proof: proofs/symbolic/torus_convolution.py; that a compression is no larger, proofs/coq/lipschitz_composition.v;
        of padding that is no zero, proofs/symbolic/padding_norms.py.
    """
    require_image_shape(layer, input_shape)
    dense = _dense_norm_upper(layer, input_shape, output_scale)
    if dense is not None:
        return dense
    kernel, kernel_error = dilated(layer.weight.detach().double(), layer.dilation), 0.0
    if output_scale is not None:
        kernel = kernel * output_scale.view(-1, *[1] * (kernel.dim() - 1))
        # Each frequency sums the taps, so an entrywise error δ of the kernel costs at most δ√taps·‖kernel‖_F.
        taps = math.prod(layer.kernel_size)
        kernel_error = 8 * EPSILON * math.sqrt(taps) * float(kernel.norm())
    sizes, taps, strides = input_shape[1:], kernel.shape[2:], layer.stride
    if layer.padding_mode == "circular":
        grid, strides = _circular_grid(layer, sizes, taps)
        return groups_norm_upper(kernel.chunk(layer.groups), [plain_torus(*grid)], strides) + kernel_error
    stretch, sizes = _pad_norm(layer, input_shape) if pads_apart(layer) else (1.0, sizes)
    padding = (0,) * len(taps) if pads_apart(layer) else zeros_padded(layer)
    tori = zero_padded_tori(sizes, taps, strides, padding, channels=max(kernel.shape[:2]))
    alone = groups_norm_upper(kernel.chunk(layer.groups), tori, strides) + kernel_error
    return product_up(stretch, alone) if pads_apart(layer) else alone


def require_image_shape(layer: AnyConvolution, input_shape: Shape) -> None:
    """Raise ValueError unless the shape is (channels, *sizes) of this layer."""
    if len(input_shape) != layer.weight.dim() - 1 or input_shape[0] != layer.in_channels:
        raise ValueError(
            f"`input_shape` must be ({layer.in_channels}, *sizes) for layer {type(layer).__name__}, got {input_shape}"
        )


def _dense_norm_upper(layer: AnyConvolution, input_shape: Shape, output_scale: Tensor | None) -> float | None:
    """The norm of the matrix of a small two-dimensional convolution that pads zeros; None of others.

    Each entry is one weight, so it is exact but for the scale.
    """
    if not isinstance(layer, nn.Conv2d) or layer.padding_mode != "zeros" or math.prod(layer.kernel_size) == 1:
        return None
    matrix = convolution_matrix(layer, input_shape, limit=DECOMPOSED_LIMIT)
    if matrix is None:
        return None
    if output_scale is None:
        return matrix_norm_upper(matrix)
    scales = output_scale.repeat_interleave(len(matrix) // layer.out_channels)
    return spectral_norm_upper(scales[:, None] * matrix, input_error=2 * SCALE_ERROR)


def zeros_padded(layer: AnyConvolution) -> Shape:
    """The zeros before each axis or behind it, whichever are more."""
    if layer.padding == "valid":
        return (0,) * len(layer.kernel_size)
    if layer.padding == "same":
        settings = zip(layer.kernel_size, layer.dilation, strict=True)
        return tuple(-(-step * (tap - 1) // 2) for tap, step in settings)
    return tuple(int(pad) for pad in layer.padding)


def zero_padded_tori(
    sizes: Sequence[int], taps: Sequence[int], strides: Sequence[int], padding: Sequence[int], *, channels: int
) -> list[Torus]:
    """Tori on which a zero-padded convolution is a part of the whole, multiples of the stride.

    The first is the least on which nothing wraps, m + k − 1 points. On small images, where the norms on different tori
    differ, more follow: the least on which what wraps is dropped, m + p points, with all twists or that of all axes.

    Proof: proofs/symbolic/torus_convolution.py.
    """
    settings = list(zip(sizes, taps, strides, padding, strict=True))
    plain = [1 if tap == 1 else round_to_multiple(size + tap - 1, step) for size, tap, step, _ in settings]
    least = [1 if tap == 1 else round_to_multiple(size + min(pad, tap - 1), step) for size, tap, step, pad in settings]
    if math.prod(least) > TWISTED_UP_TO:
        return [plain_torus(*plain)]
    twisted = twists(tuple(least))
    return [plain_torus(*plain), *(twisted if channels <= ALL_TWISTS_UP_TO else twisted[-1:])]


def groups_norm_upper(groups: Sequence[Tensor], tori: Sequence[Torus], strides: Sequence[int]) -> float:
    """The largest norm of kernels, each the smallest of those on the tori, one point along an axis with one tap.

    Proof: proofs/symbolic/torus_convolution.py.
    """
    taps = groups[0].shape[2:]
    strides = [1 if tap == 1 else step for step, tap in zip(strides, taps, strict=True)]
    return max(least_torus_norm_upper(group, tori=tori, stride=strides) for group in groups)


def pads_apart(layer: AnyConvolution) -> bool:
    """Whether the convolution reflects or repeats its border."""
    return layer.padding_mode in ("reflect", "replicate")


def _pad_norm(layer: AnyConvolution, input_shape: Shape) -> tuple[float, Shape]:
    """‖P‖ of the padding and the padded image's sizes."""
    numbers = padded_numbers(input_shape[1:], layer._reversed_padding_repeated_twice, layer.padding_mode)
    return padding_norm(numbers.flatten().long(), math.prod(input_shape[1:])), tuple(numbers.shape[2:])


def _circular_grid(layer: AnyConvolution, sizes: Shape, taps: Shape) -> tuple[list[int], tuple[int, ...]]:
    """The input's own torus. Where the stride does not divide it, stride 1 is bounded: its outputs are a superset."""
    padding = layer.padding if isinstance(layer.padding, tuple) else tuple((tap - 1) / 2 for tap in taps)
    padding = (0,) * len(taps) if layer.padding == "valid" else padding
    for size, pad, tap in zip(sizes, padding, taps, strict=True):
        if size + 2 * pad - tap + 1 > size or tap > size:
            raise LayerRefusedError(
                f"no Lipschitz upper bound is known for layer {type(layer).__name__} with circular padding that "
                f"wraps more than once (size {size}, padding {pad}, kernel {tap})"
            )
    points = [1 if tap == 1 else size for size, tap in zip(sizes, taps, strict=True)]
    if all(size % step == 0 for size, step in zip(sizes, layer.stride, strict=True)):
        return points, layer.stride
    return points, (1,) * len(taps)


def convolution_matrix(
    layer: nn.Conv2d, input_shape: Shape, *, limit: int | None = None
) -> Float[Tensor, "outputs inputs"] | None:
    """The matrix of a two-dimensional convolution on flat images, exact; None where it has more than `limit` entries.

    Which weight stands where is read off an image of pixel numbers, padded and unfolded as the layer does it.
    """
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    padded = padded_numbers(input_shape[1:], layer._reversed_padding_repeated_twice, mode)
    return _matrix_on(layer, padded, math.prod(input_shape[1:]), limit)


def _matrix_on(layer: nn.Conv2d, padded: Tensor, pixels: int, limit: int | None) -> Tensor | None:
    """The matrix from the padded image of pixel numbers."""
    unfolded = torch.nn.functional.unfold(padded, layer.kernel_size, dilation=layer.dilation, stride=layer.stride)
    return matrix_of_windows(layer.weight, unfolded[0].long(), groups=layer.groups, pixels=pixels, limit=limit)


def matrix_of_windows(
    weight: Float[Tensor, "outputs inputs height width"],
    pixel_of: Int[Tensor, "taps windows"],
    *,
    groups: int,
    pixels: int,
    limit: int | None,
) -> Float[Tensor, "outputs_and_windows inputs_and_pixels"] | None:
    """The matrix whose entry is the sum of the taps that meet a pixel; None where it has more than `limit` entries.

    Args:
        weight: the kernel, its inputs those of one group.
        pixel_of: which pixel a tap meets in each window, counted from 1; 0 is padding.
        groups: of the convolution.
        pixels: of the image.
        limit: None for none.
    """
    windows, (outputs, per_group) = pixel_of.shape[1], weight.shape[:2]
    if limit is not None and outputs * windows * per_group * groups * pixels > limit:
        return None
    weight, pixel_of = weight.detach().double().flatten(2), pixel_of.to(weight.device)
    matrix = weight.new_zeros((outputs, windows, per_group * groups, pixels + 1))
    positions = torch.arange(windows, device=weight.device)
    blocks = zip(matrix.chunk(groups), weight.chunk(groups), strict=True)
    for group, (block, block_weight) in enumerate(blocks):
        own = block[:, :, group * per_group : (group + 1) * per_group]
        for tap, pixel in enumerate(pixel_of):
            own[:, positions, :, pixel] += block_weight[:, :, tap]
    return matrix[..., 1:].reshape(outputs * windows, -1)


def spread_groups(weight: Tensor, groups: int) -> Tensor:
    """The kernel of a grouped convolution as one over all input channels, zero elsewhere."""
    outputs, inputs = weight.shape[:2]
    full = weight.new_zeros((outputs, inputs * groups, *weight.shape[2:]))
    for group, rows in enumerate(torch.arange(outputs, device=weight.device).chunk(groups)):
        full[rows, group * inputs : (group + 1) * inputs] = weight.detach()[rows]
    return full
