"""What is found by sampling lies below the constant: secants, Jacobians, one-sided quotients.

Statement.  ‖f(z) − f(y)‖/‖z − y‖ ≤ K and ⟨f(z) − f(y), z − y⟩/‖z − y‖² ≤ μ for every pair; where f is differentiable
            ‖Jv‖ ≤ K‖v‖ and ⟨Jv, v⟩ ≤ μ‖v‖². So the largest of any sample is a lower bound, and it is nothing else:
            it may be 0 while K is as large as one likes. At a kink, what automatic differentiation calls the Jacobian
            can exceed K; only measured secants count.
Proof.      Divide; take the limit of difference quotients; two explicit functions.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import FormalVectors, require_at_most

CLAIM = Claim(
    statement="secants, Jacobians' norms and one-sided quotients never exceed K, K and μ; they bound nothing above",
    assumptions=("f is K-Lipschitz with the one-sided constant μ", "differentiable where the Jacobian is taken"),
    source="theory, section 5; natrob_theory/bounds/lipschitz_lower_bound.py, one_sided_lower_bound.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """Secants, Jacobians, and that a sample bounds nothing from above."""
    _secants()
    _jacobians()
    _not_an_upper_bound()
    _kink()


def _secants() -> None:
    size = sympy.symbols("n", positive=True)  # ‖z − y‖
    lipschitz, g = sympy.symbols("K g", nonnegative=True)
    mu = sympy.symbols("mu", real=True)
    require_at_most((lipschitz * size - g) / size, lipschitz, g / size, "‖Δf‖/‖e‖ ≤ K")
    require_at_most((mu * size**2 - g) / size**2, mu, g / size**2, "⟨Δf, e⟩/‖e‖² ≤ μ")
    # an allowance for rounding is subtracted, which keeps it a lower bound
    noise = sympy.symbols("a", nonnegative=True)
    require_at_most((lipschitz * size - g - noise) / size, lipschitz, (g + noise) / size, "less an allowance")


def _jacobians() -> None:
    # f(y + τv) − f(y) = τ(Jv + ρ) with ρ → 0 as τ → 0: the secant of length τ‖v‖ gives ‖Jv + ρ‖ ≤ K‖v‖
    size, tau = sympy.symbols("n tau", positive=True)
    lipschitz, g, d, rest = sympy.symbols("K g d r", nonnegative=True)
    image = (lipschitz * tau * size - g) / tau
    # ‖Jv‖ ≤ ‖Jv + ρ‖ + ‖ρ‖ with gap d, r = ‖ρ‖: so ‖Jv‖ − K‖v‖ ≤ ‖ρ‖ for every τ
    require_at_most(image + rest - d, lipschitz * size + rest, g / tau + d, "‖Jv‖ ≤ K‖v‖ + ‖ρ‖")
    # the left side does not depend on τ, and ‖ρ‖ → 0: a fixed number c > 0 above K‖v‖ would exceed ‖ρ‖ = c/2
    c = sympy.symbols("c", positive=True)
    require((c - c / 2).is_positive, "no c > 0 is at most every ‖ρ‖")
    # one-sided: ⟨τ(Jv + ρ), τv⟩ = τ²(⟨Jv, v⟩ + ⟨ρ, v⟩) ≤ μτ²‖v‖², and −⟨ρ, v⟩ ≤ ‖ρ‖‖v‖
    space = FormalVectors("v", "Jv", "ρ")
    v, moved, remainder = space.vectors
    product = space.inner(tau * (moved + remainder), tau * v) / tau**2
    require_equal(product, space.inner(moved, v) + space.inner(remainder, v), "⟨Δf, e⟩/τ²")
    mu = sympy.symbols("mu", real=True)
    along = (mu * size**2 - g) - (-(rest * size - d))
    require_at_most(along, mu * size**2 + rest * size, g + d, "⟨Jv, v⟩ ≤ μ‖v‖² + ‖ρ‖‖v‖")
    # and ⟨Jv, v⟩ = ⟨½(J + Jᵀ)v, v⟩, so Lanczos on the symmetric part suggests directions of this quotient
    jacobian = sympy.Matrix(2, 2, sympy.symbols("j_1:5", real=True))
    vector = sympy.Matrix(sympy.symbols("v_1:3", real=True))
    symmetric = (jacobian + jacobian.T) / 2
    require_equal((vector.T * jacobian * vector)[0], (vector.T * symmetric * vector)[0], "the symmetric part")


def _not_an_upper_bound() -> None:
    # f(y) = K·max(0, y − 1): every secant in [−1, 1] is 0, while that from 1 to 1 + a is K
    lipschitz, a = sympy.symbols("K a", positive=True)
    inside, other = sympy.symbols("y z", nonnegative=True)  # points 1 − y and 1 − z

    def field(point: sympy.Expr) -> sympy.Expr:
        return lipschitz * sympy.Max(0, point - 1)

    require_equal(field(1 - inside) - field(1 - other), 0, "all sampled secants are 0")
    require_equal((field(1 + a) - field(sympy.Integer(1))) / a, lipschitz, "one outside the sample is K")


def _kink() -> None:
    # f(y) = y − relu(y) + relu(−y) is 0 everywhere, so K = 0; with relu′(0) taken as 0 its "slope" at 0 is 1
    a = sympy.symbols("a", positive=True)

    def field(point: sympy.Expr) -> sympy.Expr:
        return point - sympy.Max(0, point) + sympy.Max(0, -point)

    for point in (a, -a, sympy.Integer(0)):
        require_equal(field(point), 0, "f = 0")
    convention = 0  # automatic differentiation's slope of relu at 0
    require_equal(1 - convention + convention * (-1), 1, "1 > K = 0")
