"""Files that are there whole or not at all."""

import os
import tempfile
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


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the file at once: a temporary file beside it, flushed, then renamed."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)  # a temporary file is private, what is published is not
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
