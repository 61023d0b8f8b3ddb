"""One forward pass, counted: operations, and the bytes that autograd keeps for the way back."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode


class PassCost(NamedTuple):
    """The cost of a forward pass of a batch.

    Attributes:
        flops: of convolutions and matrix products, a multiply-add counting as two.
        saved_bytes: of the tensors kept for backward; weights and buffers, which are there anyway, are left out.
    """

    flops: int
    saved_bytes: int

    def times(self, count: int) -> "PassCost":
        """The cost of `count` passes that all stay in memory."""
        return PassCost(self.flops * count, self.saved_bytes * count)

    def plus(self, other: "PassCost") -> "PassCost":
        """The cost of both."""
        return PassCost(self.flops + other.flops, self.saved_bytes + other.saved_bytes)


def counted_pass(
    function: Callable[[Tensor], Tensor], argument: Tensor, resident: Iterable[Tensor]
) -> tuple[Tensor, PassCost]:
    """The function's value, and its cost, from one pass without gradients and one with; on the meta device for nothing.

    Args:
        function: tensor to tensor.
        argument: its batch.
        resident: weights and buffers, whose bytes are not counted.
    """
    # Apart, because torch's counter follows modules by gradient hooks, which nested modes of autograd break.
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        function(argument.detach())
    value, saved_bytes = _kept_for_backward(function, argument, resident)
    return value, PassCost(counter.get_total_flops(), saved_bytes)


def _kept_for_backward(
    function: Callable[[Tensor], Tensor], argument: Tensor, resident: Iterable[Tensor]
) -> tuple[Tensor, int]:
    # A storage kept twice, say by a ReLU and the convolution after it, is one piece of memory: counted by identity.
    # The tensors are held meanwhile, lest a freed storage's address is given to another.
    held = [tensor.detach() for tensor in resident]
    known = {_identity(tensor) for tensor in held}
    saved: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        if _identity(tensor) not in known:
            saved[_identity(tensor)] = tensor.untyped_storage().nbytes()
        held.append(tensor.detach())
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        value = function(argument)
    return value, sum(saved.values())


def _identity(tensor: Tensor) -> int:
    """Identifies the tensor's memory; its address, which is 0 for all on the meta device, would not."""
    return tensor.untyped_storage()._cdata
