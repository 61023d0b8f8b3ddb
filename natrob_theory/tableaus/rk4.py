"""The classic Runge–Kutta method of order 4."""

from natrob_theory.tableaus.butcher_tableau import ButcherTableau, fractions

RK4 = ButcherTableau(
    name="classic RK4",
    a=(fractions(0, 0, 0, 0), fractions("1/2", 0, 0, 0), fractions(0, "1/2", 0, 0), fractions(0, 0, 1, 0)),
    b=fractions("1/6", "1/3", "1/3", "1/6"),
    c=fractions(0, "1/2", "1/2", 1),
    order=4,
    source="Kutta 1901; Hairer, Nørsett, Wanner, Solving ODEs I, Table II.1.2",
)
