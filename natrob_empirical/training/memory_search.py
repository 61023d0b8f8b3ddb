"""The batch that fits into memory where a step does not."""

import gc
from collections.abc import Callable
from typing import final

import torch
from torch import Tensor, nn

_CPU_MESSAGES = ("not enough memory", "can't allocate memory")
"""The words of torch's CPU allocators, in a plain RuntimeError."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error says that memory could not be had, on whatever device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(message in str(error) for message in _CPU_MESSAGES)


def largest_that_fits(size: int, attempt: Callable[[int], object]) -> int | None:
    """The first of size/2, size/4, … for which `attempt` does not run out of memory; None if 1 does not fit.

    Raises:
        Exception: whatever else `attempt` raises.
    """
    while size > 1:
        size //= 2
        try:
            attempt(size)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        else:
            return size
        free_unused()  # out here: the error holds the frames, and with them the tensors, of the pass that failed
    return None


def free_unused() -> None:
    """Hand back what no tensor holds any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@final
class BufferSnapshot:
    """The buffers of a model, such as the running statistics of batch normalisation, as they were before a step.

    A pass changes them before it can run out of memory, so that the state before the step is lost without a copy.

    Args:
        model: whose buffers keep their shapes from now on.
    """

    def __init__(self, model: nn.Module) -> None:
        self._live = list(model.buffers())
        self._kept = [buffer.clone() for buffer in self._live]

    @torch.no_grad()
    def take(self) -> None:
        """Keep the buffers as they are now."""
        _copy_all(self._kept, self._live)

    @torch.no_grad()
    def restore(self) -> None:
        """Give the buffers the values that were kept."""
        _copy_all(self._live, self._kept)


def _copy_all(targets: list[Tensor], sources: list[Tensor]) -> None:
    if targets:
        torch._foreach_copy_(targets, sources)  # type: ignore[reportPrivateImportUsage]  # few launches for many tensors
