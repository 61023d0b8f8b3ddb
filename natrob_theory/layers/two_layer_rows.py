"""The logarithmic norm of W₂σ(W₁y + b₁) + b₂ in L∞ and L1, entry by entry of its Jacobians.

J = W₂DW₁ with D the diagonal of secant slopes, d_k in [l_k, u_k]. Row i has J_ii + Σ_{j≠i}|J_ij| at most

1. Σ_k max over d in {l_k, u_k} of (W₂_ik W₁_ki d + |d| Σ_{j≠i}|W₂_ik W₁_kj|): unit by unit, a convex function of d;
2. C_ii + Σ_{j≠i}|C_ij| + Σ_k r_k |W₂_ik| Σ_j|W₁_kj| with C = W₂ diag(c) W₁, c = (l + u)/2 and r = (u − l)/2.

The smaller of both is taken row by row, of dense layers; the first alone of convolutions, where it is a sum over taps.
In L1 the columns count, the rows of Jᵀ = W₁ᵀDW₂ᵀ.

Proof: proofs/symbolic/row_and_column_norms.py.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from natrob_theory.layers.altered_layers import computes_as
from natrob_theory.layers.questions import activation_slopes
from natrob_theory.layers.statements import Shape, Slopes
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON


class DensePair(NamedTuple):
    """W₁ and W₂ of two dense layers, float64."""

    inner: Float[Tensor, "hidden features"]
    outer: Float[Tensor, "features hidden"]


class ConvolutionPair(NamedTuple):
    """Two zero-padded convolutions that keep the image's size, float64.

    Attributes:
        inner: the kernel of the first.
        adjoint: the kernel of the adjoint of the second, so that the second is the transposed convolution by it.
    """

    inner: Float[Tensor, "hidden channels rows columns"]
    adjoint: Float[Tensor, "hidden channels rows columns"]


def slopes_on_the_line(activation: nn.Module) -> tuple[float, float]:
    """The least and the largest secant slope of σ. Raises ActivationRefusedError."""
    line = torch.tensor([torch.inf], dtype=torch.float64, device="cpu")
    slopes: Slopes = activation_slopes(activation, -line, line)
    return float(slopes.low), float(slopes.high)


def largest_row_sum(pair: DensePair | ConvolutionPair, slopes: tuple[float, float], norm: Norm, state: Shape) -> float:
    """The largest J_ii + Σ_{j≠i}|J_ij| over rows in L∞, over columns in L1, rounded outward.

    Args:
        pair: the two layers.
        slopes: l and u, the same for all units.
        norm: "Linf" or "L1".
        state: the shape of one state.
    """
    if isinstance(pair, DensePair):
        return _dense(pair if norm == "Linf" else DensePair(pair.outer.t(), pair.inner.t()), *slopes)
    return _convolutional(pair if norm == "Linf" else ConvolutionPair(pair.adjoint, pair.inner), *slopes, state)


def _dense(pair: DensePair, low: float, high: float) -> float:
    inner, outer = pair
    hidden, features = inner.shape
    steepest = max(abs(low), abs(high))
    sums, size = inner.abs().sum(dim=1), outer.abs()
    own = outer * inner.t()
    separable = _larger(own, size * sums - own.abs(), low, high).sum(dim=1)
    centre = (outer * ((low + high) / 2)) @ inner
    others = centre.abs() - torch.diag(centre.diagonal().abs())
    spread = ((high - low) / 2 + EPSILON * steepest) * (size @ sums)
    centred = centre.diagonal() + others.sum(dim=1) + spread
    # Every sum above has at most hidden + features + 8 roundings, of terms that add up to at most this.
    allowance = 4 * (hidden + features + 8) * EPSILON * steepest * (size @ sums)
    return float((torch.minimum(separable, centred) + allowance).max())


def _convolutional(pair: ConvolutionPair, low: float, high: float, state: Shape) -> float:
    inner, adjoint = pair
    hidden, channels = inner.shape[:2]
    taps = tuple(inner.shape[2:])
    padding = (taps[0] // 2, taps[1] // 2)
    ones = torch.ones((1, *state), dtype=torch.float64, device=inner.device)
    sums = functional.conv2d(ones, inner.abs(), padding=padding)[0].flatten(1)  # of each unit's row of |W₁|
    steepest = max(abs(low), abs(high))
    total = torch.zeros((channels * taps[0] * taps[1], sums.shape[1]), dtype=torch.float64, device=inner.device)
    sizes = torch.zeros_like(total)
    for unit in range(hidden):
        own, size = (adjoint[unit] * inner[unit]).flatten()[:, None], adjoint[unit].abs().flatten()[:, None]
        through = size * sums[unit]
        total += _larger(own.expand_as(through), through - own.abs(), low, high)
        sizes += steepest * through
    both = torch.stack([total, sizes])
    rows, allowed = functional.fold(both, state[1:], taps, padding=padding).flatten(1)
    terms = 2 * (hidden + channels) * taps[0] * taps[1] + 16
    return float((rows + 4 * terms * EPSILON * allowed).max())


def _larger(own: Tensor, others: Tensor, low: float, high: float) -> Tensor:
    """max over d in {l, u} of own·d + others·|d|."""
    return torch.maximum(own * low + others * abs(low), own * high + others * abs(high))


def pair_of_chain(module: nn.Module) -> tuple[DensePair | ConvolutionPair, nn.Module] | None:
    """The two layers of nn.Sequential(W₁, σ, W₂) that maps a space to itself, and σ; None for anything else.

    Convolutions must have stride, dilation and groups 1, odd kernels of one size and zero padding of half of it.
    """
    parts = tuple(module) if computes_as(module, nn.Sequential) else ()
    if len(parts) != 3:
        return None
    pair = _dense_pair(parts[0], parts[2]) or _convolution_pair(parts[0], parts[2])
    return None if pair is None else (pair, parts[1])


def _dense_pair(first: nn.Module, last: nn.Module) -> DensePair | None:
    if not (computes_as(first, nn.Linear) and computes_as(last, nn.Linear)):
        return None
    if last.out_features != first.in_features:
        return None
    return DensePair(first.weight.detach().double(), last.weight.detach().double())


def _convolution_pair(first: nn.Module, last: nn.Module) -> ConvolutionPair | None:
    if not (computes_as(first, nn.Conv2d) and computes_as(last, nn.Conv2d)):
        return None
    if not (_plain(first) and _plain(last) and first.kernel_size == last.kernel_size):
        return None
    if last.out_channels != first.in_channels:
        return None
    adjoint = torch.flip(last.weight.detach().double(), dims=(2, 3)).transpose(0, 1)
    return ConvolutionPair(first.weight.detach().double(), adjoint)


def _plain(layer: nn.Conv2d) -> bool:
    halves = tuple(size // 2 for size in layer.kernel_size)
    odd = all(size % 2 == 1 for size in layer.kernel_size)
    alone = layer.stride == (1, 1) and layer.dilation == (1, 1) and layer.groups == 1
    return odd and alone and layer.padding_mode == "zeros" and layer.padding in (halves, "same")
