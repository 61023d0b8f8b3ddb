"""Compiled Coq files kept from one run for the next, by a digest of their sources and of Coq's version.

`python -m proofs` compiles from scratch and only leaves its files here. The tests take them: all processes of a run,
and the next run, share one build of the same sources.
"""

import fcntl
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proofs.catalogue import FOLDER

KEPT = FOLDER.parent / ".coq_cache"


def digest(sources: Path, version: str) -> str:
    """Tells apart folders whose .v files differ in name or content, and versions of Coq."""
    found = hashlib.sha256(version.encode())
    for file in sorted(sources.glob("*.v")):
        content = file.read_bytes()
        found.update(f"\0{file.name}\0{len(content)}\0".encode())
        found.update(content)
    return found.hexdigest()


def keep(build: Path, name: str, kept: Path) -> None:
    """Leaves a build's files under their name, and nothing older."""
    incomplete = kept / f"{name}.incomplete"
    for earlier in kept.iterdir():
        if earlier.is_dir():
            shutil.rmtree(earlier)
    shutil.copytree(build, incomplete)
    incomplete.rename(kept / name)


def take(name: str, kept: Path, build: Path) -> bool:
    """Copies the files that were kept under this name into a build's folder; whether there were any."""
    if not (kept / name).is_dir():
        return False
    shutil.copytree(kept / name, build, dirs_exist_ok=True)
    return True


@contextmanager
def one_at_a_time(kept: Path) -> Iterator[None]:
    """Lets one process in, while the others wait."""
    kept.mkdir(exist_ok=True)
    with (kept / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
