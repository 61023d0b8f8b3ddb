"""Kutta's 3/8 rule, order 4: what torchdiffeq calls `rk4`. One entry of A is negative."""

from natrob_theory.tableaus.butcher_tableau import ButcherTableau, fractions

THREE_EIGHTHS = ButcherTableau(
    name="3/8 rule",
    a=(fractions(0, 0, 0, 0), fractions("1/3", 0, 0, 0), fractions("-1/3", 1, 0, 0), fractions(1, -1, 1, 0)),
    b=fractions("1/8", "3/8", "3/8", "1/8"),
    c=fractions(0, "1/3", "2/3", 1),
    order=4,
    source="Kutta 1901; Hairer, Nørsett, Wanner, Solving ODEs I, Table II.1.2",
)
