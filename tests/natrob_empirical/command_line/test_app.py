import re
from importlib import metadata

import pytest
import typer
from console_runner import natrob, text_of

from natrob_empirical.command_line.app import app

COMMANDS = {command.callback.__name__: command for command in app.registered_commands if command.callback}


def test_the_version_is_that_of_the_package() -> None:
    result = natrob("--version")
    assert result.exit_code == 0
    assert result.output.strip() == f"natrob {metadata.version('natrob')}"


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)], ids=" ".join)
def test_the_short_option_shows_the_same_help(command: tuple[str, ...]) -> None:
    short, long = natrob(*command, "-h"), natrob(*command, "--help")
    assert short.exit_code == long.exit_code == 0
    assert short.output == long.output


@pytest.mark.parametrize("command", COMMANDS)
def test_every_commands_help_shows_an_example_that_starts_with_the_command(command: str) -> None:
    text = text_of(natrob(command, "--help"))
    assert re.search(rf"Example: natrob {command}\b", text), text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_and_argument_says_what_it_is(command: str) -> None:
    group = typer.main.get_group(app)
    for parameter in group.commands[command].params:
        said = getattr(parameter, "help", None)
        assert said, f"natrob {command}: {parameter.name} has no help"
