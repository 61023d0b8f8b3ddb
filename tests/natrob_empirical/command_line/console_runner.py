"""The console command as a user calls it, without a process of its own."""

from unittest.mock import patch

from typer.testing import CliRunner, Result

from natrob_empirical.command_line import console
from natrob_empirical.command_line.app import app

COLUMNS = 200


def natrob(*arguments: str) -> Result:
    """The command in a wide terminal, also where the consoles were made before in one of another width."""
    with patch.object(console.console, "_width", COLUMNS), patch.object(console.errors, "_width", COLUMNS):
        return CliRunner().invoke(app, list(arguments), env={"COLUMNS": str(COLUMNS)})


def text_of(result: Result) -> str:
    """The output with every line break and run of blanks as one blank."""
    return " ".join(result.output.split())
