"""The C++ compiler that the environment names."""

import os
import shlex
import shutil


def compiler_command() -> list[str]:
    """`CXX` with its options, else c++; empty where that is no command at all, such as an open quotation."""
    try:
        return shlex.split(os.environ.get("CXX", "c++"))
    except ValueError:
        return []


def compiler_is_there() -> bool:
    """Whether the command is on the PATH."""
    command = compiler_command()
    return bool(command) and shutil.which(command[0]) is not None
