"""The console command as a user calls it, without a process of its own."""

from typer.testing import CliRunner, Result

from natrob_empirical.command_line.app import app


def natrob(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def text_of(result: Result) -> str:
    """The output with every line break and run of blanks as one blank."""
    return " ".join(result.output.split())
