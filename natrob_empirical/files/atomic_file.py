"""Files that are there whole or not at all."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path


def require_writable(folder: Path) -> None:
    """Try whether files can be written to the folder, or to the nearest one above it while it is not there.

    Raises:
        OSError: they cannot; the message says where.
    """
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not nearest.is_dir():
        raise NotADirectoryError(f"nothing can be written to {folder}: {nearest} is a file")
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise OSError(f"nothing can be written to {nearest}: {error.strerror}") from error


def write_atomically(path: Path, content: bytes, *, flushed: bool = True) -> None:
    """Replace the file at once: a temporary file beside it, flushed, then renamed.

    Args:
        path: of the file.
        content: of the file.
        flushed: whether it must be on the disk before it has its name; what can be written anew at once need not.

    Raises:
        OSError: it cannot be written, the disk is full; the error names the path. What was there before stays, and
            nothing is left beside it.
    """
    try:
        _replace(path, content, flushed=flushed)
    except OSError as error:
        if error.errno is None:
            raise OSError(f"{path} could not be written: {error}") from error
        raise OSError(error.errno, f"{error.strerror} (writing {len(content):,} bytes)", str(path)) from error


def _replace(path: Path, content: bytes, *, flushed: bool) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            if flushed:
                file.flush()
                os.fsync(file.fileno())
        Path(temporary).chmod(0o644)  # a temporary file is private, what is published is not
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_or_rescue(path: Path, content: bytes, *, what: str, expendable: Sequence[Path] = ()) -> None:
    """Write the file, or else where there is room, because it cannot be computed again in a moment.

    Args:
        path: where to; its folder is made if need be.
        content: of the file.
        what: it holds, such as "the trained model"; for the message.
        expendable: files that are deleted to make room, before the second attempt.

    Raises:
        OSError: it could not be written to `path`; the message says why, and where it lies instead: in the system's
            temporary folder, the home folder or the current one, the first that takes it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_atomically(path, content)
        except OSError:
            room = [file for file in expendable if file.exists()]
            if not room:
                raise
            for file in room:
                file.unlink(missing_ok=True)
            write_atomically(path, content)
    except OSError as error:
        spare = _saved_elsewhere(path, content)
        outcome = (
            f"nor was there room for it in {', '.join(map(str, _other_folders()))}"
            if spare is None
            else f"it was saved as {spare} instead; make room and move it there"
        )
        raise OSError(f"{what} could not be written to {path}: {error.strerror or error}; {outcome}") from error


def _other_folders() -> list[Path]:
    return list(dict.fromkeys([Path(tempfile.gettempdir()), Path.home(), Path.cwd()]))


def _saved_elsewhere(path: Path, content: bytes) -> Path | None:
    """The first of the other folders' files that could be written; no file that is there is replaced."""
    for folder in _other_folders():
        try:
            handle, name = tempfile.mkstemp(dir=folder, prefix=f"natrob-{path.stem[:100]}-", suffix=path.suffix)
            os.close(handle)
        except OSError:
            continue
        try:
            write_atomically(Path(name), content)
        except OSError:
            Path(name).unlink(missing_ok=True)
            continue
        return Path(name)
    return None
