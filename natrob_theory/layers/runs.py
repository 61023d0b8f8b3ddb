"""Reads off a layer by running it: the shape it gives, its value at zero, whether it keeps its input."""

import inspect
import math
from typing import Any

import torch
from torch import nn

from natrob_theory.layers.affine import RELATIVE, only_constant
from natrob_theory.layers.refusal import refuse
from natrob_theory.layers.statements import Affine, Shape


def shape_after(layer: nn.Module, input_shape: Shape) -> Shape:
    """The shape of one sample after the layer, from a run on zeros."""
    with torch.no_grad():
        return tuple(layer(torch.zeros((1, *input_shape), **_as_computed(layer))).shape[1:])


def takes_time(layer: nn.Module) -> bool:
    """Whether the module is called with a time: a field of this library, or one whose forward needs two arguments."""
    known = getattr(layer, "takes_time", None)
    parameters = inspect.signature(layer.forward).parameters.values()
    return sum(each.default is each.empty for each in parameters) >= 2 if known is None else known


def image_norm(layer: nn.Module, input_shape: Shape, norm: Affine, constant: float) -> Affine:
    """L·norm + ‖f(0)‖."""
    return (constant * norm + only_constant(value_at_zero(layer, input_shape))) * RELATIVE


def value_at_zero(layer: nn.Module, input_shape: Shape) -> float:
    """‖f(0)‖, from above."""
    device = _as_computed(layer).get("device", torch.device("cpu"))
    zeros = torch.zeros((1, *input_shape), dtype=torch.float64, device=device)
    with torch.no_grad():
        value = layer(torch.zeros((), dtype=torch.float64), zeros) if takes_time(layer) else layer(zeros)
    size = float(torch.linalg.vector_norm(value.double()))
    return size * RELATIVE + (0.0 if size == 0.0 else 1e-12 * size)


def require_input_kept(layer: nn.Module, input_shape: Shape) -> None:
    """Refuse a layer that changes its input in place, as `nn.SiLU(inplace=True)` does, from a run on two samples.

    Where the input is used again, as in y + h f(y), the sum is then not what constants of f speak of.

    Raises:
        LayerRefusedError: it does.
    """
    sample = torch.linspace(0.5, 1.5, math.prod(input_shape), **_as_computed(layer)).reshape(input_shape)
    given = torch.stack([sample, -sample])
    kept = given.clone()
    with torch.no_grad():
        layer(given)
    if not torch.equal(given, kept):
        refuse(layer, input_shape, "an operation that changes its input in place; set inplace=False")


def _as_computed(layer: nn.Module) -> dict[str, Any]:
    """The dtype and device of the numbers that the layer holds, the defaults without any."""
    held = next((one for one in (*layer.parameters(), *layer.buffers()) if one.is_floating_point()), None)
    return {} if held is None else {"dtype": held.dtype, "device": held.device}
