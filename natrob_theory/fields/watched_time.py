"""Whether a field looks at its time: a time that notices what is done with it."""

from typing import Any, final

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from natrob_theory.numbers.tensor_types import Field


class _WatchedTime(Tensor):
    """t with a note of whether any operation has asked for it, be it only for its shape."""

    looked_at: bool

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        for entry in tree_leaves((args, kwargs)):
            if isinstance(entry, _WatchedTime):
                entry.looked_at = True
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))


@final
class WatchedField(nn.Module):
    """A field, with `looks_at_time`: whether an evaluation so far has used its t in any way.

    Where it is False no evaluation depended on t, so that no rounding of t can have changed a value.
    """

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field
        self.looks_at_time = False

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """f(t, y)."""
        watched = time.as_subclass(_WatchedTime)
        watched.looked_at = False
        value = self.field(watched, state)
        self.looks_at_time |= watched.looked_at
        return value


@final
class TimelessField(nn.Module):
    """A field that must not look at its time, because the state's dtype cannot resolve it.

    Args:
        field: f(t, y).
        refusal: the message of the ValueError that an evaluation raises if it uses t.
    """

    def __init__(self, field: Field, refusal: str) -> None:
        super().__init__()
        self.field = field
        self.refusal = refusal

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """f(y). Raises ValueError if f looks at t."""
        watched = WatchedField(self.field)
        value = watched(time, state)
        if watched.looks_at_time:
            raise ValueError(self.refusal)
        return value
