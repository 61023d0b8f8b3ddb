"""Norms on tori against singular values at 50 digits, and the norm of a zero-padded convolution against every torus."""

import math
from itertools import product
from typing import Any

import mpmath
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from natrob_theory.layers import convolution
from natrob_theory.layers.convolution import convolution_matrix, zero_padded_tori, zeros_padded
from natrob_theory.spectra import torus_convolution
from natrob_theory.spectra.kernel_symbol import Autocorrelations, KernelSymbol, ScaledKernel
from natrob_theory.spectra.torus import Torus, plain_torus
from natrob_theory.spectra.torus_convolution import dilated, least_torus_norm_upper, torus_norm_upper

SEEDS = st.integers(0, 2**32 - 1)
EVERY_WAY = (0, 10**9)
"""Limits of the decomposition: no torus has so few entries, and none so many."""


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def norm_at_50_digits(kernel: torch.Tensor, torus: Torus) -> Any:
    """max σ_max(Σ_t K_t e^{iω·t}) over all frequencies of the torus."""
    with mpmath.workdps(50):
        largest = mpmath.mpf(0)
        for numbers in product(*(range(size) for size in torus.grid)):
            block = mpmath.matrix(*kernel.shape[:2])
            for tap in product(*(range(size) for size in kernel.shape[2:])):
                turns = zip(numbers, torus.twisted, torus.grid, tap, strict=True)
                angle = sum(mpmath.mpf((2 * number + twist) * t) / size for number, twist, size, t in turns)
                for row, column in product(*(range(size) for size in kernel.shape[:2])):
                    block[row, column] += mpmath.mpf(float(kernel[(row, column, *tap)])) * mpmath.expjpi(angle)
            largest = max(largest, mpmath.svd_c(block, compute_uv=False)[0])
        return largest


@pytest.mark.parametrize("limit", EVERY_WAY)
@given(
    sizes=st.tuples(st.integers(1, 3), st.integers(1, 3)), taps=st.tuples(st.integers(1, 3), st.integers(2, 3)),
    grid=st.tuples(st.integers(1, 3), st.integers(2, 4)), twisted=st.tuples(st.booleans(), st.booleans()),
    exponent=st.sampled_from([0, -250, 250]), seed=SEEDS,
)  # fmt: skip
def test_the_bound_is_at_least_the_norm_at_50_digits(
    *,
    limit: int,
    sizes: tuple[int, int],
    taps: tuple[int, int],
    grid: tuple[int, int],
    twisted: tuple[bool, bool],
    exponent: int,
    seed: int,
) -> None:
    kernel, torus = drawn(seed, *sizes, *taps) * 10.0**exponent, Torus(grid=grid, twisted=twisted)
    exact = norm_at_50_digits(kernel, torus)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torus_convolution, "DECOMPOSED_UP_TO", limit)
        bound = least_torus_norm_upper(kernel, tori=[torus], stride=(1, 1))
    assert exact <= bound <= exact * (1 + mpmath.mpf(1e-12))


@given(
    taps=st.integers(1, 3), stride=st.integers(1, 3), dilation=st.integers(1, 2), padding=st.integers(0, 3),
    high=st.integers(2, 6), wide=st.integers(2, 6), seed=SEEDS,
)  # fmt: skip
def test_every_torus_of_a_zero_padded_convolution_bounds_its_norm(
    *, taps: int, stride: int, dilation: int, padding: int, high: int, wide: int, seed: int
) -> None:
    if (taps - 1) * dilation + 1 > min(high, wide) + 2 * padding or taps == 1:
        return  # the layer itself has no output, or is a matrix
    layer = nn.Conv2d(2, 2, taps, stride=stride, dilation=dilation, padding=padding, bias=False).double()
    layer.weight.data = drawn(seed, *layer.weight.shape)
    matrix = convolution_matrix(layer, (2, high, wide))
    assert matrix is not None
    exact = float(torch.linalg.matrix_norm(matrix, ord=2))
    kernel = dilated(layer.weight, layer.dilation)
    tori = zero_padded_tori((high, wide), kernel.shape[2:], layer.stride, zeros_padded(layer), channels=2)
    assert len(tori) == 5
    norms = [least_torus_norm_upper(kernel, tori=[torus], stride=layer.stride) for torus in tori]
    assert min(norms) >= exact * (1 - 1e-14)
    assert least_torus_norm_upper(kernel, tori=tori, stride=layer.stride) == pytest.approx(min(norms), rel=1e-13)


@pytest.mark.parametrize("taps", [2, 3, 4, 5])
def test_padding_of_the_same_size_is_uneven_for_even_kernels(taps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = nn.Conv2d(1, 1, taps, padding="same", bias=False).double()
    nn.init.ones_(layer.weight)
    matrix = convolution_matrix(layer, (1, 4, 4))
    assert matrix is not None
    monkeypatch.setattr(convolution, "DECOMPOSED_LIMIT", 0)
    exact = float(torch.linalg.matrix_norm(matrix, ord=2))
    assert exact * (1 - 1e-14) <= convolution.convolution_norm_upper(layer, (1, 4, 4)) <= 1.2 * exact


def test_one_point_less_than_the_least_torus_is_no_bound() -> None:
    """A filter that looks at one side only, on one point: it is 0 there, and wraps on a torus of one point."""
    kernel = torch.tensor([[[1.0, 0.0, 0.0]]], dtype=torch.float64)
    (_, twisted, *_) = zero_padded_tori((2,), (3,), (1,), (1,), channels=1)
    assert twisted.grid == (3,)
    alternating = torch.tensor([[[1.0, 3.0, 1.0]]], dtype=torch.float64)
    exact = 4.0  # [[3, 1], [1, 3]]
    assert torus_norm_upper(alternating, grid=(3,), stride=(1,)) >= exact
    short = least_torus_norm_upper(-kernel.flip(2) + kernel, tori=[plain_torus(2)], stride=(1,))
    assert short < 1.0  # [[0, 1], [-1, 0]] has norm 1


def test_an_average_over_a_small_image_is_half_as_far_from_its_norm_on_a_twisted_torus(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On the plain torus the constant image keeps its size; the twisted one has no constant image."""
    layer = nn.Conv2d(4, 4, 3, padding=1, bias=False).double()
    nn.init.ones_(layer.weight)
    monkeypatch.setattr(convolution, "DECOMPOSED_LIMIT", 0)
    bound = convolution.convolution_norm_upper(layer, (4, 4, 4))
    exact = 4 * (1 + 2 * math.cos(math.pi / 5)) ** 2
    assert exact <= bound <= 1.1 * exact < 36.0


def test_a_small_convolution_has_the_norm_of_its_matrix() -> None:
    layer = nn.Conv2d(4, 4, 3, padding=1, bias=False).double()
    nn.init.ones_(layer.weight)
    exact = 4 * (1 + 2 * math.cos(math.pi / 5)) ** 2
    scales = torch.full((4,), 3.0, dtype=torch.float64)
    assert exact <= convolution.convolution_norm_upper(layer, (4, 4, 4)) <= exact * (1 + 1e-12)
    scaled = convolution.convolution_norm_upper(layer, (4, 4, 4), output_scale=scales)
    assert 3 * exact <= scaled <= 3 * exact * (1 + 1e-12)


@given(outputs=st.integers(1, 3), taps=st.tuples(st.integers(1, 3), st.integers(1, 3)), seed=SEEDS)
def test_products_of_blocks_are_within_the_stated_error(outputs: int, taps: tuple[int, int], seed: int) -> None:
    """Their sizes times u, not 10⁶ times as much, so that a wrong sign or term shows."""
    values = drawn(seed, outputs, 3, *taps)
    kernel = ScaledKernel(values / 2.0 ** (1 + math.frexp(float(values.abs().max()))[1]))
    torus = Torus(grid=(3, 4), twisted=(True, False))
    symbol = KernelSymbol(kernel, Autocorrelations(kernel.kernel), torus)
    every = torch.arange(symbol.count)
    blocks = kernel.blocks(symbol.waves)
    for dtype in (torch.complex128, torch.complex64):
        computed = torch.tril(symbol.grams(every, dtype).to(torch.complex128))
        error = torch.linalg.matrix_norm(computed - torch.tril(blocks @ blocks.mH)).max()
        assert float(error) <= symbol.gram_error(dtype)
    assert symbol.gram_error(torch.complex128) < 1e-12


@pytest.mark.parametrize("limit", EVERY_WAY)
def test_zeros_and_numbers_that_are_none(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torus_convolution, "DECOMPOSED_UP_TO", limit)
    assert torus_norm_upper(torch.zeros(2, 2, 3), grid=(5,), stride=(1,)) == 0.0
    assert torus_norm_upper(torch.full((2, 2, 3), torch.nan), grid=(5,), stride=(1,)) == math.inf
    assert torus_norm_upper(torch.full((2, 2, 3), 1e308, dtype=torch.float64), grid=(5,), stride=(1,)) == math.inf


@pytest.mark.parametrize("rows", [8, 200])
def test_a_stride_is_a_convolution_of_the_phases(rows: int) -> None:
    """Also of blocks large enough for eigenvalues of their products."""
    layer = nn.Conv1d(120, rows, 3, stride=2, padding=1, padding_mode="circular", bias=False).double()
    layer.weight.data = drawn(rows, *layer.weight.shape)
    matrix = layer(torch.eye(120 * 4, dtype=torch.float64).view(-1, 120, 4)).flatten(1).T.detach()
    exact = float(torch.linalg.matrix_norm(matrix, ord=2))
    bound = torus_norm_upper(layer.weight, grid=(4,), stride=(2,))
    assert exact * (1 - 1e-14) <= bound <= exact * (1 + 1e-9)
