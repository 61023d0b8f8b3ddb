"""The affine part of a chain of layers and what is left, entry by entry: their constants in L∞.

Statement.  A difference u = L + S behind some layers, L by linear maps alone and |L| ≤ l, |S| ≤ s entry by entry.
            An affine map takes them to WL and WS, at most |W|l and |W|s. An activation with secant slopes within r of m
            takes them to mL and to what is at most |m|s + r(l + s). Terms of a sum add. So with l = 𝟙 and s = 0 at the
            start the linear part A has ‖A‖_∞ ≤ max l, and f(z) − f(y) − A(z − y) is Lipschitz with K_ρ = max s.
Proof.      Row by row, and |σ(z) − σ(y) − m(z − y)| ≤ r|z − y|.
"""

from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="f(z) − f(y) = A(z − y) + ρ with ‖A‖_∞ ≤ max l and Lip ρ ≤ max s, l and s carried through the layers",
    assumptions=("secant slopes of every σ lie within r of m", "real matrices"),
    source="theory, section 8; natrob_theory/bounds/adaptive/affine_remainder.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """An activation, an affine map, a sum of terms."""
    _activation()
    _affine_map()
    _terms()


def _activation() -> None:
    linear, rest, slope, spread = sympy.symbols("l s m r", nonnegative=True)
    below = sympy.symbols("t_0:3", nonnegative=True)
    # the largest sizes, and both signs of each summand: S of size s − t₀, the secant's part of size r|u| − t₂
    size = linear - below[1] + rest - below[0]
    left = slope * below[0] + spread * (below[0] + below[1]) + below[2]
    change = slope * (rest - below[0]) + spread * size - below[2]
    require_at_most(change, slope * rest + spread * (linear + rest), left, "|σ(z) − σ(y) − mL| ≤ |m|s + r(l + s)")
    part, more = sympy.symbols("L S", real=True)
    secant = sympy.Symbol("d", real=True)
    require_equal((slope + secant) * (part + more) - slope * part, slope * more + secant * (part + more), "its parts")


def _affine_map() -> None:
    weights, shorter = sympy.symbols("w_0:3", nonnegative=True), sympy.symbols("t_0:3", nonnegative=True)
    sizes = sympy.symbols("s_0:3", nonnegative=True)
    row: Any = sum(w * (s - t) for w, s, t in zip(weights, sizes, shorter, strict=True))
    left = sum(w * t for w, t in zip(weights, shorter, strict=True))
    require_at_most(row, sum(w * s for w, s in zip(weights, sizes, strict=True)), left, "a row of |W|s")


def _terms() -> None:
    factors, sizes = sympy.symbols("c_0:2", nonnegative=True), sympy.symbols("s_0:2", nonnegative=True)
    shorter = sympy.symbols("t_0:2", nonnegative=True)
    total: Any = sum(c * (s - t) for c, s, t in zip(factors, sizes, shorter, strict=True))
    left = sum(c * t for c, t in zip(factors, shorter, strict=True))
    require_at_most(total, sum(c * s for c, s in zip(factors, sizes, strict=True)), left, "terms add")
