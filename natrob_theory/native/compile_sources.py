"""A script that compiles the extension: `python -P compile_sources.py FOLDER`, run in a process of its own.

It imports nothing of natrob, builds in a fresh folder beside the result, loads the library once, and moves it into
place in one step: a killed build leaves no library. It waits for another build of the folder to end, and then finds
the library there; with "give-way" after the folder it leaves the work to the other at once. It needs a C++ compiler,
`CXX` or c++, and no build tool besides.
"""

import fcntl
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

NAME: Final = "natrob_native"
FAILURE: Final = "failure.txt"
FLAGS: Final = ("-std=c++20", "-O3", "-fPIC", "-ffp-contract=off")
"""Without fused multiply-adds, which Python's arithmetic would not have."""


def main(folder: Path, *, give_way: bool) -> int:
    """Build the library in `folder` unless it is there. Returns 0, or 1 where it failed; the folder then says why."""
    folder.mkdir(parents=True, exist_ok=True)
    library, failure = folder / f"{NAME}.so", folder / FAILURE
    with (folder / "lock").open("w") as lock:
        try:  # the system lets go of it when this process ends, however it ends
            fcntl.flock(lock, fcntl.LOCK_EX | (fcntl.LOCK_NB if give_way else 0))
        except BlockingIOError:
            return 0
        if library.exists():
            return 0
        for left in folder.glob("build-*"):
            shutil.rmtree(left, ignore_errors=True)
        try:
            with tempfile.TemporaryDirectory(prefix="build-", dir=folder) as place:
                built = _compiled(Path(place))
                _load_once(built)
                built.replace(library)
        except (OSError, subprocess.CalledProcessError, ImportError) as error:
            output = error.stdout if isinstance(error, subprocess.CalledProcessError) else str(error)
            failure.write_text(str(output) or str(error), encoding="utf-8")
            sys.stderr.write(f"{output or error}\n")
            return 1
        failure.unlink(missing_ok=True)
    return 0


def _compiled(place: Path) -> Path:
    """The library, compiled in this folder. Raises OSError or CalledProcessError where the compiler fails."""
    from torch.utils.cpp_extension import include_paths, library_paths  # noqa: PLC0415 - after the lock: it takes time

    compiler = shlex.split(os.environ.get("CXX", "c++"))
    includes = [*include_paths(), sysconfig.get_path("include")]
    flags = [*FLAGS, f"-DTORCH_EXTENSION_NAME={NAME}", *(f"-isystem{path}" for path in includes)]
    units = _units(place)
    objects = [unit.with_suffix(".o") for unit in units]
    pairs = zip(units, objects, strict=True)
    _run_together([[*compiler, *flags, "-c", str(unit), "-o", str(made)] for unit, made in pairs])
    library = place / f"{NAME}.so"
    paths = [argument for path in library_paths() for argument in (f"-L{path}", f"-Wl,-rpath,{path}")]
    libraries = ["-lc10", "-ltorch_cpu", "-ltorch", "-ltorch_python"]
    _run_together([[*compiler, "-shared", *map(str, objects), *paths, *libraries, "-o", str(library)]])
    return library


def _units(place: Path) -> list[Path]:
    """Two files that include all sources, for two cores: torch's headers cost more to compile than any of the sources.

    Those that know Python and autograd stand apart, as their headers are the longest.
    """
    sources = sorted((Path(__file__).parent / "sources").glob("*.cpp"))
    bindings = [source for source in sources if "#include <torch/" in source.read_text(encoding="utf-8")]
    groups = {"bindings": bindings, "loops": [source for source in sources if source not in bindings]}
    for name, group in groups.items():
        lines = [f'#include "{source}"\n' for source in group]
        (place / f"{name}.cpp").write_text("".join(lines), encoding="utf-8")
    return [place / f"{name}.cpp" for name in groups]


def _run_together(commands: Sequence[Sequence[str]]) -> None:
    """Run the commands side by side. Raises CalledProcessError, with what it said, for the first that fails."""
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for command in commands
    ]
    outputs = [process.communicate()[0] for process in running]
    for process, command, output in zip(running, commands, outputs, strict=True):
        if process.returncode != 0:
            raise subprocess.CalledProcessError(process.returncode, command, output=output)


def _load_once(library: Path) -> None:
    """Raise ImportError unless this torch can load the library."""
    import importlib.util  # noqa: PLC0415

    import torch  # noqa: F401, PLC0415 - its libraries must be there first

    specification = importlib.util.spec_from_file_location(NAME, library)
    if specification is None or specification.loader is None:
        raise ImportError(f"{library} is no extension module")
    specification.loader.exec_module(importlib.util.module_from_spec(specification))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), give_way="give-way" in sys.argv[2:]))
