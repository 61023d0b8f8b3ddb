"""The explicit midpoint rule, order 2."""

from natrob_theory.tableaus.butcher_tableau import ButcherTableau, fractions

MIDPOINT = ButcherTableau(
    name="explicit midpoint",
    a=(fractions(0, 0), fractions("1/2", 0)),
    b=fractions(0, 1),
    c=fractions(0, "1/2"),
    order=2,
    source="Runge 1895; Hairer, Nørsett, Wanner, Solving ODEs I, (II.1.4)",
)
