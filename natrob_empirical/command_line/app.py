"""The commands of `natrob`."""

import typer

from natrob_empirical.command_line.commands.attack import attack
from natrob_empirical.command_line.commands.bench import bench
from natrob_empirical.command_line.commands.certify import certify
from natrob_empirical.command_line.commands.check import check
from natrob_empirical.command_line.commands.datasets import datasets
from natrob_empirical.command_line.commands.diagnose import diagnose
from natrob_empirical.command_line.commands.report import report
from natrob_empirical.command_line.commands.train import train

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    help="Is a network robust because of its mathematics, or because the attack was weak?",
)
for command in (report, bench, train, attack, certify, diagnose, check, datasets):
    app.command()(command)


def main() -> None:
    """Entry point of the console command."""
    app()
