"""Checks a layer's own numbers: only finite ones that stay from use to use give it a constant."""

from typing import cast

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from natrob_theory.numbers.argument_checks import all_finite


def require_finite_weights(layer: nn.Module) -> None:
    """Raise ValueError, naming layer and tensor, if a number that the layer itself holds is NaN or infinite."""
    for name, held in (*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)):
        if held.is_floating_point() and not held.is_meta and not all_finite(held):
            raise ValueError(f"`{name}` of layer {type(layer).__name__} must be finite, got NaN or infinite entries")


def require_settled_weights(layer: nn.Module) -> None:
    """Raise ValueError, naming layer and tensor, if a parametrised tensor changes from one use to the next.

    torch's `spectral_norm` takes a step of the power iteration at every use in training mode.
    """
    if not is_parametrized(layer):
        return
    parametrizations = cast(nn.ModuleDict, layer.parametrizations)
    for name, parts in parametrizations.items():
        if not any(part.training for part in parts.modules()):
            continue
        with torch.no_grad():
            first, second = getattr(layer, name).clone(), getattr(layer, name)
        if not torch.equal(first, second):
            raise ValueError(
                f"`{name}` of layer {type(layer).__name__} changes with every use in training mode, so it has no "
                f"Lipschitz constant of its own; call .eval() on the network first"
            )
