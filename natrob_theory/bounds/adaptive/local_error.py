"""The local error of one step of a Runge–Kutta method on a field that is Lipschitz and no more.

For an autonomous f with constants K and μ, v = ‖f(y)‖, the exact flow φ, x = hK and one step Ψ_h from y,
‖Ψ_h(y) − φ_h(y)‖ ≤ v e^{max(μ,0)ch} K h² [κ_b + x|b|ᵀ(I − x|A|)⁻¹κ], c the latest node, at least 1. The tableau gives
κ in fractions (`ButcherTableau.local_error_constants`). The constant is sharp: f = (1, w(y₁)) with a zigzag w attains
κ_b as x → 0, under every method.

A field that is linear but for a remainder, f(u) = f(y) + A(u − y) + ρ(u), Lip ρ ≤ K_ρ, has a second bound. With
a = h‖A‖ and 𝒜 the tableau's matrix it is, per unit of v:
h Σ_{k≥p} |r_{k+1} − 1/(k+1)!| a^k + K_ρ h² e^{max(μ,0)ch} (κ_b + x|b|ᵀ(I − x|𝒜|)⁻¹κ + Σ_{k≥1} a^k/(k+2)!)
+ K_ρ h² a|b|ᵀ|𝒜|(I − a|𝒜|)⁻¹|𝒜|(I − x|𝒜|)⁻¹𝟙.
First: the linear part alone, R(hA) against e^{hA}, r_k the stability polynomial's coefficients, p its order. Then the
remainder as a forcing of the linear part, along the flow and at the stages; these lie within hv|𝒜|(I − x|𝒜|)⁻¹𝟙 of y.
For a gradient flow A = −½WᵀW and K_ρ = K/2: half of the first bound for small x, where the order is at least 2.
A third bound does without these distances (`kernel_rate`); for methods of many stages it is far smaller.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import factorial
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.bounds.adaptive.outward_series import polynomial_up, series_up
from natrob_theory.bounds.adaptive.remainder_kernels import kernel_rate
from natrob_theory.numbers.outward_exponentials import exponential_up, fraction_up
from natrob_theory.numbers.rounding import SMALLEST_SAFE, round_up, times_up
from natrob_theory.tableaus import ButcherTableau

ROUNDINGS = 200
"""More than any quantity here needs: power series, and products."""


@dataclass(frozen=True, kw_only=True)
class AffineRemainder:
    """f(u) = f(y) + A(u − y) + ρ(u) for all states: a linear part, the same everywhere, and what is left.

    Attributes:
        linear: at least ‖A‖.
        remainder: K_ρ, at least the Lipschitz constant of ρ.
    """

    linear: Float[Tensor, "..."]
    remainder: Float[Tensor, "..."]


@dataclass(frozen=True, kw_only=True)
class FlowConstants:
    """Upper bounds of a field's constants, in one norm; tensors of float64 that broadcast with step sizes.

    They must hold on a convex set with both exact flows, all states and all stages.

    Attributes:
        lipschitz: K ≥ 0.
        one_sided: μ ≤ K.
        affine: the linear part and the remainder, where they are known.
    """

    lipschitz: Float[Tensor, "..."]
    one_sided: Float[Tensor, "..."]
    affine: AffineRemainder | None = None


class _Rate(NamedTuple):
    """A local error per unit of h and v: along·e^{max(μ,0)ch} + plain, both increasing in h."""

    along: Tensor
    plain: Tensor


def local_error(
    tableau: ButcherTableau, step_size: Float[Tensor, "..."], constants: FlowConstants
) -> Float[Tensor, "..."]:
    """ℓ(h) with ‖Ψ_h(y) − φ_h(y)‖ ≤ v ℓ(h), rounded outward; the smallest of the bounds. 0 for h = 0.

    Args:
        tableau: the method with the weights that are propagated.
        step_size: h ≥ 0.
        constants: of the field.

    Raises:
        ValueError: the tableau has a negative node.

    Source: theory, section 8.
    Proof: proofs/coq/local_error.v (local_error_of_speed), proofs/coq/affine_part_and_remainder.v,
        proofs/symbolic/affine_part_and_remainder.py.
    """
    reach = fraction_up(tableau.local_error_constants().reach)
    along_flow = exponential_up(constants.one_sided.clamp_min(0.0) * reach * step_size)
    errors = [round_up(rate.along * along_flow + rate.plain, 4) for rate in _rates(tableau, step_size, constants)]
    least = torch.stack(torch.broadcast_tensors(*errors)).amin(dim=0)
    return torch.where(step_size > 0, times_up(step_size.expand_as(least), least), 0.0)


def error_rate(tableau: ButcherTableau, largest_step: float, constants: FlowConstants) -> Float[Tensor, "..."]:
    """λ with e^{−μh}ℓ(h) ≤ λh for every 0 < h ≤ H, rounded outward.

    For μ ≥ 0 the weight cancels the growth along the flow (but for nodes beyond 1); for μ < 0 e^{|μ|H} remains.

    Args:
        tableau, constants: as for `local_error`.
        largest_step: H.

    Raises:
        ValueError: the tableau has a negative node.

    Source: theory, section 8.
    Proof: proofs/coq/adaptive_affine_bound.v (runge_kutta_error_factor, exponentials_of_a_step).
    """
    step, mu = torch.as_tensor(largest_step, dtype=torch.float64), constants.one_sided
    beyond = fraction_up(tableau.local_error_constants().reach) - 1.0
    against = exponential_up((-mu).clamp_min(0.0) * step)
    along_flow = torch.where(mu >= 0, exponential_up(mu.clamp_min(0.0) * beyond * step) if beyond else 1.0, against)
    errors = [round_up(rate.along * along_flow + rate.plain * against, 4) for rate in _rates(tableau, step, constants)]
    return torch.stack(torch.broadcast_tensors(*errors)).amin(dim=0)


def linear_part_rate(tableau: ButcherTableau, a: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """η(a): a step of size h on a linear field of norm a/h errs by at most v h η(a). Rounded outward, increasing in a.

    Proof: proofs/symbolic/affine_part_and_remainder.py.
    """
    stability = tableau.stability_polynomial()[1:]
    first = [abs(entry - Fraction(1, factorial(k + 1))) for k, entry in enumerate(stability)]
    rate = series_up(first, a, offset=1)
    return torch.where(a > 0, rate.clamp_min(SMALLEST_SAFE), rate)  # powers of a may underflow


def _rates(tableau: ButcherTableau, step: Tensor, constants: FlowConstants) -> list[_Rate]:
    """The bounds that are known, each divided by h and v."""
    x = times_up(constants.lipschitz, step)
    polynomial = polynomial_up(tableau.local_error_polynomial(), x)
    rates = [_Rate(round_up(x * polynomial, 4), torch.zeros_like(x))]
    if constants.affine is None:
        return rates
    a, forcing = times_up(constants.affine.linear, step), times_up(constants.affine.remainder, step)
    linear = linear_part_rate(tableau, a)
    by_kernels = kernel_rate(tableau, linear, a, forcing, x)
    along = forcing * (polynomial + series_up([Fraction(0)], a, offset=2))
    plain = linear + forcing * _of_stages(tableau, a, x)
    rates += [_Rate(by_kernels, torch.zeros_like(x)), _Rate(round_up(along, ROUNDINGS), round_up(plain, ROUNDINGS))]
    return rates


def _of_stages(tableau: ButcherTableau, a: Tensor, x: Tensor) -> Tensor:
    """a|b|ᵀ|𝒜|(I − a|𝒜|)⁻¹|𝒜|(I − x|𝒜|)⁻¹𝟙 = Σ_{j,k} g_{j+k+2} a^{j+1} x^k, g_m = |b|ᵀ|𝒜|^m𝟙."""
    growth = tableau.growth_polynomial()  # g_m is the coefficient of x^{m+1}
    total = torch.zeros_like(a * x)
    for j in range(len(growth)):
        total = total + a ** (j + 1) * polynomial_up(growth[j + 3 :], x)
    return total
