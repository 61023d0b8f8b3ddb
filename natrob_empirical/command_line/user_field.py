"""A user's own field from `module:name` on the command line."""

import importlib
import inspect
import sys
from pathlib import Path
from typing import cast

from torch import nn

from natrob_empirical.near_names import unknown_name
from natrob_theory.tensor_types import Field


def load_field(target: str) -> Field:
    """The field that `module:name` names; a class is constructed without arguments.

    The current folder is importable, as it is for `python -m`.

    Raises:
        ValueError: the form, the module or the name is wrong, or the object is no field; the message says which.
    """
    module_name, colon, attribute = target.partition(":")
    if not colon or not module_name or not attribute:
        raise ValueError(f"the field must be given as module:name, such as my_module:MyField, got {target!r}")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ValueError(f"no module named {error.name!r} can be imported (from {target!r})") from error
    if not hasattr(module, attribute):
        raise unknown_name(f"name in module {module_name}", attribute, [n for n in vars(module) if n[0] != "_"])
    found = getattr(module, attribute)
    if inspect.isclass(found):
        try:
            found = found()
        except TypeError as error:
            raise ValueError(f"{target} is a class that cannot be constructed without arguments: {error}") from error
    if not callable(found):
        raise ValueError(f"{target} must be a callable field(t, y), got {type(found).__name__}")
    return found.double().eval() if isinstance(found, nn.Module) else cast(Field, found)
