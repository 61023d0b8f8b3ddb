"""Memory that one pass frees is kept for the next, where the C library would hand it back to the system."""

from functools import cache
from typing import Final

import torch

_LARGEST_ADAPTIVE: Final = 31 * 2**20
"""Bytes; glibc's thresholds follow a freed block only up to 32 MiB, its own header included."""


@cache
def keep_freed_memory() -> None:
    """Let glibc keep up to 64 MiB of freed memory, once a process; nothing elsewhere.

    A pass frees its activations at its end. glibc gives the top of its heap back to the system as soon
    as it exceeds a threshold, and the next pass pays for every page again: some 2,000 page faults a step on a small CNN
    with 350 images of 28×28, a tenth and more of the time. The threshold is twice the largest block freed so far that
    had a mapping of its own (M_MMAP_THRESHOLD in mallopt(3)), so freeing one untouched block raises it.
    """
    torch.empty(_LARGEST_ADAPTIVE, dtype=torch.uint8)
