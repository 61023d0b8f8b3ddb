import errno
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from natrob_empirical.files import atomic_file
from natrob_empirical.files.atomic_file import require_writable, write_atomically, write_or_rescue


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.md"
    write_atomically(path, b"old")

    def fail(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("natrob_empirical.files.atomic_file.os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["report.md"]


def test_a_folder_that_is_not_there_yet_is_tried_above_and_not_made(tmp_path: Path) -> None:
    require_writable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match=r"nothing can be written to .*models: .*file is a file"):
        require_writable(tmp_path / "file" / "models")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("natrob_empirical.files.atomic_file.tempfile.TemporaryFile", refuse)
    with pytest.raises(OSError, match=f"nothing can be written to {tmp_path}: Permission denied"):
        require_writable(tmp_path / "models")


WRITER = """
import resource, sys
from pathlib import Path
from natrob_empirical.files.atomic_file import write_atomically, write_or_rescue
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    {function}(Path(sys.argv[1]), b"x" * 5000 {more})
except OSError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("function", "more"), [("write_atomically", ""), ("write_or_rescue", ', what="the trained model"')]
)
def test_a_real_limit_leaves_the_old_file_and_names_the_path(function: str, more: str, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(b"old")
    code = WRITER.format(function=function, more=more)
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert str(path) in done.stdout
    assert "File too large" in done.stdout
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["model.pt"]
    if more:
        assert "nor was there room for it in" in done.stdout


class FullDisk:
    """Folders in which nothing can be written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
        self.folders = set(folders)
        self.written = atomic_file._replace
        monkeypatch.setattr(atomic_file, "_replace", self)

    def __call__(self, path: Path, content: bytes, *, flushed: bool) -> None:
        if path.parent in self.folders:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.written(path, content, flushed=flushed)


def test_a_full_disk_is_an_error_that_names_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FullDisk(monkeypatch, tmp_path)
    with pytest.raises(OSError, match=r"No space left on device \(writing 3 bytes\): '.*record\.json'") as error:
        write_atomically(tmp_path / "record.json", b"new")
    assert (error.value.errno, error.value.filename) == (errno.ENOSPC, str(tmp_path / "record.json"))


def test_what_cannot_be_written_is_saved_where_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full, temporary, home = (tmp_path / name for name in ("full", "temporary", "home"))
    temporary.mkdir()
    home.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("HOME", str(home))
    FullDisk(monkeypatch, full, temporary)
    message = r"the trained model could not be written to .*full.*a\.pt: No space left.*; it was saved as (\S+) instead"
    with pytest.raises(OSError, match=message) as error:
        write_or_rescue(full / "a.pt", b"weights", what="the trained model")
    (spare,) = home.iterdir()
    assert spare.suffix == ".pt"
    assert spare.read_bytes() == b"weights"
    assert str(spare) in str(error.value)
    assert not list(temporary.iterdir())
    assert not list(full.iterdir())


def test_room_is_made_first_where_something_can_be_spared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spared, kept = tmp_path / "a.training.previous", tmp_path / "a.training"
    spared.write_bytes(b"old state")
    kept.write_bytes(b"state")
    written = atomic_file._replace

    def full_until_spared(path: Path, content: bytes, *, flushed: bool) -> None:
        if spared.exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        written(path, content, flushed=flushed)

    monkeypatch.setattr(atomic_file, "_replace", full_until_spared)
    write_or_rescue(tmp_path / "a.pt", b"weights", what="the trained model", expendable=(spared,))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pt", "a.training"]
