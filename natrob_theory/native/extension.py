"""The compiled extension: loaded where it is built, built where a compiler is, and never an error."""

import importlib.util
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final, Literal, TypeAlias, final

import torch

from natrob_theory.native.cache_folder import NAME, built_library, cache_folder
from natrob_theory.native.compiler import compiler_command, compiler_is_there

SWITCH: Final = "NATROB_NATIVE"
"""The environment variable that turns the extension off, as 0."""

SCRIPT: Final = Path(__file__).parent / "compile_sources.py"
FAILURE: Final = "failure.txt"

NativeState: TypeAlias = Literal["ready", "not built", "failed", "off"]


@final
@dataclass(frozen=True, kw_only=True)
class NativeStatus:
    """Whether solves run in C++, and why not.

    Attributes:
        state: "ready" where the extension is built and loads, "not built" where it can be, "failed" where building or
            loading failed, "off" where the environment says so.
        reason: one line in words.
    """

    state: NativeState
    reason: str


@final
class _Decision:
    """Holds the choice that this process has made at its first eligible solve; it stays so to its end."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made = False
        self.module: ModuleType | None = None
        self.failure = ""


_decision = _Decision()


def extension() -> ModuleType | None:
    """The extension, or None: then everything runs in Python.

    The first call decides for the process, so that no run changes its path in the middle. Where nothing is built and
    could be, it starts one build in the background, which serves later processes.
    """
    if not _decision.made:
        with _decision.lock:
            if not _decision.made:
                try:
                    _decision.module = _decided()
                except Exception as error:  # whatever it is, Python is there
                    _decision.failure = f"the extension cannot be used: {error}"
                _decision.made = True
    return _decision.module


def native_status() -> NativeStatus:
    """Say how the extension stands, for `natrob doctor`. Builds nothing and decides nothing."""
    folder = cache_folder()
    if _switched_off():
        return NativeStatus(state="off", reason=f"switched off by {SWITCH}={os.environ[SWITCH]}; solves run in Python")
    if _decision.module is not None or (built_library(folder).exists() and not _decision.failure):
        return NativeStatus(state="ready", reason="built; eligible solves run in C++")
    failure = _decision.failure or _failure_of_build(folder) or _obstacle(folder)
    if failure:
        return NativeStatus(state="failed", reason=f"{failure}; solves run in Python")
    return NativeStatus(
        state="not built", reason="not built for this torch; `natrob doctor --build` builds it, until then Python runs"
    )


def build() -> NativeStatus:
    """Build the extension now, whatever earlier builds came to, and say how it went. Never raises.

    A process that has decided for Python keeps to it.
    """
    folder = cache_folder()
    obstacle = "" if _switched_off() or built_library(folder).exists() else _obstacle(folder)
    if _switched_off() or obstacle:
        return native_status()
    try:
        (folder / FAILURE).unlink(missing_ok=True)
        done = subprocess.run(_command(folder), capture_output=True, text=True, check=False)
    except OSError as error:
        return NativeStatus(state="failed", reason=f"the build could not be started: {error}")
    if done.returncode != 0 and not (folder / FAILURE).exists():
        words = done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"]
        return NativeStatus(state="failed", reason=f"the build failed: {words[-1]}")
    return native_status()


def _decided() -> ModuleType | None:
    if _switched_off():
        return None
    folder = cache_folder()
    if not built_library(folder).exists():
        if not (folder / FAILURE).exists() and not _obstacle(folder):
            _start_background_build(folder)
        return None
    return _loaded(built_library(folder))


def _switched_off() -> bool:
    return os.environ.get(SWITCH, "1") == "0"


def _obstacle(folder: Path) -> str:
    """Why nothing can be built, in words; "" where it can be tried."""
    if not compiler_is_there():
        return f"no C++ compiler ({' '.join(compiler_command()) or 'what CXX says'} is not on the PATH)"
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        return "the cache folder cannot be written to"
    return ""


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-P", str(SCRIPT), str(folder)]


def _start_background_build(folder: Path) -> None:
    """Start a build that outlives this process and gives way to others' work."""
    try:
        subprocess.run(
            ["sh", "-c", 'nice -n 19 "$@" &', "sh", *_command(folder), "give-way"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            check=False,
        )
    except OSError as error:
        _decision.failure = f"the build could not be started: {error}"


def _loaded(library: Path) -> ModuleType:
    """The extension as a module. Raises ImportError."""
    assert torch.__version__  # its libraries are loaded before those of the extension
    specification = importlib.util.spec_from_file_location(NAME, library)
    if specification is None or specification.loader is None:
        raise ImportError(f"{library.name} is no extension module")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def _failure_of_build(folder: Path) -> str:
    """Why the last build failed, in a line; "" where none has. A compiler's first error says most."""
    try:
        lines = (folder / FAILURE).read_text(encoding="utf-8").strip().splitlines()
    except OSError:
        return ""
    errors = [line for line in lines if "error" in line.lower()]
    return f"the build failed: {(errors or lines[-1:] or ['it said nothing'])[0].strip()}"
