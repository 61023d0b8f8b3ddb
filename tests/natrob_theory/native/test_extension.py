"""The extension where nothing goes well: it says why, and everything runs in Python."""

import importlib
import os
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from natrob_theory import EulerNet
from natrob_theory.native import build, cache_folder, compile_sources, native_status
from natrob_theory.native.cache_folder import built_library
from natrob_theory.native.cache_folder import cache_folder as folder_of_build

loader: Any = importlib.import_module("natrob_theory.native.extension")


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A process that has decided nothing yet, with an empty cache and no background builds."""
    monkeypatch.setattr(loader, "_decision", loader._Decision())
    monkeypatch.setattr(loader, "_start_background_build", STARTED.append)
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("NATROB_NATIVE", raising=False)
    STARTED.clear()


STARTED: list[Path] = []


def _compiler(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this shell script the C++ compiler."""
    file = folder / "compiler"
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CXX", str(file))


def _linker_of(library: Path) -> str:
    """A compiler that makes empty objects and links this library."""
    return f'for last; do :; done; case "$*" in *-shared*) cp "{library}" "$last";; *) echo done > "$last";; esac'


def _passes() -> bool:
    """Whether a network runs, in Python."""
    net = EulerNet(lambda t, y: -y, 0.1, 10)
    return bool(net(torch.ones(2, 3)).isfinite().all()) and not net.ran_native


def test_without_a_compiler_everything_runs_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler -O2")
    for status in (native_status(), build()):
        assert status.state == "failed"
        assert "no C++ compiler (no-such-compiler -O2 is not on the PATH)" in status.reason
    monkeypatch.setenv("CXX", "an 'open quotation")
    assert "no C++ compiler (what CXX says is not on the PATH)" in native_status().reason
    assert _passes()
    assert STARTED == []


def test_a_broken_compiler_is_quoted_and_not_tried_again_unasked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _compiler(tmp_path, "echo starting; echo 'fatal error: out of ideas' >&2; exit 1", monkeypatch)
    status = build()
    assert status.state == "failed"
    assert status.reason == "the build failed: fatal error: out of ideas; solves run in Python"
    assert _passes()
    assert STARTED == []
    assert not built_library(folder_of_build()).exists()


def test_a_cache_folder_that_cannot_be_written_to_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path / "file"))
    assert "cannot be written to" in build().reason
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.W_OK)
    assert "cannot be written to" in native_status().reason
    assert _passes()
    assert STARTED == []


def test_an_extension_for_another_torch_or_other_sources_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = {cache_folder.build_key()}
    monkeypatch.setattr(torch, "__version__", "1.0")
    keys.add(cache_folder.build_key())
    monkeypatch.undo()
    shutil.copytree(cache_folder.SOURCES, tmp_path / "sources")
    with (tmp_path / "sources" / "field.h").open("a", encoding="utf-8") as file:
        file.write("// changed\n")
    monkeypatch.setattr(cache_folder, "SOURCES", tmp_path / "sources")
    keys.add(cache_folder.build_key())
    assert len(keys) == 3


def test_a_library_that_does_not_load_is_no_error(tmp_path: Path) -> None:
    library = built_library(folder_of_build())
    library.parent.mkdir(parents=True)
    library.write_bytes(b"no library")
    assert _passes()
    status = native_status()
    assert status.state == "failed"
    assert "cannot be used" in status.reason


def test_the_environment_turns_the_extension_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATROB_NATIVE", "0")
    assert loader.extension() is None
    assert native_status().state == build().state == "off"
    assert STARTED == []


def test_the_first_solve_starts_one_build_and_the_process_keeps_to_python(tmp_path: Path, compiled: ModuleType) -> None:
    assert native_status().state == "not built"
    assert STARTED == []
    assert _passes()
    assert _passes()
    assert len(STARTED) == 1
    library = built_library(folder_of_build())
    library.parent.mkdir(parents=True)
    shutil.copy(str(compiled.__file__), library)
    assert loader.extension() is None, "a run must not change its path in the middle"


def test_builds_side_by_side_and_after_a_killed_one_end_in_one_library(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, compiled: ModuleType
) -> None:
    _compiler(tmp_path, _linker_of(Path(str(compiled.__file__))), monkeypatch)
    folder = folder_of_build()
    (folder / "build-killed").mkdir(parents=True)
    (folder / "lock").write_text("", encoding="utf-8")
    other = threading.Thread(target=build)
    other.start()
    assert build().state == "ready"
    other.join()
    assert sorted(path.name for path in folder.iterdir()) == ["lock", f"{cache_folder.NAME}.so"]
    assert loader.extension() is not None


def test_a_build_in_the_background_gives_way_to_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with (tmp_path / "lock").open("w") as lock:
        compile_sources.fcntl.flock(lock, compile_sources.fcntl.LOCK_EX)
        assert compile_sources.main(tmp_path, give_way=True) == 0
    assert compile_sources.main(tmp_path, give_way=True) == 1
    assert "no-such-compiler" in (tmp_path / compile_sources.FAILURE).read_text(encoding="utf-8")


def test_a_build_in_the_background_is_started_apart_from_this_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    seen: dict[str, Any] = {}

    def run(command: list[str], **settings: Any) -> subprocess.CompletedProcess[str]:
        seen.update(settings, command=command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    loader._start_background_build(tmp_path)
    assert seen["start_new_session"]
    assert "nice -n 19" in seen["command"][2]
    assert seen["command"][-2:] == [str(tmp_path), "give-way"]


FORKING = """
import os, signal
import torch
from natrob_theory import EulerNet

net = EulerNet(lambda t, y: torch.tanh(y), 0.1, 40)
before = net(torch.ones(4, 3))
assert net.ran_native
child = os.fork()
if child == 0:
    signal.alarm(60)  # no child that hangs
    torch.set_num_threads(1)
    same = torch.equal(net(torch.ones(4, 3)), before) and net.ran_native
    os._exit(0 if same else 1)
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_child_that_is_forked_after_loading_goes_on_in_c(
    monkeypatch: pytest.MonkeyPatch, compiled: ModuleType
) -> None:
    # In a process of its own: one where another library has started threads may not be forked.
    monkeypatch.undo()
    subprocess.run([sys.executable, "-c", FORKING], check=True, timeout=300)
