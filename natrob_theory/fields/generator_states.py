"""The states of torch's own generators, kept so that a field that draws from them can draw the same again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor


@final
@dataclass(frozen=True, kw_only=True)
class GeneratorStates:
    """Where the generators of the CPU and of one device stand.

    Attributes:
        device: the device.
        states: of the CPU's generator, and of the device's where it has one of its own.
    """

    device: torch.device
    states: tuple[Tensor, ...]

    @classmethod
    def now(cls, device: torch.device) -> "GeneratorStates":
        """Where they stand."""
        own = (torch.cuda.get_rng_state(device),) if device.type == "cuda" else ()
        return cls(device=device, states=(torch.get_rng_state(), *own))

    def restore(self) -> None:
        """Put them there."""
        torch.set_rng_state(self.states[0])
        if len(self.states) > 1:
            torch.cuda.set_rng_state(self.states[1], self.device)

    def still(self) -> bool:
        """Whether they stand there now: nothing has been drawn."""
        now = GeneratorStates.now(self.device)
        return all(torch.equal(one, other) for one, other in zip(self.states, now.states, strict=True))


@contextmanager
def generators_kept(device: torch.device) -> Iterator[None]:
    """Put the generators back at the end to where they stand now."""
    states = GeneratorStates.now(device)
    try:
        yield
    finally:
        states.restore()
