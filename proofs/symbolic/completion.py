"""The embedded estimate of a step is bounded, so small steps are accepted, and a solve reaches its end.

Statement.  d = b − b̂, x = hK, v = ‖f(y)‖: ‖h Σ d_i k_i‖ ≤ K h² v e^{μ⁺h} (κ_d + x|d|ᵀ(I − x|A|)⁻¹κ). With v ≤ V on
            all of the solve, an error ratio of at most ‖estimate‖/(atol √D), and q(h) this bound over atol √D:
            (1) a step with q(h) ≤ 1 is accepted;
            (2) a step with q(h) ≤ r* = (safety · m^β)^{1/α} is accepted and does not shrink, whatever the step before
                was: the controller's factor is safety · r^{−α} r_{−1}^β, r_{−1} ≥ m;
            (3) so no step that the controller proposes is below h_min = min(first step, smallest factor · h*),
                q(h*) = r*;
            (4) at most T/h_min + 1 steps are accepted if the last one may be shorter, and A accepted steps leave room
                for at most (ln(H/h_min) + A ln F)/ln(1/safety) rejected ones, F the largest factor.
Proof.      The estimate is a quadrature of g(s) = f(φ_s(y)) whose weights sum to 0, plus h Σ d_i (k_i − g(c_i h)).
Why not 1.  A step accepted with r near 1 shrinks the next one by `safety`, and by more after a tiny r_{−1}: "accepted
            below h*, factors at least 0.2" alone bounds no number of steps.
"""

import sympy

from natrob_theory import BOGACKI_SHAMPINE, DOPRI5, HEUN_EULER
from natrob_theory.tableaus import TABLEAUS
from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import rational, require, require_equal, require_positive_coefficients
from proofs.symbolic.inner_products import require_at_most
from proofs.symbolic.quadrature_kernels import area, kernel_pieces, rationals

CLAIM = Claim(
    statement=(
        "‖h Σ d_i k_i‖ ≤ K h² v e^{μ⁺h} (κ_d + x|d|ᵀ(I − x|A|)⁻¹κ); with it no proposed step is below an explicit "
        "h_min, and the numbers of accepted and of rejected steps are bounded"
    ),
    assumptions=(
        "the local error's: f autonomous, K-Lipschitz, nodes from 0 to 1",
        "the controller's factor is safety · r^{−α} r_{−1}^β between a smallest and a largest one, m ≤ r_{−1} ≤ 1",
        "safety < 1",
        "a rejected step's factor is at most safety",
        "exact arithmetic: an estimate has a rounding floor too",
    ),
    source="theory, section 8; natrob_theory/adaptive/controller.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The estimate, that its bound rises with h, the controller, and the count of steps."""
    _estimate()
    _named_values()
    _controller()
    _count()


def _estimate() -> None:
    # ‖h Σ d_i g(c_i h)‖ ≤ L h² κ_d; ‖k_i − g(c_i h)‖ ≤ K E_i with E = Lh²(I − x|A|)⁻¹κ; L = K v e^{μ⁺h}
    h, lipschitz, speed, growth, errors, constant = sympy.symbols("h K v g e kappa", nonnegative=True)
    slope = lipschitz * speed * growth
    whole = slope * h**2 * constant + h * lipschitz * (slope * h**2 * errors)
    stated = lipschitz * h**2 * speed * growth * (constant + h * lipschitz * errors)
    require_equal(whole, stated, "the two parts of the estimate; e stands for |d|ᵀ(I − x|A|)⁻¹κ")
    for tableau in TABLEAUS:
        if tableau.b_embedded is None:
            continue
        difference = [own - other for own, other in zip(tableau.b, tableau.b_embedded, strict=True)]
        require(sum(difference) == 0, f"{tableau.name}: both solutions are consistent")
        x = sympy.Symbol("x", positive=True)
        bracket = sum(rational(entry) * x**power for power, entry in enumerate(tableau.embedded_estimate_polynomial()))
        require_positive_coefficients(sympy.expand(x**2 * bracket), x, f"{tableau.name}: the bound rises with h")


def _named_values() -> None:
    # theory's table: κ_d and |d|ᵀκ
    zero = sympy.Integer(0)
    table = {HEUN_EULER: ("0.5", "0.25"), BOGACKI_SHAMPINE: ("0.0694", "0.0421"), DOPRI5: ("0.0068", "0.1844")}
    for tableau, (first, second) in table.items():
        if tableau.b_embedded is None:
            raise ValueError(f"`tableau` must be a pair, got {tableau.name}")
        difference = [own - other for own, other in zip(tableau.b, tableau.b_embedded, strict=True)]
        own = area(kernel_pieces(rationals(difference), rationals(tableau.c), zero, total=zero))
        polynomial = tableau.embedded_estimate_polynomial()
        require_equal(rational(polynomial[0]), own, f"{tableau.name}: κ_d")
        for found, printed in ((own, first), (rational(polynomial[1]), second)):
            digit = sympy.Rational(1, 10 ** len(printed.partition(".")[2]))
            require(abs(found - sympy.Rational(printed)) <= digit / 2, f"{tableau.name}: {printed}")


def _controller() -> None:
    # with r = r*/(1 + t) and r_{−1} = m(1 + u): safety · r^{−α} r_{−1}^β = (1 + t)^α (1 + u)^β, at least 1
    safety, least, alpha, beta = sympy.symbols("sigma m alpha beta", positive=True)
    t, u = sympy.symbols("t u", nonnegative=True)
    threshold = (safety * least**beta) ** (1 / alpha)
    factor = safety * (threshold / (1 + t)) ** (-alpha) * (least * (1 + u)) ** beta
    require_equal(sympy.powsimp(sympy.expand_power_base(factor)), (1 + t) ** alpha * (1 + u) ** beta, "the factor")
    exponent = alpha * sympy.log(1 + t) + beta * sympy.log(1 + u)
    require_equal(sympy.exp(exponent), (1 + t) ** alpha * (1 + u) ** beta, "as an exponential")
    require(exponent.is_nonnegative, "of a number that is at least 0, so at least 1")
    # r* < 1: safety = 1/(1 + t), m = 1/(1 + u); so such a step is accepted
    logarithm = sympy.expand_log(sympy.log((1 + t) ** -1 * (1 + u) ** -beta), force=True)
    require_equal(logarithm, -sympy.log(1 + t) - beta * sympy.log(1 + u), "α ln r* is at most 0")
    require((-logarithm).is_nonnegative, "so r* ≤ 1")
    # h_min: a step h ≥ h_min is followed by one ≥ h_min. Above h* the factor is at least the smallest one; up to h* at
    # least 1
    star, excess, smallest = sympy.symbols("h_star d phi", positive=True)
    require_at_most(smallest * star, smallest * (star + excess), smallest * excess, "h > h*: at least φh*")


def _count() -> None:
    # A accepted steps of at least h_min, the last one aside, make (A − 1)h_min ≤ T: A = 1 + (T − d)/h_min
    duration, least, d = sympy.symbols("T h_min d", positive=True)
    require_at_most(1 + (duration - d) / least, 1 + duration / least, d / least, "accepted steps")
    # ln h starts at most at ln H, rises by at most ln F with an accepted step, falls by at least ln(1/safety) with a
    # rejected one, and never passes below ln h_min: R ln(1/safety) ≤ ln(H/h_min) + A ln F
    cap, rise, fall = sympy.symbols("L F sigma", positive=True)  # L = ln(H/h_min), F and σ logarithms too
    # the end is above ln h_min by e, and c is what accepted steps rose less, rejected ones fell more
    accepted, short, above = sympy.symbols("A c e", nonnegative=True)
    fallen = cap + accepted * rise - short - above  # R ln(1/safety), from above = cap + A·rise − R·fall − short
    require_at_most(fallen, cap + accepted * rise, short + above, "rejected steps")
    rejected = sympy.solve(sympy.Eq(cap + accepted * rise - sympy.Symbol("R") * fall - short, above), sympy.Symbol("R"))
    require_equal(rejected[0], fallen / fall, "R is at most (ln(H/h_min) + A ln F)/ln(1/safety)")
