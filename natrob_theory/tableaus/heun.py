"""Heun's method of order 2: the explicit trapezoidal rule, the paper's (20)."""

from natrob_theory.tableaus.butcher_tableau import ButcherTableau, fractions

HEUN = ButcherTableau(
    name="Heun",
    a=(fractions(0, 0), fractions(1, 0)),
    b=fractions("1/2", "1/2"),
    c=fractions(0, 1),
    order=2,
    source="Heun 1900; Hairer, Nørsett, Wanner, Solving ODEs I, section II.1; the paper's (20)",
)
