"""Gradient flows of ReLU units that hardly act on each other: an adaptive solve keeps the method's order.

f(u) = −Wᵀσ(Wu + b) with σ = ReLU, p(u) = Wu + b and WWᵀ = Λ + C, Λ diagonal. A unit that is on shrinks by its own
share of the flow and never crosses its kink by it; only other units, through C, can push it across. Let A = −WᵀDW with
D the pattern of units at a step's start y, ρ what is left, a = hK with K = ‖W‖₂², s(y) = ‖σ(p(y))‖₂.

* Along the flow a unit is past its kink by at most ∫|Cσ(p)|, and s does not grow. So ρ moves the flow by at most
  ‖W‖‖C‖s(y)h²/2 over a step.
* A stage would hold R_i(−hΛ)p of a unit that is on, R_i the stage's polynomial. Where R_i ≥ 0 on [−hΛ, 0], stages miss
  that, or p of a unit that is off, by at most δ_i, δ = (I − hΛ|𝒜|)⁻¹γ, γ_i = hΣ_j|a_ij||Cσ_j|, ‖σ_j‖ ≤ ρ_js(y) + ‖δ_j‖,
  ρ_j the largest R_j there. So no unit is further past its kink, and ρ moves the step by at most
  h‖W‖|b|ᵀ(I − a|𝒜|)⁻¹δ.
* The linear part alone errs by v(y)hη(a), η(a) = Σ_{k≥p}|r_{k+1} − 1/(k+1)!|a^k, r_k the stability polynomial's
  coefficients, p its order.

With orthogonal rows C = 0 and only the last remains. Together ‖Ψ_h(y) − φ_h(y)‖ ≤ h(λ_v v(y) + λ_s s(y)) for h ≤ H, and
as μ ≤ 0, v(z) ≤ v(y) + K‖z − y‖ and s(z) ≤ s(y) + ‖W‖‖z − y‖, any solve with steps of at most H ends within
Γ(λ_v v(z_0) + λ_s s(z_0)) of the flow, Γ = (e^{θT} − 1)/θ, θ = λ_vK + λ_s‖W‖.

Proof: proofs/symbolic/decoupled_units.py.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.bounds.adaptive.local_error import linear_part_rate
from natrob_theory.fields import GradientFlowField
from natrob_theory.layers.affine import product_error
from natrob_theory.layers.altered_layers import computes_as
from natrob_theory.layers.questions import lipschitz_of_layer
from natrob_theory.layers.refusal import LayerRefusedError
from natrob_theory.layers.remembered import remembered
from natrob_theory.numbers.affine_bound import AffineBound
from natrob_theory.numbers.bound import BoundKind
from natrob_theory.numbers.norms import per_sample_l2
from natrob_theory.numbers.outward_exponentials import exponential_quotient_up, fraction_up
from natrob_theory.numbers.rounding import round_up, unit_roundoff
from natrob_theory.tableaus import ButcherTableau

ROUNDINGS = 200
"""More than the stages of any pair here need."""


@dataclass(frozen=True, kw_only=True)
class DecoupledUnits:
    """Upper bounds of f(u) = −Wᵀσ(Wu + b), σ the ReLU, WWᵀ = Λ + C.

    Attributes:
        lipschitz: K = ‖W‖₂².
        weight_norm: ‖W‖₂.
        coupling: ‖C‖₂.
        diagonal: the largest entry of Λ.
        weight, bias: W and b, float64.
    """

    lipschitz: float
    weight_norm: float
    coupling: float
    diagonal: float
    weight: Float[Tensor, "units features"]
    bias: Float[Tensor, " units"]


class Rates(NamedTuple):
    """λ_v and λ_s: a step of size h ≤ H errs by at most h(λ_v v(y) + λ_s s(y))."""

    of_speed: Tensor
    of_activity: Tensor


def decoupled_units_of(field: nn.Module) -> DecoupledUnits | None:
    """The constants of a dense gradient flow of ReLUs; None for any other field.

    ‖C‖₂ is at most the Frobenius norm and the largest row sum of |C|; the smaller one is taken. Both are near 0 where
    the rows of W are nearly orthogonal.
    """
    if not isinstance(field, GradientFlowField) or not computes_as(field.linear_map, nn.Linear):
        return None
    if not computes_as(field.activation, nn.ReLU):
        return None
    shape = (field.linear_map.in_features,)
    return remembered(field, shape, lambda: _of_dense_map(field, field.linear_map.weight), what="decoupled units")


def _of_dense_map(field: GradientFlowField, weights: Tensor) -> DecoupledUnits | None:
    weight = weights.detach().double()
    shape = (weight.shape[1],)
    try:
        lipschitz = lipschitz_of_layer(field, shape)
        weight_norm = lipschitz_of_layer(field.linear_map, shape)
    except LayerRefusedError:
        return None
    bias = field.linear_map.bias
    products = weight @ weight.T
    gamma = product_error(weight.shape[1], unit_roundoff(torch.float64))
    sizes = (weight.abs() @ weight.abs().T) * (gamma * (1.0 + 2 * gamma))
    apart = products.abs() + sizes
    apart.fill_diagonal_(0.0)
    few = len(apart) ** 2 + 8
    coupling = min(float(round_up(torch.linalg.matrix_norm(apart), few)), float(round_up(apart.sum(1), few).max()))
    return DecoupledUnits(
        lipschitz=lipschitz,
        weight_norm=weight_norm,
        coupling=coupling,
        diagonal=float(round_up((products + sizes).diagonal(), 4).max()),
        weight=weight,
        bias=torch.zeros_like(weight[:, 0]) if bias is None else bias.detach().double(),
    )


def activity(units: DecoupledUnits, state: Float[Tensor, "batch features"]) -> Float[Tensor, " batch"]:
    """s(y) = ‖σ(Wy + b)‖₂ of each sample, at least."""
    point = state.detach().double()
    gamma = product_error(point.shape[1] + 1, unit_roundoff(torch.float64))
    error = gamma * (point.abs() @ units.weight.abs().T + units.bias.abs()) * (1.0 + 2 * gamma)
    most = (point @ units.weight.T + units.bias + error).clamp_min(0.0)
    return round_up(per_sample_l2(most), point.shape[1] + most.shape[1] + 8)


def decoupled_rates(tableau: ButcherTableau, largest_step: float, units: DecoupledUnits) -> Rates | None:
    """λ_v and λ_s for steps of at most H; None where the theorem does not speak of the method or the step.

    It wants stages whose polynomials stay between 0 and some ρ_j on [−HΛ, 0].
    """
    most = _largest_stages(tableau, Fraction(largest_step) * Fraction(units.diagonal))
    if most is None:
        return None
    step = torch.tensor(largest_step, dtype=torch.float64)
    speed = linear_part_rate(tableau, round_up(step * units.lipschitz, 1))
    passed = 0.5 * largest_step * units.coupling + _stage_share(tableau, largest_step, units, most)
    activity_rate = torch.tensor(passed * units.weight_norm, dtype=torch.float64)
    return Rates(speed, round_up(activity_rate, ROUNDINGS))


def decoupled_flow_error(
    tableau: ButcherTableau,
    largest_step: float,
    duration: float,
    units: DecoupledUnits,
    *,
    speed: Float[Tensor, " batch"],
    active: Float[Tensor, " batch"],
    kind: BoundKind,
) -> AffineBound | None:
    """E_any of every start within ‖ε‖ of states with these v and s: Γ(λ_v v + λ_s s) + Γθ‖ε‖, L2.

    Args:
        tableau: the method with the weights that are propagated.
        largest_step: H.
        duration: T − t_0.
        units: of the field.
        speed: v(y_0) at least.
        active: s(y_0) at least.
        kind: of the constants.

    Returns:
        The bound, or None where `decoupled_rates` knows none.

    Source: theory, section 8, for the recursion; this file for the local error.
    Proof: proofs/symbolic/decoupled_units.py.
    """
    rates = decoupled_rates(tableau, largest_step, units)
    if rates is None:
        return None
    theta = round_up(rates.of_speed * units.lipschitz + rates.of_activity * units.weight_norm, 4)
    span = duration * exponential_quotient_up(round_up(theta * duration, 1))
    constant = span * (rates.of_speed * speed + rates.of_activity * active)
    return AffineBound(
        slope=round_up((span * theta).expand_as(speed), 6),
        constant=round_up(constant, 8),
        kind=kind,
        source="units that hardly act on each other keep the order of the method",
    )


def _largest_stages(tableau: ButcherTableau, end: Fraction) -> list[float] | None:
    """ρ_j ≥ R_j(−ξ) for 0 ≤ ξ ≤ `end`; None if some R_j may be negative there.

    R_j(−ξ) = Σ_k (𝒜^k𝟙)_j(−ξ)^k lies between the smallest and the largest of its Bernstein coefficients there.
    """
    powers = [Fraction(1)] * tableau.stages
    columns: list[list[Fraction]] = []
    for k in range(tableau.stages):
        columns.append([power * (-end) ** k for power in powers])
        powers = [sum((x * y for x, y in zip(row, powers, strict=True)), Fraction(0)) for row in tableau.a]
    found: list[float] = []
    for coefficients in zip(*columns, strict=True):
        degree = len(coefficients) - 1
        bernstein = [
            sum((Fraction(comb(i, k), comb(degree, k)) * coefficients[k] for k in range(i + 1)), Fraction(0))
            for i in range(degree + 1)
        ]
        if min(bernstein) < 0:
            return None
        found.append(fraction_up(max(bernstein)))
    return found


def _stage_share(tableau: ButcherTableau, step: float, units: DecoupledUnits, most: list[float]) -> float:
    """|b|ᵀ(I − a|𝒜|)⁻¹δ per unit of s, stage by stage; `decoupled_rates` rounds it outward."""
    coupled, shrinking, a = step * units.coupling, step * units.diagonal, step * units.lipschitz
    past: list[float] = []
    moved: list[float] = []
    for row in tableau.a:
        weights = [fraction_up(abs(entry)) for entry in row[: len(past)]]
        pushed = coupled * sum(
            weight * (largest + value) for weight, largest, value in zip(weights, most, past, strict=False)
        )
        past_here = pushed + shrinking * sum(weight * value for weight, value in zip(weights, past, strict=True))
        moved.append(past_here + a * sum(weight * value for weight, value in zip(weights, moved, strict=True)))
        past.append(past_here)
    return sum(fraction_up(abs(weight)) * value for weight, value in zip(tableau.b, moved, strict=True))
