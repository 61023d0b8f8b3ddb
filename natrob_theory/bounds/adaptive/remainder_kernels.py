"""The local error from linear part and remainder by kernels: no distance of the stages from the start is needed.

With E the stages' distances from the flow, a = h‖A‖, 𝒜 the tableau's matrix and κ^{(m)} its `KernelConstants`,
err ≤ v h η(a) + K_ρ v g h² Σ_m a^m κ_b^{(m)} + h K_ρ |b|ᵀu, u = (I − a|𝒜|)⁻¹E, g = e^{max(μ,0)ch}. E obeys the same row
by row, E_i ≤ v h η_i(a) + K_ρ v g h² Σ_m a^m κ_i^{(m)} + h K_ρ Σ_j |a_ij|u_j, or K v g h² [(I − x|𝒜|)⁻¹κ]_i where that
is less.
"""

from fractions import Fraction

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.bounds.adaptive.outward_series import polynomial_up, series_up
from natrob_theory.numbers.outward_exponentials import fraction_up
from natrob_theory.numbers.rounding import round_up
from natrob_theory.tableaus import ButcherTableau
from natrob_theory.tableaus.kernel_constants import kernel_constants

ROUNDINGS = 1000
"""More than stages that rest on one another can need, for a hundred stages' sums."""


def kernel_rate(
    tableau: ButcherTableau,
    linear_part: Float[Tensor, "..."],
    a: Float[Tensor, "..."],
    forcing: Float[Tensor, "..."],
    x: Float[Tensor, "..."],
) -> Float[Tensor, "..."]:
    """The bound per unit of h and v, to be multiplied by e^{max(μ,0)ch}; rounded outward, increasing in h.

    Args:
        tableau: with nodes of at least 0.
        linear_part: η(a).
        a: h‖A‖.
        forcing: hK_ρ.
        x: hK.

    Source: theory, section 8, sharpened.
    Proof: proofs/symbolic/affine_remainder_kernels.py.
    """
    kernels = kernel_constants(tableau.a, tableau.b, tableau.c)
    total = linear_part + forcing * series_up(kernels.weights, a, offset=2)
    for weight, carried in zip(tableau.b, _carried_stages(tableau, a, forcing, x), strict=True):
        total = total + forcing * fraction_up(abs(weight)) * carried
    return round_up(total, ROUNDINGS)


def _carried_stages(tableau: ButcherTableau, a: Tensor, forcing: Tensor, x: Tensor) -> list[Tensor]:
    """u = (I − a|𝒜|)⁻¹E over hv, from the first stage on; `kernel_rate` rounds it outward."""
    kernels = kernel_constants(tableau.a, tableau.b, tableau.c)
    kappas = tableau.local_error_constants().stages
    carried: list[Tensor] = []
    general: list[Tensor] = []
    for i, (row, node) in enumerate(zip(tableau.a, tableau.c, strict=True)):
        entries = [(fraction_up(abs(entry)), j) for j, entry in enumerate(row[:i]) if entry != 0]
        rest = sum((size * carried[j] for size, j in entries), torch.zeros_like(x * a))
        plain = sum((size * general[j] for size, j in entries), torch.zeros_like(x * a))
        general.append(fraction_up(kappas[i]) + x * plain)
        missed = _row_series(kernels.stage_defects[i], node, 1, a)
        forced = forcing * _row_series(kernels.stages[i], node, 2, a)
        distance = torch.minimum(x * general[-1], missed + forced + forcing * rest)
        carried.append(distance + a * rest)
    return carried


def _row_series(first: tuple[Fraction, ...], node: Fraction, offset: int, a: Tensor) -> Tensor:
    """Σ_m c_m a^m with c_m as given first, node^{m+offset}/(m + offset)! from there on."""
    if node == 0:
        return polynomial_up(first, a)
    # In powers of node·a the later coefficients are those of `series_up` but for one factor.
    scaled = [coefficient / node ** (m + offset) for m, coefficient in enumerate(first)]
    return fraction_up(node**offset) * series_up(scaled, fraction_up(node) * a, offset=offset)
