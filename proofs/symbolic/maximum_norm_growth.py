"""One step of Euler's and of backward Euler's method in L∞ and L1.

Statement.  With K and μ in L∞, or in L1:
            1. ‖I + hJ‖ ≤ max(1 + hμ, hK − 1) for every h > 0, attained by J = μI and J = −KI. It is 1 + hμ where
               h(K − μ) ≤ 2. For f = −ρy + g(y), K = ρ + K_g and μ = K_g − ρ, so it is 1 − h(ρ − K_g) for hρ ≤ 1.
            2. Backward Euler: ‖e_{n+1}‖ ≤ ‖e_n‖/(1 − hμ) for hμ < 1, whatever K.
Proof.      1. A row of I + hJ has |1 + hJ_ii| + hΣ_{j≠i}|J_ij|; by the sign of 1 + hJ_ii. In L1 the columns.
            2. e_n = e_{n+1} − hΔf, looked at where e_{n+1} is largest, or summed with its signs.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="in L∞ and L1 Euler's method grows by max(1 + hμ, hK − 1) at most, backward Euler's by 1/(1 − hμ)",
    assumptions=(
        "h > 0",
        "K and μ bound norm and logarithmic norm of all Jacobians in that norm",
        "hμ < 1 for 1/(1 − hμ)",
    ),
    source="theory, section 1; natrob_theory/steppers/growth_factors/euler_maximum_norm.py",
    verdict=Verdict.PROVED_FOR_EVERY_STEP,
)

h = sympy.symbols("h", positive=True)
others, gap = sympy.symbols("S g", nonnegative=True)  # Σ_{j≠i}|J_ij|, and what K or μ has beyond this row


def check() -> None:
    """Both cases of a row, where each factor is the larger, the tight fields, and backward Euler."""
    _rows()
    _where()
    _attained()
    _backward()


def _rows() -> None:
    kept = sympy.symbols("p", nonnegative=True)  # 1 + hJ_ii ≥ 0
    diagonal = (kept - 1) / h
    mu = diagonal + others + gap
    require_at_most(kept + h * others, 1 + h * mu, h * gap, "a row with 1 + hJ_ii ≥ 0")
    turned = sympy.symbols("q", positive=True)  # 1 + hJ_ii = −q, so |J_ii| = (1 + q)/h
    constant = (1 + turned) / h + others + gap
    require_equal((1 + h * (-(1 + turned) / h)) + turned, 0, "1 + hJ_ii = −q")
    require_at_most(turned + h * others, h * constant - 1, h * gap, "a row with 1 + hJ_ii < 0")


def _where() -> None:
    mu, room = sympy.symbols("mu", real=True), sympy.symbols("r", nonnegative=True)
    constant = mu + (2 - room) / h  # h(K − μ) = 2 − r
    require_at_most(h * constant - 1, 1 + h * mu, room, "1 + hμ is the larger for h(K − μ) ≤ 2")
    rate, inner = sympy.symbols("rho k", nonnegative=True)
    require_equal((rate + inner) - (inner - rate), 2 * rate, "K − μ = 2ρ for −ρy + g(y)")
    require_equal(1 + h * (inner - rate), 1 - h * (rate - inner), "1 + hμ there")


def _attained() -> None:
    mu, constant = sympy.symbols("mu", real=True), sympy.symbols("K", nonnegative=True)
    identity = sympy.eye(2)
    require_equal(identity + h * mu * identity, (1 + h * mu) * identity, "J = μI multiplies every e by 1 + hμ")
    require_equal(identity - h * constant * identity, -(h * constant - 1) * identity, "J = −KI by −(hK − 1)")


def _backward() -> None:
    mu = sympy.symbols("mu", real=True)
    length, short = sympy.symbols("E s", nonnegative=True)
    # L∞: sign(e⁺_i)Δf_i = μE − s at the largest entry; L1: Σ sign(e⁺_i)Δf_i = μE − s. Either way ‖e_n‖ ≥ E − h(μE − s)
    before = length - h * (mu * length - short)
    require_at_most((1 - h * mu) * length, before, h * short, "‖e_n‖ ≥ (1 − hμ)‖e_{n+1}‖")
    room = sympy.symbols("u", positive=True)  # 1 − hμ > 0
    require((1 / room).is_positive, "1/(1 − hμ) is a factor")
