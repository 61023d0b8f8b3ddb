"""The operations that a program may be made of, and how each torch layer, function and method becomes one."""

import math
import operator
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from natrob_theory.native.refusal import NotNativeError


class Operand(NamedTuple):
    """A register: t, y, a parameter or an earlier result; `None` where an input is left out."""

    place: int


class Step(NamedTuple):
    """One instruction: see field.h.

    Attributes:
        name: of the operation.
        inputs: registers; None is left out.
        numbers, integers: its constants.
    """

    name: str
    inputs: tuple[Operand | None, ...]
    numbers: tuple[float, ...] = ()
    integers: tuple[int, ...] = ()


class Stacked(NamedTuple):
    """Tensors that were stacked along a new first axis, which only their sum may use."""

    parts: tuple[Operand, ...]


Slot = Callable[[str], Operand | None]
"""Gives a layer's parameter or buffer of this name; None where the layer has none."""

LayerRule = Callable[[Any, Operand, Slot], Step]


def _pair(value: Any) -> tuple[int, int]:
    first, second = value if isinstance(value, tuple) else (value, value)
    if not isinstance(first, int) or not isinstance(second, int):
        raise NotNativeError(f"a convolution has the setting {value!r}")
    return first, second


def _linear(layer: nn.Linear, y: Operand, slot: Slot) -> Step:
    return Step("linear", (y, slot("weight"), slot("bias")))


def _convolution(layer: nn.Conv2d, y: Operand, slot: Slot) -> Step:
    if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        raise NotNativeError(f"Conv2d pads with {layer.padding_mode}, {layer.padding}")
    integers = (*_pair(layer.stride), *_pair(layer.padding), *_pair(layer.dilation), layer.groups)
    return Step("convolution2d", (y, slot("weight"), slot("bias")), integers=integers)


def _batch_norm(layer: nn.BatchNorm2d, y: Operand, slot: Slot) -> Step:
    if layer.training or layer.running_mean is None:
        raise NotNativeError(f"{type(layer).__name__} normalises by the batch")
    inputs = (y, slot("weight"), slot("bias"), slot("running_mean"), slot("running_var"))
    return Step("batch_norm", inputs, (layer.eps,), (int(torch.backends.cudnn.enabled),))


def _group_norm(layer: nn.GroupNorm, y: Operand, slot: Slot) -> Step:
    integers = (layer.num_groups, int(torch.backends.cudnn.enabled))
    return Step("group_norm", (y, slot("weight"), slot("bias")), (layer.eps,), integers)


def _activation(name: str, *settings: str) -> LayerRule:
    def rule(layer: nn.Module, y: Operand, slot: Slot) -> Step:
        if getattr(layer, "inplace", False):
            raise NotNativeError(f"{type(layer).__name__} writes into its input")
        return Step(name, (y,), tuple(float(getattr(layer, setting)) for setting in settings))

    return rule


def _gelu(layer: nn.GELU, y: Operand, slot: Slot) -> Step:
    return Step("gelu", (y,), integers=(int(layer.approximate == "tanh"),))


def _dropout(layer: nn.Dropout, y: Operand, slot: Slot) -> Step:
    if layer.training and layer.p > 0:
        raise NotNativeError("Dropout draws random numbers")
    return Step("same", (y,))


def _same(layer: nn.Module, y: Operand, slot: Slot) -> Step:
    return Step("same", (y,))


def _flatten(layer: nn.Flatten, y: Operand, slot: Slot) -> Step:
    return Step("flatten", (y,), integers=(layer.start_dim, layer.end_dim))


LAYERS: Final[dict[type[nn.Module], LayerRule]] = {
    nn.Linear: _linear,
    nn.Conv2d: _convolution,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.GroupNorm: _group_norm,
    nn.Tanh: _activation("tanh"),
    nn.ReLU: _activation("relu"),
    nn.Sigmoid: _activation("sigmoid"),
    nn.Softplus: _activation("softplus", "beta", "threshold"),
    nn.ELU: _activation("elu", "alpha"),
    nn.SiLU: _activation("silu"),
    nn.GELU: _gelu,
    nn.LeakyReLU: _activation("leaky_relu", "negative_slope"),
    nn.Hardtanh: _activation("hardtanh", "min_val", "max_val"),
    nn.Dropout: _dropout,
    nn.Identity: _same,
    nn.Flatten: _flatten,
}
"""Layers of exactly these classes."""


def _binary(name: str, number_name: str | None, *, symmetric: bool) -> Callable[..., Step]:
    """An operation of two tensors, or of a tensor and a number."""

    def rule(one: Any, other: Any, *, alpha: float = 1) -> Step:
        numbers = (float(alpha),) if name in ("add", "sub") else ()
        if isinstance(one, Operand) and isinstance(other, Operand):
            return Step(name, (one, other), numbers)
        if alpha != 1 or number_name is None or not (symmetric or isinstance(one, Operand)):
            raise NotNativeError(f"{name} of {one!r} and {other!r}")
        tensor, number = (one, other) if isinstance(one, Operand) else (other, one)
        return Step(number_name, (tensor,), (_number(number),))

    return rule


def _number(value: Any) -> float:
    """A Python number that float64 holds. Raises NotNativeError."""
    if isinstance(value, (bool, complex)) or not isinstance(value, (int, float)) or float(value) != value:
        if isinstance(value, float) and math.isnan(value):
            return value
        raise NotNativeError(f"a constant {value!r} of type {type(value).__name__}")
    return float(value)


def _minus(one: Any, other: Any, *, alpha: float = 1) -> Step:
    if isinstance(one, Operand) and isinstance(other, Operand):
        return Step("sub", (one, other), (float(alpha),))
    if alpha == 1 and isinstance(one, Operand):
        return Step("add_number", (one,), (-_number(other),))
    raise NotNativeError("a number less a tensor")


def _unary(name: str) -> Callable[..., Step]:
    return lambda y: Step(name, (_tensor(y),))


def _tensor(value: Any) -> Operand:
    if not isinstance(value, Operand):
        raise NotNativeError(f"an operation on {value!r}")
    return value


def _relu(y: Operand, inplace: bool = False) -> Step:
    if inplace:
        raise NotNativeError("relu writes into its input")
    return Step("relu", (y,))


def _linear_function(y: Operand, weight: Operand, bias: Operand | None = None) -> Step:
    return Step("linear", (y, weight, bias))


def _conv2d_function(
    y: Operand,
    weight: Operand,
    bias: Operand | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Step:
    integers = (*_pair(stride), *_pair(padding), *_pair(dilation), groups)
    return Step("convolution2d", (y, weight, bias), integers=integers)


def _conv_transpose2d_function(
    y: Operand,
    weight: Operand,
    bias: Operand | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Step:
    integers = (*_pair(stride), *_pair(padding), *_pair(output_padding), groups, *_pair(dilation))
    return Step("transposed_convolution2d", (y, weight, bias), integers=integers)


def _flatten_function(y: Operand, start_dim: int = 0, end_dim: int = -1) -> Step:
    return Step("flatten", (y,), integers=(start_dim, end_dim))


def _view(y: Operand, *sizes: Any) -> Step:
    integers = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes
    if not all(type(size) is int for size in integers):
        raise NotNativeError(f"a view of sizes {integers!r}")
    return Step("view", (y,), integers=tuple(integers))


def _stack(tensors: Any, dim: int = 0) -> Stacked:
    if dim != 0 or not all(isinstance(part, Operand) for part in tensors):
        raise NotNativeError("a stack along another axis than the first")
    return Stacked(tuple(tensors))


def _sum(stack: Any, dim: Any = None) -> Step:
    if not isinstance(stack, Stacked) or dim != 0:
        raise NotNativeError("it uses sum of other things than a stack")
    return Step("stack_sum", stack.parts)


def _broadcast(time: Operand, state: Operand) -> Step:
    return Step("broadcast_time", (time, state))


_ADD, _MUL = _binary("add", "add_number", symmetric=True), _binary("mul", "mul_number", symmetric=True)
_DIV = _binary("div", "div_number", symmetric=False)
_MATMUL = _binary("matmul", None, symmetric=False)

FUNCTIONS: Final[dict[Any, Callable[..., Step | Stacked]]] = {
    operator.add: _ADD,
    torch.add: _ADD,
    operator.sub: _minus,
    torch.sub: _minus,
    operator.mul: _MUL,
    torch.mul: _MUL,
    operator.truediv: _DIV,
    torch.div: _DIV,
    operator.matmul: _MATMUL,
    torch.matmul: _MATMUL,
    operator.neg: _unary("neg"),
    torch.neg: _unary("neg"),
    torch.tanh: _unary("tanh"),
    F.tanh: _unary("tanh"),
    torch.sigmoid: _unary("sigmoid"),
    F.sigmoid: _unary("sigmoid"),
    torch.relu: _unary("relu"),
    F.relu: _relu,
    torch.sin: _unary("sin"),
    torch.cos: _unary("cos"),
    torch.exp: _unary("exp"),
    F.linear: _linear_function,
    F.conv2d: _conv2d_function,
    F.conv_transpose2d: _conv_transpose2d_function,
    torch.flatten: _flatten_function,
    torch.reshape: _view,
    torch.stack: _stack,
    torch.sum: _sum,
}

METHODS: Final[dict[str, Callable[..., Step | Stacked]]] = {
    "add": _ADD,
    "sub": _minus,
    "mul": _MUL,
    "div": _DIV,
    "matmul": _MATMUL,
    "neg": _unary("neg"),
    "tanh": _unary("tanh"),
    "sigmoid": _unary("sigmoid"),
    "relu": _unary("relu"),
    "sin": _unary("sin"),
    "cos": _unary("cos"),
    "exp": _unary("exp"),
    "t": _unary("transpose"),
    "flatten": _flatten_function,
    "reshape": _view,
    "sum": _sum,
    "broadcast_for": _broadcast,
}
"""Methods of tensors; `broadcast_for` is what `broadcast_time` asks of a time that is no tensor."""
