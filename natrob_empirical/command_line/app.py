"""The commands of `natrob`."""

from typing import Annotated

import typer

from natrob_empirical.command_line.commands.attack import attack
from natrob_empirical.command_line.commands.bench import bench
from natrob_empirical.command_line.commands.ceiling import ceiling
from natrob_empirical.command_line.commands.certify import certify
from natrob_empirical.command_line.commands.check import check
from natrob_empirical.command_line.commands.claims import claims
from natrob_empirical.command_line.commands.datasets import datasets
from natrob_empirical.command_line.commands.diagnose import diagnose
from natrob_empirical.command_line.commands.doctor import doctor
from natrob_empirical.command_line.commands.report import report
from natrob_empirical.command_line.commands.smooth import smooth
from natrob_empirical.command_line.commands.train import train
from natrob_empirical.command_line.console import console
from natrob_empirical.command_line.plain_command import GlobalDebugOption, NatrobCommand

_HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    context_settings=_HELP_OPTIONS,
)
for command in (report, claims, bench, train, attack, certify, smooth, ceiling, diagnose, check, datasets, doctor):
    app.command(cls=NatrobCommand, context_settings=_HELP_OPTIONS)(command)


def _print_version(asked: bool) -> bool:
    if asked:
        from natrob_empirical.version import __version__  # noqa: PLC0415 - the metadata is read only when asked for

        console.print(f"natrob {__version__}")
        raise typer.Exit
    return asked


@app.callback()
def natrob(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
    debug: GlobalDebugOption = False,
) -> None:
    """Is a network robust because of its mathematics, or because the attack was weak?

    It judges the claims of “Towards Natural Robustness Against Adversarial Examples” by Haoyu Chu, Shikui Wei and Yao
    Zhao, https://arxiv.org/abs/2012.02452.
    """


def main() -> None:
    """Entry point of the console command."""
    app()
