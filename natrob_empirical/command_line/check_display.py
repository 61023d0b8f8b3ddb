"""The output of `natrob check`."""

from rich import box
from rich.table import Table

from natrob_empirical.command_line.check_command import CheckRow, CheckSettings
from natrob_empirical.command_line.check_verdict import refutation, verdict_of
from natrob_empirical.command_line.console import console
from natrob_empirical.reporting.formatting import format_number


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
