"""Heun's method with Euler's embedded in it, orders 2(1)."""

from natrob_theory.tableaus.butcher_tableau import ButcherTableau, fractions

HEUN_EULER = ButcherTableau(
    name="Heun–Euler 2(1)",
    a=(fractions(0, 0), fractions(1, 0)),
    b=fractions("1/2", "1/2"),
    c=fractions(0, 1),
    order=2,
    b_embedded=fractions(1, 0),
    order_embedded=1,
    source="Hairer, Nørsett, Wanner, Solving ODEs I, sections II.1 and II.4; Heun 1900",
)
