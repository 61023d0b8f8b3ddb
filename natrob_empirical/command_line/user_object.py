"""What a user names as `module:name` on the command line."""

import importlib
import sys
from pathlib import Path

from natrob_empirical.near_names import unknown_name


def load_object(target: str, *, what: str, example: str) -> object:
    """The object that `module:name` names.

    The current folder is importable, as it is for `python -m`.

    Args:
        target: the text.
        what: what it should be, such as "field"; for messages.
        example: for messages.

    Raises:
        ValueError: the form, the module or the name is wrong; the message says which.
    """
    module_name, colon, attribute = target.partition(":")
    if not colon or not module_name or not attribute:
        raise ValueError(f"the {what} must be given as module:name, such as {example}, got {target!r}")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ValueError(f"no module named {error.name!r} can be imported (from {target!r})") from error
    if not hasattr(module, attribute):
        raise unknown_name(f"name in module {module_name}", attribute, [n for n in vars(module) if n[0] != "_"])
    return getattr(module, attribute)
