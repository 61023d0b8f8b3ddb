"""Fehlberg's embedded pair 4(5): the solution of order 4 is carried on, the one of order 5 compares."""

from natrob_theory.tableaus.butcher_tableau import ButcherTableau, fractions

FEHLBERG45 = ButcherTableau(
    name="Fehlberg 4(5)",
    a=(
        fractions(0, 0, 0, 0, 0, 0),
        fractions("1/4", 0, 0, 0, 0, 0),
        fractions("3/32", "9/32", 0, 0, 0, 0),
        fractions("1932/2197", "-7200/2197", "7296/2197", 0, 0, 0),
        fractions("439/216", -8, "3680/513", "-845/4104", 0, 0),
        fractions("-8/27", 2, "-3544/2565", "1859/4104", "-11/40", 0),
    ),
    b=fractions("25/216", 0, "1408/2565", "2197/4104", "-1/5", 0),
    c=fractions(0, "1/4", "3/8", "12/13", 1, "1/2"),
    order=4,
    b_embedded=fractions("16/135", 0, "6656/12825", "28561/56430", "-9/50", "2/55"),
    order_embedded=5,
    source="Fehlberg 1969; Hairer, Nørsett, Wanner, Solving ODEs I, Table II.5.1",
)
