"""Blocks of pairs that fit into memory."""

import os
from collections.abc import Iterator
from typing import Final

_LARGEST: Final = 1 << 26
"""Bytes of one block of distances: larger ones gain nothing."""
_SHARE: Final = 16
_ENTRY: Final = 16
"""Bytes that one pair takes while its block is looked at."""


def free_memory() -> int:
    """The bytes of memory that are free now; where the system does not say, one gigabyte."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 1 << 30


def row_blocks(count: int) -> Iterator[slice]:
    """Rows of a square of pairs, as many at once as a sixteenth of the free memory holds, at least one."""
    size = min(_LARGEST, free_memory() // _SHARE)
    rows = max(1, min(count, size // (_ENTRY * max(1, count))))
    for start in range(0, count, rows):
        yield slice(start, min(count, start + rows))
