"""T = 100 and T = 500 (Table A1) make e^{KT} vacuous unless K is below about 0.02 and 0.005.

Statement.  e^{KT} ≤ C iff K ≤ ln C/T. For an amplification of at most ten the largest K is between 0.023 and 0.0231
            at T = 100 and between 0.0046 and 0.00462 at T = 500: to one significant figure 0.02 and 0.005. Already
            for K = 1 e^{KT} exceeds 10^43 and 10^217.
Proof.      e^{KT} strictly increases in K; the exponentials are enclosed between rationals by their Taylor series.

Ten is where "vacuous" is put here; another C moves K by the factor ln C/ln 10 only.
"""

from fractions import Fraction

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import exponential_enclosure, require, require_equal

CLAIM = Claim(
    statement="e^{KT} ≤ 10 iff K ≤ ln 10/T, which is 0.023… for T = 100 and 0.0046… for T = 500",
    assumptions=("K ≥ 0", "T > 0", "vacuous means an amplification above ten"),
    source="the paper's Table A1; theory, section 2",
    verdict=Verdict.PROVED,
)

K, T, C = sympy.symbols("K T C", positive=True)


def check() -> None:
    """The threshold in symbols, its enclosures for both horizons, and K = 1."""
    _threshold()
    _horizons()
    _unit_constant()


def _threshold() -> None:
    """e^{KT} = C at K = ln C/T, and e^{KT} strictly increases in K."""
    amplification = sympy.exp(K * T)
    require(sympy.diff(amplification, K).is_positive, "d/dK e^{KT} = Te^{KT} > 0")
    require_equal(amplification.subs(K, sympy.log(C) / T), C, "e^{T ln C/T} = C")


def _horizons() -> None:
    """Rational constants on both sides of ln 10/T, decided by enclosing e^{KT}."""
    enough = {100: Fraction(23, 1000), 500: Fraction(46, 10000)}
    too_much = {100: Fraction(231, 10000), 500: Fraction(462, 100000)}
    for horizon, constant in enough.items():
        _, above = exponential_enclosure(horizon * constant)
        require(above <= 10, f"T = {horizon}: K = {constant} keeps e^(KT) at most 10")
    for horizon, constant in too_much.items():
        below, _ = exponential_enclosure(horizon * constant)
        require(below > 10, f"T = {horizon}: K = {constant} takes e^(KT) above 10")
    # the threshold lies between the two, and all of that interval rounds to 0.02 and to 0.005
    require(Fraction(15, 1000) < enough[100] < too_much[100] < Fraction(25, 1000), "T = 100: 0.02")
    require(Fraction(45, 10000) < enough[500] < too_much[500] < Fraction(55, 10000), "T = 500: 0.005")


def _unit_constant() -> None:
    """K = 1."""
    below, _ = exponential_enclosure(Fraction(100), terms=200)
    require(below > sympy.Integer(10) ** 43, "e^100 > 10^43")
    # e^500 = (e^100)^5
    require(below**5 > sympy.Integer(10) ** 217, "e^500 > 10^217")
