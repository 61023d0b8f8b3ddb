"""The certified radius: no perturbation shorter than min_j (s_y − s_j)/(L‖w_y − w_j‖) changes the label.

Statement.  Scores s_j(x) = ⟨w_j, φ(x)⟩ + b_j with ‖φ(x + δ) − φ(x)‖ ≤ L‖δ‖. If s_y > s_j for j ≠ y at x, then
            s_y > s_j at x + δ for every ‖δ‖ < (s_y − s_j)/(L‖w_y − w_j‖). For φ(x) = Lx no larger radius is right.
            Over a test set: certified accuracy ≤ accuracy under any attack of that radius.
Proof.      The difference of scores changes by ⟨w_y − w_j, Δφ⟩, and Cauchy–Schwarz.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal
from proofs.symbolic.inner_products import FormalVectors, require_at_most

CLAIM = Claim(
    statement="the label is kept for every ‖δ‖₂ < min_j (s_y − s_j)/(L‖w_y − w_j‖₂); tight for linear features",
    assumptions=(
        "L > 0 is an upper Lipschitz constant of the features",
        "w_y ≠ w_j (else the difference never changes)",
    ),
    source="theory, section 6; natrob_empirical/certification/margins.py (Tsuzuku et al., NeurIPS 2018)",
    verdict=Verdict.PROVED,
)

L, weight, margin = sympy.symbols("L w m", positive=True)  # w = ‖w_y − w_j‖, m = s_y − s_j at x


def check() -> None:
    """The certificate, its tight case, and the accuracies."""
    space = FormalVectors("w_y", "w_j", "φ", "Δφ")
    own, other, features, change = space.vectors
    bias = sympy.symbols("b", real=True)  # b_y − b_j
    before = space.inner(own - other, features) + bias
    after = space.inner(own - other, features + change) + bias
    require_equal(after, before + space.inner(own - other, change), "the difference changes by ⟨w_y − w_j, Δφ⟩")
    # ⟨w_y − w_j, Δφ⟩ = −(w·‖Δφ‖ − c) at least, ‖Δφ‖ = L‖δ‖ − d, and ‖δ‖ = m/(Lw) − r with r > 0
    radius = margin / (L * weight)
    c, d = sympy.symbols("c d", nonnegative=True)
    r = sympy.symbols("r", positive=True)
    new_margin = margin - (weight * (L * (radius - r) - d) - c)
    rest = L * weight * r + weight * d + c
    require_equal(new_margin, rest, "the new difference of scores")
    require(rest.is_positive, "s_y > s_j still")
    _tight()
    _accuracies()


def _tight() -> None:
    # φ(x) = Lx and δ = −t(w_y − w_j)/w: the difference is m − Ltw, 0 at the radius and negative beyond
    t, extra = sympy.symbols("t e", positive=True)
    space = FormalVectors("v", "x")  # v = w_y − w_j
    v, x = space.vectors
    bias = sympy.symbols("b", real=True)
    shift = -t / weight * v
    require_equal(space.square(shift).subs(space.square(v), weight**2), t**2, "‖δ‖ = t")
    moved = space.inner(v, L * (x + shift)) + bias
    given = {space.inner(v, x): (margin - bias) / L, space.square(v): weight**2}
    require_equal(moved.subs(given), margin - L * weight * t, "the difference of scores at x + δ")
    radius = margin / (L * weight)
    require_equal((margin - L * weight * t).subs(t, radius), 0, "a tie at the radius")
    require((margin - L * weight * (radius + extra)).expand().is_negative, "another label beyond it")


def _accuracies() -> None:
    # per image: certified ≤ robust ≤ attacked, as 0 or 1; a certified image (1) is robust (1), a robust one withstands
    # the attack. Summed over n images the order stays
    certified, more, still_more = sympy.symbols("c r a", nonnegative=True)
    n = sympy.symbols("n", integer=True, positive=True)
    require_at_most(certified / n, (certified + more + still_more) / n, (more + still_more) / n, "certified ≤ attacked")
