"""Lipschitz constants multiply under composition: the paper's (12), K ≤ Π ‖θ_l‖₂.

Statement.  If the layers g_1, …, g_L are L_l-Lipschitz, their composition is Π L_l-Lipschitz. For linear layers θ_l
            with 1-Lipschitz activations between them, K ≤ Π ‖θ_l‖₂; a residual block y + h·g(y) is
            (1 + hΠ ‖θ_l‖₂)-Lipschitz. Both are attained: by layers whose leading singular vectors are aligned and
            nonnegative. A block σ(S y + h·g(y)) grows by A(s + |h|k) at most, A of σ, s of S and k of g: Lipschitz
            constants, or for one pair its secant constants s = ‖S z − S y‖/‖z − y‖ and k likewise.
Proof.      Induction over the layers with slacks.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal

CLAIM = Claim(
    statement="Lipschitz constants multiply under composition, so K ≤ Π ‖θ_l‖₂",
    assumptions=(
        "each layer is L_l-Lipschitz in one norm",
        "activations are 1-Lipschitz (ReLU: relu_does_not_weaken_the_bound.py)",
    ),
    source="the paper's (12); theory, section 2",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The induction over the layers, the affine layer, the residual block, and aligned layers."""
    _composition()
    _affine_layer()
    _residual_block()
    _block_with_shortcut_and_activation()
    _attained()
    _aligned_matrices()


def _composition() -> None:
    """‖g(u) − g(v)‖ ≤ L‖u − v‖ after ‖u − v‖ ≤ P‖z − y‖ gives LP‖z − y‖, and the empty product is 1."""
    distance, product, constant, hypothesis_slack, layer_slack = sympy.symbols("‖z−y‖ P L q s", nonnegative=True)
    # no layer: the distance itself, 1·‖z − y‖; from l layers to l + 1:
    inner = product * distance - hypothesis_slack
    outer = constant * inner - layer_slack
    gap = constant * hypothesis_slack + layer_slack
    require_equal((constant * product) * distance - outer, gap, "LP‖z − y‖ − ‖g(u) − g(v)‖ = Lq + s")
    require(gap.is_nonnegative, "Lq + s ≥ 0")
    # an activation is a layer with L = 1 and leaves the product alone
    require_equal((constant * product).subs(constant, 1), product, "a 1-Lipschitz layer adds the factor 1")


def _affine_layer() -> None:
    """θu + c is ‖θ‖₂-Lipschitz: the bias cancels, and ‖θ(u − v)‖ ≤ ‖θ‖₂‖u − v‖ is what ‖θ‖₂ means."""
    weight, u, v, bias = sympy.symbols("θ u v c", commutative=False)  # θ multiplies from the left
    require_equal((weight * u + bias) - (weight * v + bias), weight * (u - v), "θu + c − (θv + c) = θ(u − v)")


def _residual_block() -> None:
    """‖(z + h·g(z)) − (y + h·g(y))‖ ≤ (1 + hP)‖z − y‖ for a P-Lipschitz branch g."""
    h = sympy.Symbol("h", positive=True)
    distance, product, branch_slack, triangle_slack = sympy.symbols("‖z−y‖ P r s", nonnegative=True)
    block = distance + h * (product * distance - branch_slack) - triangle_slack
    gap = h * branch_slack + triangle_slack
    require_equal((1 + h * product) * distance - block, gap, "(1 + hP)‖z − y‖ − the block's distance = hr + s")
    require(gap.is_nonnegative, "hr + s ≥ 0")


def _block_with_shortcut_and_activation() -> None:
    """‖σ(u) − σ(v)‖ ≤ A‖u − v‖ for u = S z + h·g(z) and v = S y + h·g(y); a pair's secants are the case of no slack."""
    step = sympy.Symbol("|h|", nonnegative=True)
    distance, activation, shortcut, branch = sympy.symbols("‖z−y‖ A s k", nonnegative=True)
    of_shortcut, of_branch, triangle_slack, outer_slack = sympy.symbols("p q r t", nonnegative=True)
    # ‖S z − S y‖ = s‖z − y‖ − p and ‖g(z) − g(y)‖ = k‖z − y‖ − q, with p = q = 0 where s and k are the pair's own
    sum_distance = (shortcut * distance - of_shortcut) + step * (branch * distance - of_branch) - triangle_slack
    block = activation * sum_distance - outer_slack
    gap = activation * (of_shortcut + step * of_branch + triangle_slack) + outer_slack
    bound = activation * (shortcut + step * branch) * distance
    require_equal(sympy.expand(bound - block), sympy.expand(gap), "A(s + |h|k)‖z − y‖ − the block's distance")
    require(gap.is_nonnegative, "the slacks add up to at least 0")


def _attained() -> None:
    """One dimension, θ_l = t_l > 0 and points z > y > 0: every number stays positive, where ReLU is the identity."""
    product, weight, y, apart, h = sympy.symbols("P t y d h", positive=True)
    z = y + apart
    # after l layers the two values are Pz and Py; one layer more:
    after_z, after_y = sympy.Max(0, weight * product * z), sympy.Max(0, weight * product * y)
    require_equal(after_z - after_y, (weight * product) * (z - y), "the distance has grown by exactly tP")
    # and the residual block over such a branch
    require_equal((z + h * product * z) - (y + h * product * y), (1 + h * product) * (z - y), "the block: 1 + hP")


def _aligned_matrices() -> None:
    """θ_l = t_l u_l u_{l−1}ᵀ with positive unit vectors u_l: ‖θ_l‖₂ = t_l, and u_0 is stretched by t_1 t_2."""
    t_1, t_2 = sympy.symbols("t_1 t_2", positive=True)
    directions = []
    for index in range(3):
        p, q = sympy.symbols(f"p_{index} q_{index}", positive=True)
        directions.append(sympy.Matrix([p, q]) / sympy.sqrt(p**2 + q**2))
    for direction in directions:
        require_equal(direction.dot(direction), 1, "a unit vector")
    first = t_1 * directions[1] * directions[0].T
    second = t_2 * directions[2] * directions[1].T
    # θᵀθ = t² u uᵀ has the eigenvalues t² (eigenvector u) and 0 (its trace is t²): ‖θ‖₂ = t
    gram = first.T * first
    require_equal(gram * directions[0], t_1**2 * directions[0], "θ₁ᵀθ₁u_0 = t₁²u_0")
    require_equal(gram.trace(), t_1**2, "the other eigenvalue of θ₁ᵀθ₁ is 0")
    # θ₂ ReLU(θ₁ u_0) = t₁t₂ u_2, while 0 is mapped to 0
    hidden = (first * directions[0]).applyfunc(sympy.simplify).applyfunc(lambda entry: sympy.Max(0, entry))
    require_equal(second * hidden, t_1 * t_2 * directions[2], "θ₂ ReLU(θ₁u_0) = t₁t₂u_2")
