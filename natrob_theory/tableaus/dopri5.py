"""The embedded pair of Dormand and Prince, orders 5(4): the usual solver of Neural ODEs."""

from natrob_theory.tableaus.butcher_tableau import ButcherTableau, fractions

DOPRI5 = ButcherTableau(
    name="Dormand–Prince 5(4)",
    a=(
        fractions(0, 0, 0, 0, 0, 0, 0),
        fractions("1/5", 0, 0, 0, 0, 0, 0),
        fractions("3/40", "9/40", 0, 0, 0, 0, 0),
        fractions("44/45", "-56/15", "32/9", 0, 0, 0, 0),
        fractions("19372/6561", "-25360/2187", "64448/6561", "-212/729", 0, 0, 0),
        fractions("9017/3168", "-355/33", "46732/5247", "49/176", "-5103/18656", 0, 0),
        fractions("35/384", 0, "500/1113", "125/192", "-2187/6784", "11/84", 0),
    ),
    b=fractions("35/384", 0, "500/1113", "125/192", "-2187/6784", "11/84", 0),
    c=fractions(0, "1/5", "3/10", "4/5", "8/9", 1, 1),
    order=5,
    b_embedded=fractions("5179/57600", 0, "7571/16695", "393/640", "-92097/339200", "187/2100", "1/40"),
    order_embedded=4,
    source="Dormand, Prince, J. Comput. Appl. Math. 6, 1980; Hairer, Nørsett, Wanner, Solving ODEs I, Table II.5.2",
)
