"""Refuted: with adaptive steps a bound c‖ε‖ remains.

Statement (refuted).  A solver that chooses its own steps by a local error test keeps ‖z(T) − y(T)‖ ≤ c‖ε‖ for some c.
Counterexample.       y′ = y over T = 1. Euler's step h = 1 is accepted where its distance from Heun's value, y/2, is at
                      most ½; else two steps of ½ are taken. From 1 and 1 + ε the solutions end ¼ + 9ε/4 apart.
Why.                  Accepting or rejecting a step makes the numerical map jump. affine_adaptive_bound.py bounds it.
"""

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_equal

CLAIM = Claim(
    statement="With adaptive steps ‖z(T) − y(T)‖ ≤ c‖ε‖ for some c, each solution on its own grid",
    assumptions=("the counterexample: y′ = y, Euler's method, Heun's for the error test, tolerance ½",),
    source="the paper's 3.2 and 5; theory, section 4; natrob_theory/checks/adaptive_bounds.py",
    verdict=Verdict.REFUTED,
)


def check() -> None:
    """The two grids, the distance at the end, and the affine bound there."""
    y, size = sympy.symbols("y h", positive=True)
    half = sympy.Rational(1, 2)
    euler = y + size * y
    heun = y + size * (y + euler) / 2
    require_equal((heun - euler).subs(size, 1), y / 2, "the estimate at h = 1")
    accepted = euler.subs(size, 1)
    rejected = (euler.subs(size, half) + size * euler.subs(size, half)).subs(size, half)
    require_equal(accepted, 2 * y, "accepted for y ≤ 1")
    require_equal(rejected, sympy.Rational(9, 4) * y, "rejected for y > 1")
    # from y = 1 (accepted) and from 1 + ε (rejected): the distance is ¼ + 9ε/4, for every ε > 0
    epsilon, constant = sympy.symbols("epsilon c", positive=True)
    distance = rejected.subs(y, 1 + epsilon) - accepted.subs(y, 1)
    require_equal(distance, half / 2 + sympy.Rational(9, 4) * epsilon, "the distance at the end")
    # whatever c: at ε = 1/(4c) it exceeds cε = ¼
    excess = (distance - constant * epsilon).subs(epsilon, 1 / (4 * constant))
    require(sympy.simplify(excess).is_positive, "no c‖ε‖ bounds it")
    # the affine bound does: with e = e^1 between 5/2 and 3, the errors e − 2 and (1 + ε)(e − 9/4) make up for it
    e = sympy.exp(1)
    affine = e * epsilon + (e - 2) + (1 + epsilon) * (e - sympy.Rational(9, 4))
    require_equal(affine - distance, (2 * e - sympy.Rational(9, 2)) * (1 + epsilon), "the affine bound holds here")
    require((2 * e - sympy.Rational(9, 2)).is_positive, "2e > 9/2")
