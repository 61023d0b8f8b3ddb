"""nn.Conv1d, nn.Conv2d, nn.Conv3d: their norm by the torus method, small ones as matrices."""

import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.layers.affine import matrix_error
from natrob_theory.layers.answers import AbstractLayer, describes, output_shape
from natrob_theory.layers.matrices import DENSE_LIMIT, exact_map
from natrob_theory.layers.refusal import LayerRefusedError, refuse
from natrob_theory.layers.statements import Affine, Piece, Shape
from natrob_theory.numbers.rounding import EPSILON
from natrob_theory.spectra.torus_convolution import dilated, round_to_multiple, torus_norm_upper

AnyConvolution: TypeAlias = nn.Conv1d | nn.Conv2d | nn.Conv3d


@describes(nn.Conv1d, nn.Conv2d, nn.Conv3d)
class ConvolutionAnswers(AbstractLayer[AnyConvolution]):
    """A convolution with zero or circular padding."""

    def lipschitz(self, input_shape: Shape) -> float:
        """The torus method."""
        return convolution_norm_upper(self.module, input_shape)

    def scaled_lipschitz(self, input_shape: Shape, scale: Callable[[], Tensor]) -> float | None:
        """The same with the outputs scaled."""
        return convolution_norm_upper(self.module, input_shape, output_scale=scale())

    def pieces(self, input_shape: Shape) -> list[Piece]:
        """The matrix of a two-dimensional convolution, where it fits."""
        layer = self.module
        matrix = convolution_matrix(layer, input_shape, limit=DENSE_LIMIT) if isinstance(layer, nn.Conv2d) else None
        if matrix is None:
            return super().pieces(input_shape)
        pixels = len(matrix) // layer.out_channels
        return [exact_map(matrix, None if layer.bias is None else layer.bias.repeat_interleave(pixels))]

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """A tap meets an input at most once per output channel, so the sums over kernels bound ‖·‖₁ and ‖·‖_∞.

        With groups an input channel meets fewer outputs than are summed here over the folded kernel's columns; so all
        groups are summed, which is no less.
        """
        layer = self.module
        weight = layer.weight if layer.groups == 1 else _spread_groups(layer.weight, layer.groups)
        copies = math.prod(output_shape(layer, input_shape)[1:])
        return matrix_error(weight, layer.bias, norm, unit, copies=copies)


def convolution_norm_upper(
    layer: AnyConvolution, input_shape: Shape, *, output_scale: Float[Tensor, " outputs"] | None = None
) -> float:
    """‖diag(output_scale)·convolution‖₂ by the torus method, rounded outward.

    Groups are blocks of a block diagonal operator, so the largest counts.

    Args:
        layer: with zero or circular padding.
        input_shape: (channels, *sizes).
        output_scale: float64, relative error at most 8u; None for ones.

    Raises:
        LayerRefusedError: another padding mode, or circular padding that wraps more than once.
        ValueError: `input_shape` is not one of this layer's.

    Proof: proofs/symbolic/torus_convolution.py; that a compression is no larger, proofs/coq/lipschitz_composition.v.
    """
    if len(input_shape) != layer.weight.dim() - 1 or input_shape[0] != layer.in_channels:
        raise ValueError(
            f"`input_shape` must be ({layer.in_channels}, *sizes) for layer {type(layer).__name__}, got {input_shape}"
        )
    kernel, kernel_error = dilated(layer.weight.detach().double(), layer.dilation), 0.0
    if output_scale is not None:
        kernel = kernel * output_scale.view(-1, *[1] * (kernel.dim() - 1))
        # Each frequency sums the taps, so an entrywise error δ of the kernel costs at most δ√taps·‖kernel‖_F.
        taps = math.prod(layer.kernel_size)
        kernel_error = 8 * EPSILON * math.sqrt(taps) * float(kernel.norm())
    sizes, taps, strides = input_shape[1:], kernel.shape[2:], layer.stride
    if layer.padding_mode == "zeros":
        full = [size + tap - 1 for size, tap in zip(sizes, taps, strict=True)]
        grid = [round_to_multiple(size, step) for size, step in zip(full, strides, strict=True)]
    elif layer.padding_mode == "circular":
        grid, strides = _circular_grid(layer, sizes, taps)
    else:
        refuse(layer, input_shape, f"padding_mode={layer.padding_mode!r}")
    grid = [1 if tap == 1 else size for size, tap in zip(grid, taps, strict=True)]
    strides = tuple(1 if tap == 1 else step for step, tap in zip(strides, taps, strict=True))
    groups = kernel.chunk(layer.groups)
    return max(torus_norm_upper(group, grid=grid, stride=strides) for group in groups) + kernel_error


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
    if all(size % step == 0 for size, step in zip(sizes, layer.stride, strict=True)):
        return list(sizes), layer.stride
    return list(sizes), (1,) * len(taps)


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


def _spread_groups(weight: Tensor, groups: int) -> Tensor:
    """The kernel of a grouped convolution as one over all input channels, zero elsewhere."""
    outputs, inputs = weight.shape[:2]
    full = weight.new_zeros((outputs, inputs * groups, *weight.shape[2:]))
    for group, rows in enumerate(torch.arange(outputs, device=weight.device).chunk(groups)):
        full[rows, group * inputs : (group + 1) * inputs] = weight.detach()[rows]
    return full
