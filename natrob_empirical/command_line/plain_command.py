"""A command whose numbers are read strictly: the options of type int and float take what `plain_numbers` takes."""

import copy
from collections.abc import Callable
from typing import Any, Final

import typer
from typer.core import TyperCommand

from natrob_empirical.command_line.plain_numbers import integer_of, number_of

_READERS: Final[dict[str, Callable[[str, str], int | float]]] = {"integer": integer_of, "float": number_of}


class PlainCommand(TyperCommand):
    """Every option of type int is one integer, every one of type float one decimal or one fraction, or refused."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        parameters: list[Any] = list(self.params)
        for parameter in parameters:
            reader = _READERS.get(parameter.type.name)
            if reader is not None:
                parameter.type = _strict(parameter.type, reader, parameter.opts[-1])


def _strict(kind: Any, reader: Callable[[str, str], int | float], option: str) -> Any:
    """The type, with a look at the text before it is converted; a default, which is no text, passes."""
    strict = copy.copy(kind)

    def convert(value: Any, param: Any, ctx: Any) -> Any:
        if isinstance(value, str):
            try:
                value = reader(option, value)
            except ValueError as refusal:
                raise typer.BadParameter(str(refusal), ctx=ctx, param=param) from refusal
        return kind.convert(value, param, ctx)

    strict.convert = convert
    return strict
