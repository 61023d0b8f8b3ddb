"""The norm of a convolution, from its Fourier blocks on a torus.

On a torus a convolution is block diagonal in the Fourier basis: its norm is `max_ω σ_max(Ĉ(ω))` over the torus's
frequencies (Sedghi, Gupta, Long, ICLR 2019). A zero-padded convolution of m points with k taps is a compression of
the torus convolution on N ≥ m + k − 1 points: extend the input by zeros, convolve, keep some of the outputs. So the
torus norm bounds it (theory, section 5). N ≥ m + p points do where p ≤ k − 1 zeros are padded at either end: what wraps
then lands on outputs that are dropped. On a twisted torus, which is the same with the taps multiplied by e^{iπt/N}, a
compression is the zero-padded convolution between diagonal matrices of unit numbers: its norm bounds it as well. The
smallest of several such bounds is the closest; they differ by as much as the gap, on small images.

Stride s keeps every s-th output of a torus of a multiple of s points. With the phases of the input as channels of
their own, s times as many on N/s points, that is a convolution without stride, of ⌈k/s⌉ taps.

Along an axis with one tap Ĉ is constant, so one frequency of it says all: a torus of one point, without stride. A 1×1
convolution thus costs one decomposition, whatever its image and stride.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from natrob_theory.numbers.powers_of_two import exponent_of_largest, times_power_of_two
from natrob_theory.numbers.rounding import raised_to_normal
from natrob_theory.spectra.kernel_symbol import Autocorrelations, KernelSymbol, ScaledKernel
from natrob_theory.spectra.norm_by_factorisation import largest_norm_upper, likeliest_of
from natrob_theory.spectra.singular_values import matrix_norm_upper
from natrob_theory.spectra.torus import Torus, plain_torus, waves_of_taps

DECOMPOSED_UP_TO = 2**16
"""Entries of all products of blocks together up to which all singular values take no longer."""


def torus_norm_upper(
    kernel: Float[Tensor, "outputs inputs *taps"], *, grid: Sequence[int], stride: Sequence[int]
) -> float:
    """‖convolution with `kernel` on the torus `grid`, then keep every `stride`-th output‖₂, rounded outward.

    Args:
        kernel: the weights, dilation already written out as zeros; no axis longer than its grid axis.
        grid: N of each axis, a multiple of the stride there.
        stride: s of each axis.

    Proof: proofs/symbolic/torus_convolution.py.
    """
    return least_torus_norm_upper(kernel, tori=[plain_torus(*grid)], stride=stride)


def least_torus_norm_upper(
    kernel: Float[Tensor, "outputs inputs *taps"], *, tori: Sequence[Torus], stride: Sequence[int]
) -> float:
    """The smallest of the norms on several tori, each as in `torus_norm_upper`; ∞ for a kernel that is not finite.

    Proof: proofs/symbolic/torus_convolution.py.
    """
    unstrided = phases_as_channels(kernel.detach().double(), stride)
    if unstrided[0, 0].numel() == 1:
        return matrix_norm_upper(unstrided.flatten(1))
    if not bool(torch.isfinite(unstrided).all()):
        return math.inf
    exponent = exponent_of_largest(unstrided, tuple(range(unstrided.dim())))
    scaled = ScaledKernel(_wide(times_power_of_two(unstrided, -exponent)))
    fewer = [
        Torus(grid=tuple(size // step for size, step in zip(torus.grid, stride, strict=True)), twisted=torus.twisted)
        for torus in tori
    ]
    products = len(scaled.kernel) ** 2 * sum(torus.points for torus in fewer) // 2
    at_once = products <= DECOMPOSED_UP_TO or scaled.kernel.device.type != "cpu"
    least = _by_decomposition(scaled, fewer) if at_once else _by_factorisation(scaled, fewer)
    found = torch.tensor(least, dtype=torch.float64)
    return float(raised_to_normal(times_power_of_two(found, exponent.flatten()[0].cpu())))


def _by_decomposition(kernel: ScaledKernel, tori: Sequence[Torus]) -> float:
    """All singular values, of all tori at once."""
    waves = [waves_of_taps(torus, kernel.taps) for torus in tori]
    norms = kernel.norms_upper(torch.cat(waves, dim=1))
    return min(float(some.max()) for some in norms.split([some.shape[1] for some in waves]))


def _by_factorisation(kernel: ScaledKernel, tori: Sequence[Torus]) -> float:
    """The smallest norm, the torus first where it seems to be smallest; others only where they seem to be smaller."""
    correlations, least = Autocorrelations(kernel.kernel), math.inf
    guesses = [likeliest_of(KernelSymbol(kernel, correlations, torus)) for torus in tori]
    for guess in sorted(guesses, key=lambda one: one.norm):
        if guess.norm < least:
            least = min(least, largest_norm_upper(guess, enough=least))
    return least


def _wide(kernel: Tensor) -> Tensor:
    """No more outputs than inputs: Ĉ(ω) of the kernel with the two exchanged is the transpose."""
    return (kernel.transpose(0, 1) if len(kernel) > kernel.shape[1] else kernel).contiguous()


def phases_as_channels(
    kernel: Float[Tensor, "outputs inputs *taps"], stride: Sequence[int]
) -> Float[Tensor, "outputs inputs_and_phases *fewer_taps"]:
    """The kernel without stride that does the same to the input's phases: tap sq + r of a channel is q of its r-th."""
    for axis, step in enumerate(stride, start=2):
        if step > 1:
            fewer = -(-kernel.shape[axis] // step)
            zeros = [0, 0] * (kernel.dim() - 1 - axis) + [0, fewer * step - kernel.shape[axis]]
            kernel = functional.pad(kernel, zeros).unflatten(axis, (fewer, step)).movedim(axis + 1, 2).flatten(1, 2)
    return kernel


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
