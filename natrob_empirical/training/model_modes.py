"""A model in another mode for a while: without gradients of its parameters, in training mode, in eval mode."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """The parameters ask for no gradient, and afterwards do again.

    Layers then keep no inputs for gradients that nobody takes, and a model with a backward pass of its own, such as an
    adjoint solver, does not compute them.
    """
    trainable = [parameter for parameter in module.parameters() if parameter.requires_grad]
    try:
        for parameter in trainable:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in trainable:
            parameter.requires_grad_(True)


@contextmanager
def evaluating(module: nn.Module, *, training: bool = False) -> Iterator[None]:
    """Eval mode: running statistics are used and kept; afterwards every part is in the mode it was in.

    Args:
        module: with all its parts.
        training: whether it is training mode instead.
    """
    modes = [(part, part.training) for part in module.modules()]
    try:
        module.train(training)
        yield
    finally:
        for part, before in modes:
            part.training = before
