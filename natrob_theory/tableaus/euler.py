"""Euler's method: the step of a residual network, y + hf(t, y)."""

from natrob_theory.tableaus.butcher_tableau import ButcherTableau, fractions

EULER = ButcherTableau(
    name="Euler",
    a=(fractions(0),),
    b=fractions(1),
    c=fractions(0),
    order=1,
    source="Euler 1768; Hairer, Nørsett, Wanner, Solving ODEs I, section I.7; the paper's (2)",
)
