"""The one-sided constant of W₂σ(W₁y + b₁) + b₂ from the interval of its Jacobians.

Between two states the field changes by W₂DW₁e, e their difference and D the diagonal of secant slopes of σ, each in
an interval [l_i, u_i] that the activation allows: on the whole space, or where W₁y + b₁ stays within known ends. With
c = (l + u)/2, r = (u − l)/2 and E = D − diag(c), |E| ≤ diag(r), two bounds hold; the smaller is taken.

1. Entries: the symmetric part of W₂EW₁ is at most N = ½(|W₂| r |W₁| + its transpose) in absolute value, so its
   largest eigenvalue is at most the spectral radius of N: μ ≤ λ_max(sym(W₂ c W₁)) + ρ(N).
2. Squares: for weights s_i > 0, ⟨v, W₂EW₁v⟩ ≤ Σ r_i|⟨w₂ᵢ, v⟩||⟨w₁ᵢ, v⟩| ≤ ½Σ r_i(s_i⟨w₂ᵢ, v⟩² + ⟨w₁ᵢ, v⟩²/s_i), so
   μ ≤ λ_max(sym(W₂ c W₁) + ½(W₂ r s W₂ᵀ + W₁ᵀ (r/s) W₁)). For a gradient flow, W₂ = −W₁ᵀ and D in [0, 1], s = 1
   gives exactly 0. It is never worse than λ_max(sym(W₂ c W₁)) + ‖W₂√r‖₂‖√r W₁‖₂ if s is the quotient of these
   norms; that s is tried, and the one that balances each unit, s_i = ‖w₁ᵢ‖/‖w₂ᵢ‖.

Proof: proofs/symbolic/two_layer_one_sided.py, and of the second bound proofs/coq/two_layer_one_sided.v.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.layers.altered_layers import computes_as
from natrob_theory.layers.questions import activation_slopes
from natrob_theory.layers.statements import Slopes
from natrob_theory.numbers.norms import l2_norm
from natrob_theory.numbers.rounding import EPSILON
from natrob_theory.spectra.eigenvalues import largest_eigenvalue_upper, product_error


class TwoLayers(NamedTuple):
    """The parts of W₂σ(W₁y + b₁) + b₂, in float64."""

    inner: Float[Tensor, "hidden features"]
    bias: Float[Tensor, " hidden"]
    activation: nn.Module
    outer: Float[Tensor, "features hidden"]


def two_layers(module: nn.Module) -> TwoLayers | None:
    """The parts of nn.Sequential(Linear, activation, Linear) that maps a space to itself; None for anything else.

    A layer that occurs twice counts twice, which `children()` would hide.
    """
    parts = tuple(module) if computes_as(module, nn.Sequential) else ()
    if len(parts) != 3:
        return None
    first, activation, last = parts
    if not (computes_as(first, nn.Linear) and computes_as(last, nn.Linear)):
        return None
    if last.out_features != first.in_features:
        return None
    bias = torch.zeros_like(first.weight[:, 0]) if first.bias is None else first.bias
    return TwoLayers(first.weight.detach().double(), bias.detach().double(), activation, last.weight.detach().double())


def slopes_everywhere(parts: TwoLayers) -> Slopes:
    """The slopes of σ on the whole line for every unit, (1, hidden). Raises ActivationRefusedError."""
    end = torch.full_like(parts.bias[None], torch.inf)
    return activation_slopes(parts.activation, -end, end)


def slopes_on_ball(parts: TwoLayers, center: Float[Tensor, "batch features"], radius: float) -> Slopes:
    """The slopes of σ on the pre-activations of balls B(center, radius), (batch, hidden).

    |⟨w, y⟩ + b − (⟨w, c⟩ + b)| ≤ r‖w‖; the rounding of the middle, at most (d + 2)u(|w|·|c| + |b|), widens it.
    Raises ActivationRefusedError.
    """
    middle = center.double() @ parts.inner.t() + parts.bias
    size = center.double().abs() @ parts.inner.t().abs() + parts.bias.abs()
    rounds = (parts.inner.shape[1] + 8) * EPSILON
    reach = radius * l2_norm(parts.inner, dim=1) * (1.0 + rounds) + rounds * size
    # One more rounding, of the ends themselves, is at most EPSILON·(|middle| + reach).
    reach = reach + EPSILON * (middle.abs() + reach)
    return activation_slopes(parts.activation, middle - reach, middle + reach)


def one_sided_from_slopes(parts: TwoLayers, slopes: Slopes) -> Float[Tensor, " batch"]:
    """The smallest of the bounds for each row of slopes, rounded outward."""
    middle, radius = (slopes.high + slopes.low) / 2, (slopes.high - slopes.low) / 2
    # c and r are rounded: with r raised by the error of both, [c − r, c + r] still covers [l, u].
    radius = radius + 2 * EPSILON * torch.maximum(slopes.high.abs(), slopes.low.abs())
    inner, outer, hidden = parts.inner, parts.outer, len(parts.bias)
    centre = torch.einsum("ih,bh,hj->bij", outer, middle, inner)
    sizes = l2_norm(outer.flatten(), dim=0) * l2_norm(inner.flatten(), dim=0)
    error = product_error(hidden, sizes, middle.abs().amax(dim=1))

    entries = torch.einsum("ih,bh,hj->bij", outer.abs(), radius, inner.abs())
    no_error = torch.zeros_like(error)
    error_of_entries = product_error(hidden, sizes, radius.amax(dim=1))
    found = [
        largest_eigenvalue_upper(centre, input_error=error)
        + largest_eigenvalue_upper(entries, input_error=no_error + error_of_entries)
    ]
    for weights in _weights(parts, radius):
        left = torch.einsum("ih,bh,jh->bij", outer, radius * weights, outer)
        right = torch.einsum("hi,bh,hj->bij", inner, radius / weights, inner)
        size = (outer.square().sum(dim=0) * radius * weights + inner.square().sum(dim=1) * radius / weights).sum(dim=1)
        rounding = error + product_error(hidden, size + sizes * middle.abs().amax(dim=1))
        found.append(largest_eigenvalue_upper(centre + (left + right) / 2, input_error=rounding))
    return torch.nan_to_num(torch.stack(found), nan=torch.inf, posinf=torch.inf).amin(dim=0)


def _weights(parts: TwoLayers, radius: Float[Tensor, "batch hidden"]) -> list[Float[Tensor, "batch hidden"]]:
    """The candidates for s: one number for all units, and one that balances each. Any positive s is valid."""
    root = radius.sqrt()
    total = torch.linalg.matrix_norm(root[:, :, None] * parts.inner, ord=2)
    other = torch.linalg.matrix_norm(parts.outer * root[:, None, :], ord=2)
    balanced = l2_norm(parts.inner, dim=1) / l2_norm(parts.outer, dim=0)
    common = (total / other)[:, None].expand_as(radius)
    return [_usable(weights) for weights in (common, balanced.expand_as(radius))]


def _usable(weights: Tensor) -> Tensor:
    """Positive and far from overflow; where a quotient says nothing (0/0, x/0), 1 stands for it."""
    return torch.nan_to_num(weights, nan=1.0, posinf=1.0).clamp(1e-6, 1e6)
