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

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from natrob_theory.numbers.rounding import EPSILON
from natrob_theory.spectra.singular_values import spectral_norm_upper

FFT_SAFETY = 8.0


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
