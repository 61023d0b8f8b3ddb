"""Whether the traceback of an error is shown, and where in whose file an error arose."""

import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

_SHOWN: ContextVar[bool] = ContextVar("natrob tracebacks", default=False)
_HERE: Final = Path(__file__).resolve().parents[2]
_LIBRARIES: Final = (
    "<",
    *(str(_HERE / package) for package in ("natrob_theory", "natrob_empirical")),
    *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")),
)


@contextmanager
def tracebacks_shown(asked: bool) -> Iterator[None]:
    """Show them inside the block, or not."""
    token = _SHOWN.set(asked)
    try:
        yield
    finally:
        _SHOWN.reset(token)


def traceback_of(error: BaseException) -> str:
    """The traceback with those of its causes, if one is to be shown; else nothing."""
    return "".join(traceback.format_exception(error)) if _SHOWN.get() else ""


def place_of(error: BaseException, *, file: str | None = None) -> str:
    """ "models.py, line 7, in __init__": the innermost frame of `file`, or of the error at all where that has none."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_short(error.filename)}, line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if file is not None and frame.filename == file]
    for frame in reversed(own or frames):
        inside = f", in {frame.name}" if frame.name != "<module>" else ""
        return f"{_short(frame.filename)}, line {frame.lineno}{inside}"
    return "an unknown place"


def raised_in(error: BaseException, file: str) -> bool:
    """Whether the error arose in this file itself, not in what it calls."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename == file


def user_place(error: BaseException) -> str:
    """As `place_of`, of the innermost frame that is neither natrob's nor a library's; empty if there is none.

    The errors that this one was raised from are searched too.
    """
    cause: BaseException | None = error
    while cause is not None:
        for frame in reversed(traceback.extract_tb(cause.__traceback__)):
            if not frame.filename.startswith(_LIBRARIES):
                return f"{_short(frame.filename)}, line {frame.lineno}, in {frame.name}"
        cause = cause.__cause__
    return ""


def described(error: BaseException) -> str:
    """ "ValueError: a is too large", in one line."""
    said = error.msg if isinstance(error, SyntaxError) else str(error)  # whose place is given beside it
    text = " ".join(said.split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _short(filename: str) -> str:
    """The file as seen from the current folder, or from natrob's own, if it lies there."""
    for folder in (Path.cwd(), _HERE):
        if Path(filename).is_relative_to(folder):
            return str(Path(filename).relative_to(folder))
    return filename
