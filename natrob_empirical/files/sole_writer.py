"""One run at a time: a lock on what a run writes, which ends with the process that holds it."""

import errno
import os
import platform
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

if sys.platform == "win32":
    import msvcrt

    _FAR_BYTE: Final = 2**30  # what is locked; the holder's name before it can still be read

    def _lock(handle: int) -> None:
        """Raise OSError with EACCES if another process holds it."""
        os.lseek(handle, _FAR_BYTE, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        """Raise BlockingIOError if another process holds it."""
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


HELD: Final = (errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK, errno.EDEADLK)
UNSUPPORTED: Final = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)

_SAID_OF: Final[set[int]] = set()
"""The file systems without locks that were warned of."""


class InUseError(RuntimeError):
    """Another run writes there now; the message names the place, and the process as far as it is known."""


class LockWarning(UserWarning):
    """The file system has no locks, so two runs that write to one place would not notice each other."""


def lock_of_folder(folder: Path) -> Path:
    """The lock file of all that a run writes into the folder."""
    return folder / ".natrob.lock"


def lock_of_file(path: Path) -> Path:
    """The lock file of one file."""
    return path.with_name(f".{path.name}.lock")


@contextmanager
def sole_writer(lock: Path, *, what: str) -> Iterator[None]:
    """Hold the lock within the block; other processes, and other threads, that ask for it are refused meanwhile.

    The operating system holds it for the process and ends it with the process, however that ends, so that a lock file
    left behind by a process that was killed bars nobody. Reading needs no lock.

    Args:
        lock: the lock file; its folder is made if need be, and the file is deleted at the end.
        what: is written, such as "the output folder output/quick"; for the message.

    Raises:
        InUseError: another run holds the lock.
        OSError: the lock file cannot be made; the error names it.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    handle = _held(lock, what)
    try:
        _write_holder(handle)
        yield
    finally:
        with suppress(OSError):
            lock.unlink()  # before the lock ends: whoever comes later makes a file of its own
        os.close(handle)


def _held(lock: Path, what: str) -> int:
    """The open lock file, locked; where there are no locks with a warning instead."""
    while True:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(handle)
        except OSError as error:
            if error.errno in HELD:
                holder = _holder(handle)
                os.close(handle)
                raise InUseError(
                    f"{what} is in use: another run{holder} is writing there; wait until it has ended, or choose "
                    f"another place"
                ) from None
            if error.errno not in UNSUPPORTED:
                os.close(handle)
                raise
            _say_once(lock.parent.stat().st_dev, f"{what} is on a file system without locks ({error.strerror})")
            return handle
        if _is_still(lock, handle):
            return handle
        os.close(handle)  # its holder deleted it between our opening and our locking it


def _say_once(file_system: int, text: str) -> None:
    """Warn of each file system once in a process: a run takes many locks."""
    if file_system not in _SAID_OF:
        _SAID_OF.add(file_system)
        warnings.warn(f"{text}: a second run that writes there would not be noticed", LockWarning, stacklevel=5)


def _is_still(lock: Path, handle: int) -> bool:
    """Whether the path leads to the very file that is open."""
    try:
        return os.path.samestat(lock.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _write_holder(handle: int) -> None:
    """Process, host and time, for the message that others get; a full disk must not matter here."""
    text = f"process {os.getpid()} on {platform.node()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}"
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, text.encode(), 0) if hasattr(os, "pwrite") else os.write(handle, text.encode())


def _holder(handle: int) -> str:
    """ " (process 42 on host, since …)", or nothing where the file does not say."""
    with suppress(OSError, UnicodeDecodeError):
        os.lseek(handle, 0, os.SEEK_SET)
        text = os.read(handle, 500).decode()
        return f" ({text})" if text else ""
    return ""
