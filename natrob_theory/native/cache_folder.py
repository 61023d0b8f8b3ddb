"""The folder in which a built extension lies: one for each torch, Python, machine and version of the sources."""

import hashlib
import os
import platform
import sys
from pathlib import Path
from typing import Final

import platformdirs
import torch

NAME: Final = "natrob_native"
SOURCES: Final = Path(__file__).parent / "sources"


def source_files() -> list[Path]:
    """The C++ files, headers included, in a fixed order."""
    return sorted([*SOURCES.glob("*.cpp"), *SOURCES.glob("*.h")])


def build_key() -> str:
    """A name that changes whenever a built extension would no longer fit.

    It holds torch's version and C++ ABI, Python's, the machine, and a hash of the sources.
    """
    digest = hashlib.sha256()
    for file in source_files():
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    abi = int(torch.compiled_with_cxx11_abi())
    python = sys.implementation.cache_tag
    return f"torch-{torch.__version__}-abi{abi}-{python}-{platform.machine()}-{digest.hexdigest()[:16]}"


def cache_folder() -> Path:
    """The folder of this build, there or not: under TORCH_EXTENSIONS_DIR if that is set, else the user's cache."""
    root = os.environ.get("TORCH_EXTENSIONS_DIR")
    base = Path(root) / "natrob" if root else Path(platformdirs.user_cache_dir("natrob")) / "native"
    return base / build_key()


def built_library(folder: Path) -> Path:
    """The file that a finished build leaves; it appears at once and whole."""
    return folder / f"{NAME}.so"
