"""Bounds as numbers: the paper's (10) and (11), the exact flow under μ, and Euler's method on gradient flows."""

import torch

from natrob_theory.numbers.argument_checks import require_count, require_finite, require_positive
from natrob_theory.numbers.bound import (
    Bound,
    describe_lipschitz,
    describe_one_sided,
    kind_from_lipschitz,
    lipschitz_value,
    norm_of,
    one_sided_value,
)
from natrob_theory.numbers.rounding import EPSILON, SMALLEST_SAFE, round_up
from natrob_theory.steppers.abstract_stepper import contracting_product, scaled_constant
from natrob_theory.steppers.growth_factors import EulerGradientFlow, FieldConstants, step_constants


def discrete_bound(step_size: float, lipschitz: Bound | float, steps: int) -> Bound:
    """(1 + hK)^n: the growth of a perturbation over n Euler steps, the paper's (10).

    Holds for every h > 0 and every K-Lipschitz f; neither h → 0 nor continuity in t is needed.

    Args:
        step_size: h > 0.
        lipschitz: K ≥ 0, a number taken as a true upper bound, or a `Bound`.
        steps: n ≥ 1.

    Returns:
        An upper bound in the norm of K, rounded outward (an estimate if K is not an upper bound); ∞ where it overflows.

    Proof: proofs/coq/theorem_3_1.v (discrete_bound, discrete_bound_is_attained), proofs/symbolic/discrete_bound.py.
    """
    step_size = require_positive("step_size", step_size)
    constant = lipschitz_value(lipschitz, norm=norm_of(lipschitz))
    steps = require_count("steps", steps)
    base = round_up(torch.tensor(1.0 + step_size * constant, dtype=torch.float64), 2)
    return Bound(
        value=float(round_up(base**steps, 2 * steps)),
        kind=kind_from_lipschitz(lipschitz),
        norm=norm_of(lipschitz),
        assumptions=(describe_lipschitz(lipschitz),),
        source="(10): (1 + hK)^n",
    )


def exponential_bound(
    lipschitz: Bound | float, start_time: float, end_time: float, *, one_sided: Bound | float | None = None
) -> Bound:
    """e^{(b − t0)K} or, with a one-sided constant, e^{(b − t0)μ}: the growth over the exact flow.

    From K alone it is the paper's (11), which bounds Euler steps of any size too, since 1 + hK ≤ e^{hK}. From μ < K
    it bounds the exact flow only: Euler's method can expand where the flow contracts.

    Args:
        lipschitz: K ≥ 0, a number taken as a true upper bound, or a `Bound`.
        start_time: t0.
        end_time: b ≥ t0.
        one_sided: μ, likewise and in the norm of K; the smaller of μ and K is used. For μ < 0 the result is below 1.

    Returns:
        An upper bound rounded outward (an estimate if the constant used is not an upper bound); ∞ where it overflows,
        and at least 10⁻²⁹⁰.

    Source: (11); theory, section 3 (Dahlquist 1958; Söderlind, BIT 46, 2006).
    Proof: from K proofs/coq/theorem_3_1.v (below_exponential), proofs/symbolic/discrete_below_exponential.py;
        from μ proofs/coq/exact_flow.v, proofs/symbolic/exact_flow_one_sided.py.
    """
    norm = norm_of(lipschitz, one_sided)
    constant = lipschitz_value(lipschitz, norm=norm)
    start_time = require_finite("start_time", start_time)
    end_time = require_finite("end_time", end_time)
    if end_time < start_time:
        raise ValueError(f"`end_time` must be at least `start_time` = {start_time}, got {end_time}")
    if one_sided is None or one_sided_value(one_sided, norm=norm) >= constant:
        return Bound(
            value=_exponential((end_time - start_time) * constant),
            kind=kind_from_lipschitz(lipschitz),
            norm=norm,
            assumptions=(describe_lipschitz(lipschitz),),
            source="(11): e^{(b − t0)K}, for the exact flow and for Euler steps of any size",
        )
    return Bound(
        value=_exponential((end_time - start_time) * one_sided_value(one_sided, norm=norm)),
        kind=kind_from_lipschitz(one_sided),
        norm=norm,
        assumptions=(describe_one_sided(one_sided),),
        source="e^{(b − t0)μ}, for the exact flow only",
    )


def _exponential(exponent: float) -> float:
    """e^x for an x that two roundings have led to, rounded outward."""
    outward = torch.tensor(exponent + abs(exponent) * 4 * EPSILON, dtype=torch.float64)
    return float(round_up(torch.exp(outward), 2).clamp_min(SMALLEST_SAFE))


def gradient_flow_bound(
    step_size: float, lipschitz: Bound | float, steps: int, *, one_sided: Bound | float = 0.0
) -> Bound:
    """max(|1 − hK|, |1 + hμ|)^n: the growth over n Euler steps for a gradient flow; max(1, hK − 1)^n for μ = 0.

    Assumes f(y) = −∇V(y) with V convex: for two states f(z) − f(y) = −S(z − y) with S symmetric and
    −μ ≤ S ≤ K (for `GradientFlowField` S = WᵀDW, see there). Then e + hΔf = (I − hS)e, and the symmetric matrix
    I − hS has its eigenvalues between 1 − hK and 1 + hμ. The same for μ = 0 from cocoercivity,
    −⟨Δf, e⟩ ≥ ‖Δf‖²/K: ‖e + hΔf‖² ≤ ‖e‖² + (h² − 2h/K)‖Δf‖², where ‖Δf‖ ≤ K‖e‖ leaves ‖e‖² for h ≤ 2/K and
    (hK − 1)²‖e‖² beyond. So Euler's method expands no distance while h ≤ 2/K, and can expand beyond: it is attained
    where S has K as an eigenvalue. With `DissipativeField` over a gradient flow, μ = −ρ and K = K_f + ρ.

    Args:
        step_size: h > 0.
        lipschitz: K ≥ 0, a number taken as a true upper bound, or a `Bound`.
        steps: n ≥ 1.
        one_sided: μ ≤ 0, likewise, at least −K.

    Returns:
        An upper bound rounded outward (an estimate if a constant is not an upper bound); ∞ where it overflows, and at
        least 10⁻²⁹⁰.

    Source: theory, section 3 (Meunier et al., ICML 2022).
    Proof: proofs/coq/gradient_flow.v, proofs/coq/gradient_flow_euler.v, proofs/symbolic/gradient_flow.py.
    """
    step_size = require_positive("step_size", step_size)
    constant = lipschitz_value(lipschitz)
    steps = require_count("steps", steps)
    mu = one_sided_value(one_sided)
    if not -constant <= mu <= 0.0:
        raise ValueError(f"`one_sided` must be between −K = {-constant} and 0 for a gradient flow, got {mu}")
    x = scaled_constant(step_size, constant)[None]
    known = step_constants([step_size], x, [FieldConstants(one_sided=mu, gradient_flow=True)])
    factors = EulerGradientFlow().growth(known).expand(steps)
    constants = (lipschitz, one_sided)
    return Bound(
        value=float(contracting_product(factors)[-1]),
        kind="estimate" if "estimate" in map(kind_from_lipschitz, constants) else "upper",
        assumptions=(
            "f = −∇V with V convex",
            describe_lipschitz(lipschitz),
            describe_one_sided(one_sided),
        ),
        source="Euler's method on a gradient flow: max(|1 − hK|, |1 + hμ|)^n",
    )
