"""The embedded pair of Bogacki and Shampine, orders 3(2)."""

from natrob_theory.tableaus.butcher_tableau import ButcherTableau, fractions

BOGACKI_SHAMPINE = ButcherTableau(
    name="Bogacki–Shampine 3(2)",
    a=(
        fractions(0, 0, 0, 0),
        fractions("1/2", 0, 0, 0),
        fractions(0, "3/4", 0, 0),
        fractions("2/9", "1/3", "4/9", 0),
    ),
    b=fractions("2/9", "1/3", "4/9", 0),
    c=fractions(0, "1/2", "3/4", 1),
    order=3,
    b_embedded=fractions("7/24", "1/4", "1/3", "1/8"),
    order_embedded=2,
    source="Bogacki, Shampine, Applied Mathematics Letters 2(4), 1989",
)
