"""Two processes that write to one place: the second is refused, by name, and a killed one bars nobody."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from natrob_empirical.files import sole_writer as module
from natrob_empirical.files.sole_writer import InUseError, LockWarning, lock_of_file, lock_of_folder, sole_writer

HOLDER = """
import sys, time
from pathlib import Path
from natrob_empirical.files.sole_writer import sole_writer
with sole_writer(Path(sys.argv[1]), what="it"):
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def another_process(lock: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until it is written to or killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        assert process.stdin is not None
        process.stdin.close()


def _refused(lock: Path, message: str) -> None:
    with pytest.raises(InUseError, match=message), sole_writer(lock, what="it"):
        pass


def test_the_second_of_two_processes_is_refused_at_once_and_by_name(tmp_path: Path) -> None:
    lock = lock_of_folder(tmp_path / "output")
    with another_process(lock) as process:
        with pytest.raises(InUseError) as refusal, sole_writer(lock, what=f"the output folder {lock.parent}"):
            pytest.fail("two at once")
        text = str(refusal.value)
        assert text.startswith(f"the output folder {tmp_path / 'output'} is in use")
        assert f"process {process.pid} on " in text
        assert "\n" not in text
    with sole_writer(lock, what="it"):
        pass
    assert list((tmp_path / "output").iterdir()) == []


def test_a_killed_process_bars_nobody(tmp_path: Path) -> None:
    lock = lock_of_file(tmp_path / "model.training")
    with another_process(lock) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert lock.exists()
        with sole_writer(lock, what="it"):
            assert f"process {os.getpid()} on " in lock.read_text()
    assert not lock.exists()


def test_the_lock_ends_with_an_exception_and_other_places_are_free(tmp_path: Path) -> None:
    lock = lock_of_file(tmp_path / "radii.json")
    with pytest.raises(KeyError), sole_writer(lock, what="it"):
        raise KeyError
    with sole_writer(lock, what="it"), sole_writer(lock_of_file(tmp_path / "other.json"), what="it"):
        _refused(lock, f"process {os.getpid()}")
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_that_its_holder_deleted_in_between_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, locked, calls = tmp_path / ".lock", module._lock, []

    def deleted_first(handle: int) -> None:
        if not calls:
            lock.unlink()
        calls.append(handle)
        locked(handle)

    monkeypatch.setattr(module, "_lock", deleted_first)
    with sole_writer(lock, what="it"):
        assert lock.exists()
        monkeypatch.setattr(module, "_lock", locked)
        _refused(lock, "in use")
    assert len(calls) == 2


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP])
def test_a_file_system_without_locks_is_said_once_and_the_run_goes_on(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(handle: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(module, "_lock", unsupported)
    monkeypatch.setattr(module, "_SAID_OF", set())
    done = []
    with (
        pytest.warns(
            LockWarning, match=r"the output folder x is on a file system without locks .* not be noticed"
        ) as seen,
        sole_writer(tmp_path / ".lock", what="the output folder x"),
        sole_writer(tmp_path / ".another", what="the model y"),
    ):
        done.append(1)
    assert (len(seen), done) == (1, [1])


def test_other_errors_are_not_swallowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(handle: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(module, "_lock", broken)
    with pytest.raises(OSError, match="Input/output error"), sole_writer(tmp_path / ".lock", what="it"):
        pass


def test_a_disk_too_full_for_the_holders_name_still_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.os, "pwrite", full)
    lock = tmp_path / ".lock"
    with (
        sole_writer(lock, what="it"),
        pytest.raises(InUseError, match="it is in use: another run is writing there"),
        sole_writer(lock, what="it"),
    ):
        pass
