"""Looks through torch.func's transforms: whether one is at work, and the values behind it."""

import torch
from torch import Tensor

# torch has no public way to ask any of this, and its stubs leave these names out.
_functorch = torch._C._functorch  # type: ignore[attr-defined]


def is_wrapped(tensor: Tensor) -> bool:
    """Whether the tensor stands inside a transform of torch.func (vmap, grad, vjp, jvp, …)."""
    return _functorch.is_functorch_wrapped_tensor(tensor)


def stored_values(tensor: Tensor) -> Tensor:
    """The values behind all transforms: under vmap those of every entry that is mapped over, with that axis."""
    while _functorch.is_functorch_wrapped_tensor(tensor):
        tensor = _functorch.get_unwrapped(tensor)
    return tensor


def is_mapped(tensor: Tensor) -> bool:
    """Whether torch.func.vmap hides an axis of the tensor, so that no decision can be taken from its values."""
    while _functorch.is_functorch_wrapped_tensor(tensor):
        if _functorch.is_batchedtensor(tensor):
            return True
        tensor = _functorch.get_unwrapped(tensor)
    return False


def require_unmapped(tensor: Tensor) -> None:
    """Raise NotImplementedError under torch.func.vmap, which hides the values by which an adaptive solve steps."""
    if is_mapped(tensor):
        raise NotImplementedError(
            "an adaptive solve chooses its steps by values that torch.func.vmap hides; give the samples in the batch "
            "axis instead (each has its own steps), or use a network with a fixed step size"
        )
