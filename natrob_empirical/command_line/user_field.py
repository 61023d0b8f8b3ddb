"""A user's own field from `module:name` on the command line."""

import inspect
from typing import cast

from torch import nn

from natrob_empirical.command_line.user_object import called, load_object
from natrob_theory.numbers.tensor_types import Field


def load_field(target: str) -> Field:
    """The field that `module:name` names; a class is constructed without arguments.

    Raises:
        ValueError: the form, the module or the name is wrong, or the object is no field; the message says which.
    """
    found = load_object(target, what="field", example="my_module:MyField")
    if inspect.isclass(found):
        try:
            inspect.signature(found).bind()
        except TypeError as error:
            raise ValueError(f"{target} is a class that cannot be constructed without arguments: {error}") from error
        found = called(found, target)
    if not callable(found):
        raise ValueError(f"{target} must be a callable field(t, y), got {type(found).__name__}")
    return found.double().eval() if isinstance(found, nn.Module) else cast(Field, found)
