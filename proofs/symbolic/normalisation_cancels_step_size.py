"""A normalisation that follows the h-scaling cancels h.

Statement.  Let v be the normalisation of u over m entries, v_i = (u_i − mean u)/√(var u + eps). For h > 0 the
            normalisation of hu is that of u with eps/h² in place of eps; for eps = 0 it does not depend on h at all.
Proof.      mean(hu) = h·mean u and var(hu) = h²·var u, for sums of symbolic length; √(h²w) = h√w for h > 0.

It serves batch, layer and group norm alike: only the entries that are averaged differ. An affine map after the
normalisation sees the same input, so it changes nothing. With eps > 0 the branch does shrink once h² is small against
eps/var u: the output is h(u_i − mean u)/√eps to first order in h.
"""

from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal

CLAIM = Claim(
    statement="normalise(hu, eps) = normalise(u, eps/h²) for every h > 0; with eps = 0 the step size cancels",
    assumptions=("h > 0", "m ≥ 1 real entries", "eps > 0, or eps = 0 and the entries are not all equal"),
    source="theory, section 2 (where a normalisation follows the h-scaling)",
    verdict=Verdict.PROVED_FOR_EVERY_STEP,
)

h = sympy.Symbol("h", positive=True)
m = sympy.Symbol("m", integer=True, positive=True)
i = sympy.Symbol("i", integer=True)
u: Any = sympy.IndexedBase("u", real=True)


def check() -> None:
    """Mean and variance of scaled entries, the cancellation, the case eps = 0 and the limit h → 0."""
    _mean_and_variance()
    _cancellation()


def _mean_of(entries: Any) -> Any:
    """1/m Σ_i of an expression in i."""
    return sympy.Sum(entries, (i, 1, m)) / m


def _mean_and_variance() -> None:
    """mean(hu) = h mean u; var(hu) = h² var u, whatever the mean is."""
    require_equal(_mean_of(h * u[i]), h * _mean_of(u[i]), "mean(hu) = h mean u")
    mean = sympy.Symbol("mean", real=True)  # stands for mean u, and h·mean for mean(hu), by the line above
    scaled, plain = _mean_of((h * u[i] - h * mean) ** 2), _mean_of((u[i] - mean) ** 2)
    require_equal(scaled, h**2 * plain, "var(hu) = h² var u")
    # a mean of squares is not negative
    require(((u[i] - mean) ** 2).is_nonnegative, "(u_i − mean u)² ≥ 0")


def _cancellation() -> None:
    """(hu_i − h mean)/√(h² var + eps) = (u_i − mean)/√(var + eps/h²)."""
    entry, mean = sympy.symbols("u_i mean", real=True)
    variance = sympy.Symbol("var", nonnegative=True)
    eps, spread = sympy.symbols("eps var", positive=True)
    normalised = (h * entry - h * mean) / sympy.sqrt(h**2 * variance + eps)
    # the two roots agree since both are positive and their squares do: h²·(var + eps/h²) = h² var + eps
    require((variance + eps / h**2).is_positive, "var + eps/h² > 0")
    require_equal(h**2 * (variance + eps / h**2), h**2 * variance + eps, "h²(var + eps/h²) = h² var + eps")
    require_equal(sympy.sqrt(h**2 * spread), h * sympy.sqrt(spread), "√(h²w) = h√w for h > 0")
    require_equal(normalised, (entry - mean) / sympy.sqrt(variance + eps / h**2), "h moves into eps/h²")
    # eps = 0 and var > 0: no h is left
    exact = (h * entry - h * mean) / sympy.sqrt(h**2 * spread)
    require_equal(exact, (entry - mean) / sympy.sqrt(spread), "h cancels")
    require(h not in sympy.simplify(exact).free_symbols, "the normalised entry does not contain h")
    # eps > 0: the first order in h as h → 0
    first_order = sympy.limit(normalised.subs(variance, spread) / h, h, 0, "+")
    require_equal(first_order, (entry - mean) / sympy.sqrt(eps), "the branch is h(u_i − mean)/√eps + …")
