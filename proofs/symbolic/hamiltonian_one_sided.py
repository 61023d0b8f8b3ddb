"""The Hamiltonian field (a, b)′ = (∇U(b), −∇V(a)) with convex U, V: K ≤ max(β₁, β₂) and μ ≤ ½max(β₁, β₂).

Statement.  Δf = (S₁b, −S₂a) for differences (a, b), S_i symmetric with 0 ≤ S_i ≤ β_i. Then ‖Δf‖ ≤ B‖e‖ and
            ⟨Δf, e⟩ ≤ ½B‖e‖², B = max(β₁, β₂); both are attained, although the field has trace 0.
Proof.      ⟨Δf, e⟩ = ⟨Ma, b⟩ with the symmetric M = S₁ − S₂, −β₂ ≤ M ≤ β₁; four times that is
            ⟨M(a + b), a + b⟩ − ⟨M(a − b), a − b⟩ ≤ β₁‖a + b‖² + β₂‖a − b‖² ≤ 2B(‖a‖² + ‖b‖²).
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_equal
from proofs.symbolic.inner_products import FormalVectors, require_at_most

CLAIM = Claim(
    statement="a Hamiltonian field of two gradient flows has K ≤ max(K₁, K₂) and μ ≤ ½max(K₁, K₂)",
    assumptions=("the halves are gradient flows: S_i symmetric, 0 ≤ S_i ≤ β_i (gradient_flow.py)",),
    source="natrob_theory/fields/hamiltonian.py",
    verdict=Verdict.PROVED,
)

largest, u, w = sympy.symbols("B u w", nonnegative=True)
beta_1, beta_2 = largest - u, largest - w  # B is their maximum


def check() -> None:
    """μ by polarisation, K by halves, and where they are attained."""
    _one_sided()
    _lipschitz()
    _attained()


def _one_sided() -> None:
    space = FormalVectors("a", "b", "Ma", "Mb", "S₁b", "S₂a")
    a, b, image_a, image_b, first, second = space.vectors
    # e = (a, b) and Δf = (S₁b, −S₂a). S_i symmetric: ⟨S₁b, a⟩ = ⟨S₁a, b⟩, and M = S₁ − S₂ gives ⟨Ma, b⟩
    product = space.inner(first, a) - space.inner(second, b)
    m = space.inner(image_a, b)
    product = product.subs(space.inner(first, a), m + space.inner(second, b))
    # M is symmetric: ⟨Mb, a⟩ = ⟨Ma, b⟩
    symmetric = {space.inner(image_b, a): m}
    plus = space.inner(image_a + image_b, a + b).subs(symmetric)
    minus = space.inner(image_a - image_b, a - b).subs(symmetric)
    require_equal(4 * product, plus - minus, "4⟨Ma, b⟩ = ⟨M(a + b), a + b⟩ − ⟨M(a − b), a − b⟩")
    # −β₂ ≤ M ≤ β₁ with slacks s₁, s₂
    s_1, s_2 = sympy.symbols("s_1 s_2", nonnegative=True)
    sum_size, difference_size = sympy.symbols("P Q", nonnegative=True)  # ‖a + b‖² and ‖a − b‖²
    bounded = (beta_1 * sum_size - s_1) - (-beta_2 * difference_size + s_2)
    total = space.square(a) + space.square(b)
    require_equal(space.square(a + b) + space.square(a - b), 2 * total, "‖a + b‖² + ‖a − b‖² = 2(‖a‖² + ‖b‖²)")
    size = (sum_size + difference_size) / 2
    rest = (u * sum_size + w * difference_size + s_1 + s_2) / 4
    require_at_most(bounded / 4, largest * size / 2, rest, "⟨Δf, e⟩ ≤ ½B‖e‖²")
    # −β₂ ≤ −S₂ ≤ S₁ − S₂ ≤ S₁ ≤ β₁, for the values p of ⟨S₁v, v⟩ and p′ of ⟨S₂v, v⟩ at ‖v‖ = 1
    p_1, p_2, g_1, g_2 = sympy.symbols("p_1 p_2 g_1 g_2", nonnegative=True)
    require_at_most((p_1 - p_2), p_1 + g_1, p_2 + g_1, "M ≤ β₁ = p + g")
    require_at_most(-(p_2 + g_2), p_1 - p_2, p_1 + g_2, "−β₂ ≤ M")


def _lipschitz() -> None:
    # ‖S₁b‖² = β₁²‖b‖² − s₁ and ‖S₂a‖² = β₂²‖a‖² − s₂; β_i² = B² − 2Bu + u² is at most B², as u ≤ B: u + v = B
    first, second, s_1, s_2, other, another = sympy.symbols("A C s_1 s_2 v z", nonnegative=True)
    changed = (other**2 * second - s_1) + (another**2 * first - s_2)
    bound = (other + u) ** 2 * second + (another + w) ** 2 * first
    rest = (2 * other * u + u**2) * second + (2 * another * w + w**2) * first + s_1 + s_2
    require_at_most(changed, bound, rest, "‖Δf‖² ≤ B²(‖a‖² + ‖b‖²), B = β₁ + u = β₂ + w")


def _attained() -> None:
    # halves of dimension 1, S₁ = β (an active ReLU) and S₂ = 0 (a dead one)
    beta = sympy.symbols("beta", positive=True)
    field = sympy.Matrix([[0, beta], [0, 0]])
    e = sympy.Matrix([1, 1])
    require_equal((field * e).dot(e), beta / 2 * e.dot(e), "⟨Δf, e⟩ = ½β‖e‖² at a = b")
    e = sympy.Matrix([0, 1])
    require_equal((field * e).dot(field * e), beta**2 * e.dot(e), "‖Δf‖ = β‖e‖ at a = 0")
    require_equal(field.trace(), 0, "trace 0: the flow keeps volume, yet μ > 0")
