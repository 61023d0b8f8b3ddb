"""Norms of convolutions: this library's upper bound beside power iteration and the singular values of the dense matrix.

The upper bound of a zero-padded convolution is its norm on a torus, so it lies above the norm by some gap. Power
iteration on the convolution and its transpose approaches the norm from below and never knows how near it is; here an
oracle, the largest singular value by ARPACK, stops it as soon as it is as near as the upper bound is from above.
The singular values of all Fourier blocks in complex64 are what one takes for speed; as often as not they lie below.
"""

import math
from typing import Any

import numpy as np
import scipy.sparse.linalg
import torch
from torch import Tensor, nn
from torch.nn.functional import conv_transpose2d

from benchmarks.measurement import Row, interleaved_medians
from natrob_theory import lipschitz_upper_bound
from natrob_theory.layers.convolution import convolution_matrix
from natrob_theory.spectra.gram import GRAM_ITERATIONS, gram_norms_upper
from natrob_theory.spectra.kernel_symbol import ScaledKernel
from natrob_theory.spectra.torus import plain_torus, waves_of_taps

ARPACK: Any = scipy.sparse.linalg  # its stubs do not know its own keyword arguments

SECTION = "convolution norms"
CHANNELS = (16, 32, 64)
SIZES = (8, 16, 32)
MOST_ITERATIONS = 400
LARGEST_DENSE = 2048
"""The largest dimension for which the dense matrix enters the comparison."""


def rows(*, quick: bool = False) -> list[Row]:
    """One group of lines per number of channels and image size; about a minute on two cores. Quick: the smallest."""
    channels_chosen, sizes_chosen = (CHANNELS[:1], SIZES[:1]) if quick else (CHANNELS, SIZES)
    return [row for channels in channels_chosen for size in sizes_chosen for row in _case(channels, size)]


def _case(channels: int, size: int) -> list[Row]:
    layer, shape = random_convolution(channels), (channels, size, size)
    upper, exact = float(lipschitz_upper_bound(layer, input_shape=shape)), exact_norm(layer, size)
    gap = upper / exact - 1.0
    reached, iterations = power_iteration(layer, size, enough=exact * (1.0 - gap))
    contestants = {
        "upper": lambda: lipschitz_upper_bound(layer, input_shape=shape),
        "single": lambda: single_precision(layer, size),
        "gram": lambda: gram_upper(layer, size),
        "power": lambda: power_iteration(layer, size, enough=exact * (1.0 - gap)),
    }
    if channels * size**2 <= LARGEST_DENSE:
        contestants["dense"] = lambda: dense_norm(layer, size)
    seconds = interleaved_medians(contestants, repeats=3, warmup=0)
    stopped = "" if reached >= exact * (1.0 - gap) else f", stopped short of it at {1.0 - reached / exact:.1e}"
    by_gram = gram_upper(layer, size) / exact - 1.0
    peers = {
        "single": f"svdvals of all Fourier blocks in complex64, {single_precision(layer, size) / upper - 1.0:+.1e} "
        "beside the bound and none itself",
        "gram": f"the same blocks by {GRAM_ITERATIONS} Gram iterations, {by_gram:.1e} above the norm",
        "power": f"power iteration, {iterations} iterations{stopped}",
        "dense": "torch.linalg.svdvals of the dense matrix",
    }
    return [
        Row(
            section=SECTION,
            case=f"3×3, {channels} channels, {size}×{size}, zero padding, float64",
            subject="lipschitz_upper_bound (Fourier blocks, factorised)",
            peer=peers[name],
            quantity="time / peer's time",
            value=seconds["upper"] / seconds[name],
            remark=f"upper bound {gap:.1e} above the norm, in {1e3 * seconds['upper']:.1f} ms",
        )
        for name in peers
        if name in seconds
    ]


def random_convolution(channels: int) -> nn.Conv2d:
    """A 3×3 convolution that keeps channels and size, uniform weights from a fixed seed, float64."""
    layer = nn.Conv2d(channels, channels, 3, padding=1, bias=False).double()
    generator = torch.Generator().manual_seed(channels)
    with torch.no_grad():
        layer.weight.uniform_(-1.0, 1.0, generator=generator).mul_(1.0 / math.sqrt(9 * channels))
    return layer


def power_iteration(layer: nn.Conv2d, size: int, *, enough: float) -> tuple[float, int]:
    """The norm reached, and the iterations taken until it is at least `enough`."""
    generator = torch.Generator().manual_seed(0)
    direction = torch.randn((1, layer.in_channels, size, size), generator=generator, dtype=torch.float64)
    norm = 0.0
    with torch.no_grad():
        for iteration in range(1, MOST_ITERATIONS + 1):
            pushed = layer(direction / direction.norm())
            norm = float(pushed.norm())
            if norm >= enough:
                return norm, iteration
            direction = conv_transpose2d(pushed, layer.weight, padding=1)
    return norm, MOST_ITERATIONS


def gram_upper(layer: nn.Conv2d, size: int) -> float:
    """The largest norm of the Fourier blocks by Gram iteration."""
    blocks = ScaledKernel(layer.weight.detach()).blocks(waves_of_taps(plain_torus(size + 2, size + 2), (3, 3)))
    return float(gram_norms_upper(blocks).max())


def single_precision(layer: nn.Conv2d, size: int) -> float:
    """The largest singular value of the Fourier blocks of half the torus, in complex64: an estimate."""
    blocks = torch.fft.rfft2(layer.weight.detach().float(), s=(size + 2, size + 2)).permute(2, 3, 0, 1)
    return float(torch.linalg.svdvals(blocks).max())


def dense_norm(layer: nn.Conv2d, size: int) -> float:
    """The largest singular value of the operator written out as a matrix."""
    matrix = convolution_matrix(layer, (layer.in_channels, size, size), limit=None)
    assert matrix is not None
    return float(torch.linalg.svdvals(matrix)[0])


def exact_norm(layer: nn.Conv2d, size: int) -> float:
    """The norm of the zero-padded operator by ARPACK, to 10⁻⁶: far below every gap here."""
    shape = (1, layer.in_channels, size, size)

    def apply(vector: np.ndarray, *, transposed: bool = False) -> np.ndarray:
        state = torch.from_numpy(vector).view(shape)
        with torch.no_grad():
            image: Tensor = conv_transpose2d(state, layer.weight, padding=1) if transposed else layer(state)
        return image.flatten().numpy()

    dimension = math.prod(shape)
    operator = ARPACK.LinearOperator(
        (dimension, dimension), matvec=apply, rmatvec=lambda v: apply(v, transposed=True), dtype=np.dtype(np.float64)
    )
    start = np.random.default_rng(0).standard_normal(dimension)
    return float(ARPACK.svds(operator, k=1, tol=1e-6, v0=start, return_singular_vectors=False)[0])
