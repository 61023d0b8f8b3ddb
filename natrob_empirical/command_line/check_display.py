"""The output of `natrob check`: what the comparisons of each method let conclude, and the exit code."""

from collections.abc import Iterable
from decimal import ROUND_FLOOR, Context, Decimal
from typing import Literal, TypeAlias

from rich import box
from rich.table import Table

from natrob_empirical.command_line.check_command import CheckRow, CheckSettings
from natrob_empirical.command_line.console import UNUSABLE, VIOLATED, console
from natrob_empirical.display.formatting import format_number
from natrob_theory import Bound

Verdict: TypeAlias = Literal["refuted", "violated", "undecided", "no bound known", "holds"]


def print_checks(rows: list[CheckRow], settings: CheckSettings) -> None:
    """The constants as intervals; then one row per method: growth measured and bounded, worst ratios, verdict."""
    shown = rows[0].from_secants.holds
    numbers = "Arb balls" if settings.arithmetic == "ball" else "float64"
    for constants in dict.fromkeys(map(_constants, rows)):
        methods = [row.method for row in rows if _constants(row) == constants]
        whose = "" if len(methods) == len(rows) else f"{', '.join(methods)}: "
        console.print(f"{whose}{constants}", markup=False)
    table = Table(
        title=f"h = {settings.step_size:g}, N = {settings.steps}, seed {settings.seed}, {numbers}, "
        f"n = {shown.shape[1]}",
        box=box.SIMPLE,
    )
    table.add_column("method", no_wrap=True)
    for header in ("growth", "bound", "ratio", "by secants"):
        table.add_column(header, justify="right")
    table.add_column("verdict")
    for row in rows:
        table.add_row(
            row.method,
            f"{row.measured_growth:.3g}",
            "none" if row.growth is None else f"{float(row.growth):.3g}",
            "–" if row.from_upper is None else f"{row.from_upper.worst_ratio:.4f}",
            f"{row.from_secants.worst_ratio:.4f}",
            _verdict(row, settings),
        )
    console.print(table)
    for row in rows:
        if row.no_bound:
            console.print(f"{row.method}: no bound from an upper K: {row.no_bound}")
    console.print(
        "K: Lipschitz constant of the field; its values differ by at most K times the distance of two states.\n"
        "μ: one-sided constant; exact solutions separate no faster than e^(μt), and approach each other below 0.\n"
        "Both from what a search found to what the field's layers allow, or to the K as given.\n"
        "growth: largest ‖e_N‖/‖e_0‖ measured on n pairs of trajectories. bound: its upper bound from the upper K;\n"
        "under Euler and backward Euler also from the upper μ, unless K is given with --lipschitz.\n"
        "ratio: largest measured/bound over the steps and pairs where rounding is below 1 % of the bound.\n"
        "by secants: the same with each pair's own secant constants, a theorem for that pair and no bound of others.\n"
        "verdict: of the bound from the upper K. refuted: a true K exceeds the K that the bound rests on.",
    )


def _verdict(row: CheckRow, settings: CheckSettings) -> str:
    """The verdict on a row in words and colour."""
    verdict = verdict_of(row)
    if verdict == "refuted":
        return f"[red]refuted as a constant: {refutation(row)}[/red]"
    if verdict == "violated":
        return f"[red]violated {row.violations} times[/red]"
    if verdict == "undecided":
        return f"[yellow]undecided {row.undecided} times[/yellow]"
    if verdict == "no bound known":
        return "[yellow]no bound known[/yellow]"
    return "[green]proved[/green]" if settings.arithmetic == "ball" else "[green]holds[/green]"


def _constants(row: CheckRow) -> str:
    """ "K in [0.61, 1.21], μ in [0.34, 0.57]", rounded outward; a question mark where no upper bound is known."""
    ends, field = [], row.field
    for low, high in ((field.lower, field.upper), (field.one_sided_lower, field.one_sided_upper)):
        top = "?" if high is None else format_number(float(high), kind="upper")
        ends.append(f"[{format_number(float(low), kind='lower')}, {top}]")
    return f"K in {ends[0]}, μ in {ends[1]}"


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
