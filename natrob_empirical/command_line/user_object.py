"""Objects that a user names as `module:name` on the command line."""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

from torch import nn

from natrob_empirical.command_line.tracebacks import described, place_of
from natrob_empirical.names.near_names import near_names, unknown_name
from natrob_theory.numbers.tensor_types import Field


def load_object(target: str, *, what: str, example: str) -> object:
    """The object that `module:name` names.

    The current folder is importable, as it is for `python -m`.

    Args:
        target: the text.
        what: what it should be, such as "field"; for messages.
        example: for messages.

    Raises:
        ValueError: the form, the module or the name is wrong, or the module raised an error; the message says which,
            and of an error where it arose.
    """
    module_name, colon, attribute = target.partition(":")
    if not colon or not module_name or not attribute:
        raise ValueError(f"the {what} must be given as module:name, such as {example}, got {target!r}")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = str(error.name)
        if missing != module_name and not module_name.startswith(f"{missing}."):
            raise ValueError(f"{module_name} imports {missing!r}, which is not here ({place_of(error)})") from error
        here = [path.stem for path in Path.cwd().glob("*.py")]
        raise ValueError(
            f"no module named {missing!r} can be imported (from {target!r}){near_names(missing, here)}"
        ) from error
    except Exception as error:
        raise ValueError(f"importing {module_name} raised {described(error)} ({_place(error, module_name)})") from error
    if not hasattr(module, attribute):
        raise unknown_name(f"name in module {module_name}", attribute, [n for n in vars(module) if n[0] != "_"])
    return getattr(module, attribute)


def called(factory: Callable[..., object], target: str, *, otherwise: str) -> object:
    """Call the user's factory.

    Raises:
        ValueError: it wants arguments, which `otherwise` says in words; or it raised an error, with its place.
    """
    try:
        inspect.signature(factory).bind()
    except TypeError as error:
        raise ValueError(f"{target} {otherwise}: {error}") from error
    try:
        return factory()
    except Exception as error:
        raise ValueError(f"{target} raised {described(error)} ({_place(error, target.partition(':')[0])})") from error


def load_field(target: str) -> Field:
    """The field that `module:name` names; a class is constructed without arguments.

    Raises:
        ValueError: as `load_object` and `called`, or the object is no field; the message says which.
    """
    found = load_object(target, what="field", example="my_module:MyField")
    if inspect.isclass(found):
        found = called(found, target, otherwise="is a class that cannot be constructed without arguments")
    if not callable(found):
        raise ValueError(f"{target} must be a callable field(t, y), got {type(found).__name__}")
    return found.double().eval() if isinstance(found, nn.Module) else cast(Field, found)


def _place(error: BaseException, module_name: str) -> str:
    """Where in the module's file the error arose."""
    spec = importlib.util.find_spec(module_name) if module_name not in sys.modules else None
    file = getattr(sys.modules.get(module_name), "__file__", None) or (spec.origin if spec else None)
    return place_of(error, file=file)
