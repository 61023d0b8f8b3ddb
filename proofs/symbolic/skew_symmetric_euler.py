"""Skew-symmetric fields: μ = 0, a flow that keeps every distance, and Euler steps that stretch.

Statement.  For f(y) = By − Bᵀy: ⟨Δf, e⟩ = 0. n Euler steps with h = T/n stretch by at most (1 + h²K²)^{n/2}, which is
            at most e^{hK²T/2} and tends to 1 as h → 0, while it is (1 + K²)^{n/2} at h = 1. f = KJy attains it, J the
            quarter turn.
Proof.      ⟨Bᵀe, e⟩ = ⟨e, Be⟩; then the one-step bound with μ = 0, and (1 + x)^n ≤ e^{nx} with x = h²K².
"""

from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic import discrete_below_exponential
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import FormalVectors, require_at_most

CLAIM = Claim(
    statement="f(y) = By − Bᵀy has μ = 0 and G^n ≤ (1 + h²K²)^{n/2} ≤ e^{hK²T/2} → 1, but (1 + K²)^{n/2} at h = 1",
    assumptions=("h > 0", "nh = T", "K = ‖B − Bᵀ‖₂"),
    source="theory, section 3; natrob_theory/fields/skew_symmetric.py",
    verdict=Verdict.PROVED_FOR_EVERY_STEP,
)


def check() -> None:
    """μ = 0, the factor of n steps, its limit, and the field that attains it."""
    h, lipschitz, duration = sympy.symbols("h K T", positive=True)
    n = sympy.symbols("n", integer=True, positive=True)
    space = FormalVectors("e", "Be", "Bᵀe")
    e, image, transposed_image = space.vectors
    # the adjoint's definition at (e, e): ⟨Bᵀe, e⟩ = ⟨e, Be⟩
    adjoint = {space.inner(transposed_image, e): space.inner(e, image)}
    change = image - transposed_image
    require_equal(space.inner(change, e).subs(adjoint), 0, "⟨Ae, e⟩ = 0")
    # the exact flow: d/dt‖e‖² = 2⟨Ae, e⟩ = 0; one Euler step: only the last term of the square is left
    squared = space.square(e + h * change).subs(adjoint)
    require_equal(squared, space.square(e) + h**2 * space.square(change), "‖e + hAe‖² = ‖e‖² + h²‖Ae‖²")
    size, p = sympy.symbols("E p", nonnegative=True)
    step_factor = 1 + h**2 * lipschitz**2
    stepped = size + h**2 * (lipschitz**2 * size - p)
    require_at_most(stepped, step_factor * size, h**2 * p, "‖e + hAe‖² ≤ (1 + h²K²)‖e‖²")
    # the squares of n steps: (1 + x)^n ≤ e^{nx}, and with x = h²K², nh = T the right side is (e^{hK²T/2})²
    discrete_below_exponential.check()
    exponent = (n * h**2 * lipschitz**2).subs(n, duration / h)
    above = sympy.exp(h * lipschitz**2 * duration / 2)
    require_equal(sympy.exp(exponent), above**2, "e^{nh²K²} = (e^{hK²T/2})²")
    # 1 ≤ (1 + h²K²)^{n/2} ≤ e^{hK²T/2} → 1
    require((step_factor - 1).is_positive, "the factor is at least 1")
    require_equal(sympy.limit(above, h, 0, "+"), 1, "e^{hK²T/2} → 1")
    # at h = 1
    require_equal((step_factor ** (n / 2)).subs(h, 1), (1 + lipschitz**2) ** (n / 2), "(1 + K²)^{n/2} at h = 1")
    _attained(h, lipschitz)


def _attained(h: sympy.Symbol, lipschitz: sympy.Symbol) -> None:
    quarter_turn = sympy.Matrix([[0, -1], [1, 0]])
    generator: Any = lipschitz * quarter_turn
    require_equal(generator.T, -generator, "KJ is skew")
    require_equal(generator.T * generator, lipschitz**2 * sympy.eye(2), "‖KJy‖ = K‖y‖")
    step: Any = sympy.eye(2) + h * generator
    # MᵀM = cI: each step multiplies every squared distance by c = 1 + h²K², so n steps by c^n
    require_equal(step.T * step, (1 + h**2 * lipschitz**2) * sympy.eye(2), "MᵀM = (1 + h²K²)I")
