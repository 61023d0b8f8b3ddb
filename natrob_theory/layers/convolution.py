"""The norm of a convolution, by Fourier transform over a torus.

On a torus a convolution is block diagonal in the Fourier basis: its norm is `max_ω σ_max(Ĉ(ω))` over the grid's
frequencies (Sedghi, Gupta, Long, ICLR 2019). A zero-padded convolution on m points with k taps is a compression of
the torus convolution on N ≥ m + k − 1 points: extend the input by zeros, convolve, keep some of the outputs. So the
torus norm bounds it (theory, section 5). Stride s keeps every s-th output: with s | N the operator couples the s
frequencies that alias, and its norm is `max σ_max([Ĉ(ω_1) … Ĉ(ω_s)])/√s` per axis.

Along an axis with one tap Ĉ is constant, so one frequency of it says all: a torus of one point, without stride. A 1×1
convolution thus costs one decomposition, whatever its image and stride.
"""

import math
from collections.abc import Sequence
from itertools import product
from typing import TypeAlias

import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from natrob_theory.layers.refusal import LayerRefusedError, Shape, refuse
from natrob_theory.numbers.rounding import EPSILON
from natrob_theory.spectra.singular_values import spectral_norm_upper

FFT_SAFETY = 8.0

AnyConvolution: TypeAlias = nn.Conv1d | nn.Conv2d | nn.Conv3d


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


def torus_norm_upper(
    kernel: Float[Tensor, "outputs inputs *taps"], *, grid: Sequence[int], stride: Sequence[int]
) -> float:
    """‖convolution with `kernel` on the torus `grid`, then keep every `stride`-th output‖₂, rounded outward.

    Args:
        kernel: the weights, dilation already written out as zeros; no axis longer than its grid axis.
        grid: N of each axis, a multiple of the stride there.
        stride: s of each axis.

    The Fourier transform of k taps costs a relative error of at most `FFT_SAFETY`·log₂(points)·u in ‖·‖_F
    (Higham, *Accuracy and Stability*, Theorem 24.2).

    Proof: proofs/symbolic/torus_convolution.py.
    """
    blocks = frequency_blocks(kernel, grid=grid, stride=stride)
    points = math.prod(grid)
    error = FFT_SAFETY * max(1.0, math.log2(points)) * EPSILON
    return spectral_norm_upper(blocks, input_error=error * math.sqrt(points)) / math.sqrt(math.prod(stride))


def frequency_blocks(
    kernel: Float[Tensor, "outputs inputs *taps"], *, grid: Sequence[int], stride: Sequence[int]
) -> Complex[Tensor, "frequencies outputs aliased_inputs"]:
    """The blocks Ĉ(ω) of the torus convolution, those of frequencies that alias under the stride side by side.

    The kernel is real, so the blocks of ω and −ω are conjugate, up to the order of their columns: one of the two is
    here.
    """
    transform = torch.fft.fftn(kernel.detach().double(), s=list(grid), dim=tuple(range(2, kernel.dim())))
    kept = [size // step for size, step in zip(grid, stride, strict=True)]
    chosen = _one_of_each_conjugate_pair(kept).to(transform.device)
    blocks = []
    for offsets in product(*(range(step) for step in stride)):
        window = (slice(offset * size, (offset + 1) * size) for offset, size in zip(offsets, kept, strict=True))
        blocks.append(transform[(slice(None), slice(None), *window)].flatten(2)[..., chosen])
    return torch.cat(blocks, dim=1).permute(2, 0, 1).contiguous()


def _one_of_each_conjugate_pair(sizes: Sequence[int]) -> Tensor:
    """Flat indices of a grid of frequencies, without those whose negative is there and comes first."""
    number = torch.arange(math.prod(sizes)).view(tuple(sizes))
    axes = tuple(range(len(sizes)))
    negative = number.flip(axes).roll([1] * len(sizes), axes)
    return number[number <= negative]


def dilated(kernel: Tensor, dilation: Sequence[int]) -> Tensor:
    """The kernel with the zeros of its dilation written out."""
    if all(step == 1 for step in dilation):
        return kernel
    taps = [(size - 1) * step + 1 for size, step in zip(kernel.shape[2:], dilation, strict=True)]
    wide = kernel.new_zeros((*kernel.shape[:2], *taps))
    wide[(slice(None), slice(None), *(slice(None, None, step) for step in dilation))] = kernel
    return wide


def round_to_multiple(size: int, step: int) -> int:
    """The smallest multiple of `step` that is at least `size`."""
    return -(-size // step) * step
