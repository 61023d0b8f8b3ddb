"""Jacobian-vector products in forward mode, without the noise of torch's first one."""

import warnings
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor


def jacobian_vector_product(function: Callable[[Tensor], Tensor], point: Tensor, direction: Tensor) -> Tensor:
    """J(point)·direction for a function of states (batch, *state) that treats samples independently."""
    _prepare_forward_mode()
    return torch.func.jvp(function, (point,), (direction,))[1]


@cache
def _prepare_forward_mode() -> None:
    """Make torch load its forward-mode rules, whose loading warns of torch's own use of torch.jit.script."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.jit.script", category=FutureWarning)
        warnings.filterwarnings("ignore", message=".*torch.jit.script", category=DeprecationWarning)
        one = torch.ones(())
        torch.func.jvp(torch.sin, (one,), (one,))
