"""The facts that `natrob doctor` prints, one line each."""

import platform
import subprocess

import torch

from natrob_empirical.version import __version__
from natrob_theory.native import build as build_extension
from natrob_theory.native import compiler_command, compiler_is_there, native_status


def doctor_facts(*, build: bool) -> dict[str, str]:
    """Each fact's name and what it is.

    Args:
        build: whether to build the extension first; it never fails, the facts then say why there is none.
    """
    status = build_extension() if build else native_status()
    return {
        "natrob": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU, no CUDA device",
        "threads": str(torch.get_num_threads()),
        "compiler": _compiler(),
        "native": f"{status.state}: {status.reason}",
    }


def _compiler() -> str:
    """The first line that the C++ compiler says of itself."""
    command = compiler_command()
    if not compiler_is_there():
        return "none on the PATH"
    try:
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.SubprocessError) as error:
        return f"{command[0]} does not run: {error}"
    return next(iter(done.stdout.splitlines()), f"{command[0]}, which says nothing of itself")
