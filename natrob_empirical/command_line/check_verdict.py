"""The conclusion from the comparisons of one method, and the exit code of a whole `natrob check`."""

from collections.abc import Iterable
from decimal import ROUND_FLOOR, Context, Decimal
from typing import Literal, TypeAlias

from natrob_empirical.command_line.check_command import CheckRow
from natrob_empirical.command_line.console import UNUSABLE, VIOLATED
from natrob_theory import Bound

Verdict: TypeAlias = Literal["refuted", "violated", "undecided", "no bound known", "holds"]


def verdict_of(row: CheckRow) -> Verdict:
    """The strongest thing that the comparisons say; "holds" needs an upper bound that was compared with."""
    if refutation(row):
        return "refuted"
    if row.violations:
        return "violated"
    if row.undecided:
        return "undecided"
    return "no bound known" if row.from_upper is None else "holds"


def exit_code_of(verdicts: Iterable[Verdict]) -> int:
    """1 where a constant is refuted or a bound violated, 2 where a method has no bound to claim, else 0."""
    found = set(verdicts)
    if found & {"refuted", "violated"}:
        return VIOLATED
    return UNUSABLE if "no bound known" in found else 0


def refutation(row: CheckRow) -> str:
    """ "K ≥ 2.99" where the upper constant is too small for the field, as found by search or along a pair; else "".

    A violated bound from a K as given refutes that K, because the growth bound is a theorem for every K that is true.
    """
    field = row.field
    for name, lower, upper in (
        ("K", field.lower, field.upper),
        ("μ", field.one_sided_lower, field.one_sided_upper),
    ):
        if upper is not None and float(lower) > float(upper):
            return f"{name} ≥ {_between(lower, upper)}"
    if row.claimed is not None and row.from_upper is not None and bool(row.from_upper.violated.any()):
        return f"K > {row.claimed:.6g}"
    return ""


def _between(lower: Bound, upper: Bound) -> str:
    """The lower bound, rounded down to the fewest digits from three on that still exceed the upper one."""
    exact = Decimal(float(lower))
    rounded = (Context(prec=digits, rounding=ROUND_FLOOR).plus(exact) for digits in range(3, 18))
    shortest = next((number for number in rounded if float(number) > float(upper)), exact)
    return str(shortest).replace("-", "−")
