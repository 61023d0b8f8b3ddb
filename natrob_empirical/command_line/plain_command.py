"""How the commands read their options: numbers strictly, and `--debug` on every one of them."""

import os
from collections.abc import Callable
from contextvars import ContextVar
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand

from natrob_empirical.command_line.option_words import option_words
from natrob_empirical.command_line.plain_numbers import integer_of, number_of
from natrob_empirical.command_line.tracebacks import tracebacks_shown

_HELP: Final = "Show the traceback of an error too; so does NATROB_DEBUG=1."
_ASKED: ContextVar[bool] = ContextVar("natrob --debug was given", default=False)


def _asked_before_the_command(asked: bool) -> bool:
    _ASKED.set(asked)
    return asked


def _asked_behind_the_command(asked: bool) -> bool:
    if asked:
        _ASKED.set(True)
    return asked


def _debug_option(callback: Callable[[bool], bool]) -> Any:
    return typer.Option("--debug", callback=callback, is_eager=True, expose_value=False, help=_HELP)


GlobalDebugOption = Annotated[bool, _debug_option(_asked_before_the_command)]
DebugOption = Annotated[bool, _debug_option(_asked_behind_the_command)]


def integer_option(help: str, *names: str, metavar: str = "INTEGER") -> Any:  # noqa: A002 - as typer calls it
    """An option that takes one integer in the digits 0 to 9; without a name it has that of its argument."""
    return typer.Option(*names, parser=_integer, metavar=metavar, help=help)


def number_option(help: str) -> Any:  # noqa: A002
    """An option that takes one decimal such as 0.03 or one fraction such as 8/255."""
    return typer.Option(parser=_number, metavar="NUMBER", help=help)


def _integer(value: object) -> int:
    return value if isinstance(value, int) else _read(integer_of, value)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else _read(number_of, value)


def _read(reader: Any, value: object) -> Any:
    """The number. Raises typer.BadParameter, to which typer adds the option's name, for another text."""
    try:
        return reader("", str(value))
    except ValueError as refusal:
        raise typer.BadParameter(str(refusal).removeprefix("`` ")) from refusal


class NatrobCommand(TyperCommand):
    """A command whose errors speak of its own options, and show their traceback where `--debug` asks for it."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        options = {str(one.name): one.opts[-1] for one in self.params if one.param_type_name == "option"}
        asked = _ASKED.get() or os.environ.get("NATROB_DEBUG", "") not in ("", "0")
        with option_words(options), tracebacks_shown(asked):
            return super().invoke(ctx)
