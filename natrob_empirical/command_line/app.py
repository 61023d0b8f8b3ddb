"""The commands of `natrob`."""

from typing import Annotated

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from natrob_empirical.command_line.attack_command import attack
from natrob_empirical.command_line.bench_command import bench, report
from natrob_empirical.command_line.certify_command import certify
from natrob_empirical.command_line.check_command import (
    CheckRow,
    CheckSettings,
    built_in_field,
    check_method,
    field_shape,
    with_constants,
)
from natrob_empirical.command_line.check_verdict import exit_code_of, refutation, verdict_of
from natrob_empirical.command_line.console import EXPECTED, UNUSABLE, console, errors, errors_in_one_line
from natrob_empirical.command_line.diagnose_command import diagnose
from natrob_empirical.command_line.methods import BUILT_IN, METHODS
from natrob_empirical.command_line.options import DataRootOption
from natrob_empirical.command_line.train_command import train
from natrob_empirical.command_line.user_field import load_field
from natrob_empirical.datasets import known_datasets, resolve_data_root
from natrob_empirical.reporting.formatting import format_number
from natrob_theory.certificates import Arithmetic

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    help="Is a network robust because of its mathematics, or because the attack was weak?",
)

app.command()(report)
app.command()(bench)
app.command()(train)
app.command()(attack)
app.command()(certify)
app.command()(diagnose)


@app.command()
def check(  # noqa: PLR0913, PLR0917 - one parameter an option
    field: Annotated[str | None, typer.Argument(help="Your field as module:name; by default a random network.")] = None,
    method: Annotated[str | None, typer.Option(help=f"One of: {', '.join(METHODS)}; by default all classes.")] = None,
    step_size: Annotated[float, typer.Option(help="h > 0.")] = 0.1,
    steps: Annotated[int, typer.Option(help="N ≥ 1.")] = 10,
    state_shape: Annotated[str, typer.Option(help="One sample's shape, such as 16 or 3,8,8.")] = "16",
    lipschitz: Annotated[float | None, typer.Option(help="K, if you know an upper bound of it.")] = None,
    pairs: Annotated[int, typer.Option(help="Pairs of trajectories per perturbation size.")] = 32,
    seed: Annotated[int, typer.Option(help="Of states, perturbations and built-in weights.")] = 0,
    arithmetic: Annotated[str, typer.Option(help="float, with an allowance for rounding, or ball, proofs.")] = "float",
) -> None:
    """Check measured divergence against its bounds.

    Exit code 1 if an upper bound is violated or a constant refuted; 2 if a method could not be run, or has no upper
    bound, so that nothing is claimed of it; 0 if every bound holds or balls leave it undecided.

    RevNet wants a field on half the state, so your own field is checked under it only when you ask for `revnet`.

    Example: `natrob check`, or `natrob check my_module:MyField --method heun --step-size 0.1 --steps 20
    --state-shape 16`
    """
    with errors_in_one_line():
        settings = CheckSettings(
            step_size=step_size,
            steps=steps,
            state_shape=_shape(state_shape),
            pairs=pairs,
            lipschitz=lipschitz,
            seed=seed,
            arithmetic=_arithmetic(arithmetic),
        )
        own = load_field(field) if field else None
        names = [method] if method else [name for name in BUILT_IN if own is None or name != "revnet"]
        shapes = {name: field_shape(name, settings.state_shape) for name in names}
        fields = {
            shape: with_constants(own or built_in_field(shape, seed), shape, settings) for shape in set(shapes.values())
        }
        rows = []
        refused = {}
        for name in names:
            try:
                rows.append(check_method(name, fields[shapes[name]], settings))
            except EXPECTED as refusal:
                if len(names) == 1:
                    raise
                refused[name] = str(refusal)
        if rows:
            _print_checks(rows, settings)
        for name, reason in refused.items():
            errors.print(f"[yellow]{name} was not run:[/yellow] {escape(reason)}", highlight=False)
    code = exit_code_of(verdict_of(row) for row in rows) or (UNUSABLE if refused else 0)
    if code:
        raise typer.Exit(code)


@app.command()
def datasets(data_root: DataRootOption = None) -> None:
    """List the data sets, and whether their files are here.

    Example: `natrob datasets --data-root ~/datasets`
    """
    with errors_in_one_line():
        table = Table("name", "title", "images", "classes", "from", "here")
        for info in known_datasets(data_root=data_root):
            shape = "×".join(map(str, info.image_shape))
            here = "yes" if info.present else "no"
            table.add_row(info.name, info.title, shape, str(info.num_classes), info.origin, here)
        console.print(table)
        console.print(f"data root: {resolve_data_root(data_root)}", highlight=False)
        console.print("your own: --data file.npz with uint8 train_x, test_x and integer train_y, test_y")


def _shape(text: str) -> tuple[int, ...]:
    try:
        shape = tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise ValueError(f"`--state-shape` must be integers such as 16 or 3,8,8, got {text!r}") from error
    if any(size < 1 for size in shape):
        raise ValueError(f"`--state-shape` must hold positive integers, got {text!r}")
    return shape


def _arithmetic(text: str) -> Arithmetic:
    if text in ("float", "ball"):
        return text
    raise ValueError(f"`--arithmetic` must be float or ball, got {text!r}")


def _print_checks(rows: list[CheckRow], settings: CheckSettings) -> None:
    """The constants as intervals; then one row per method: growth measured and bounded, worst ratios, verdict."""
    shown = rows[0].from_secants.holds
    numbers = "Arb balls" if settings.arithmetic == "ball" else "float64"
    for constants in dict.fromkeys(map(_constants, rows)):
        methods = [row.method for row in rows if _constants(row) == constants]
        whose = "" if len(methods) == len(rows) else f"{', '.join(methods)}: "
        console.print(f"{whose}{constants}", highlight=False, markup=False)
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
            console.print(f"{row.method}: no bound from an upper K: {row.no_bound}", highlight=False)
    console.print(
        "K, μ: Lipschitz and one-sided constant of the field, from what a search found to what its layers allow, or\n"
        "to the K as given.\n"
        "growth: largest ‖e_N‖/‖e_0‖ measured on n pairs of trajectories. bound: its upper bound from the upper K;\n"
        "under Euler and backward Euler also from the upper μ, unless K is given with --lipschitz.\n"
        "ratio: largest measured/bound over the steps and pairs where rounding is below 1 % of the bound.\n"
        "by secants: the same with each pair's own secant constants, a theorem for that pair and no bound of others.\n"
        "verdict: of the bound from the upper K. refuted: a true K exceeds the K that the bound rests on.",
        highlight=False,
    )


def _verdict(row: CheckRow, settings: CheckSettings) -> str:
    """What the comparisons of a row say."""
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
    ends = []
    for low, high in ((row.lower, row.upper), (row.one_sided_lower, row.one_sided_upper)):
        top = "?" if high is None else format_number(float(high), kind="upper")
        ends.append(f"[{format_number(float(low), kind='lower')}, {top}]")
    return f"K in {ends[0]}, μ in {ends[1]}"


def main() -> None:
    """Entry point of the console command."""
    app()
