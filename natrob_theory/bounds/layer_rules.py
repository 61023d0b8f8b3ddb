"""An upper Lipschitz constant for each kind of layer, in L2; the seam where users add their own.

    @layer_lipschitz.register
    def _(layer: MyLayer, input_shape: tuple[int, ...]) -> float:
        return 1.0

A rule returns a number at least the layer's Lipschitz constant on all inputs of the shape (without the batch axis),
rounded outward, or raises. A layer without a rule is refused by name.

Proofs of the constants here: proofs/symbolic/activation_slope_intervals.py, proofs/symbolic/silu_steepest_slope.py and
proofs/symbolic/gelu_steepest_slope.py for activations, proofs/symbolic/pooling_norms.py for pooling,
proofs/symbolic/torus_convolution.py for convolutions, proofs/symbolic/batch_norm_folding.py for batch norm.
"""

import math
from collections.abc import Callable
from functools import singledispatch
from typing import Any

import torch
from torch import nn

from natrob_theory.fields import AutonomousField, LinearField
from natrob_theory.layers.activation_slopes import GELU_STEEPEST, SILU_STEEPEST
from natrob_theory.layers.altered_layers import alteration_of_rule
from natrob_theory.layers.batch_norm import AnyBatchNorm, channel_scale, folded_norm_upper
from natrob_theory.layers.convolution import (
    AnyConvolution,
    convolution_norm_upper,
    round_to_multiple,
    torus_norm_upper,
)
from natrob_theory.layers.refusal import LayerRefusedError, Shape, refuse, require_eval
from natrob_theory.layers.remembered import remembered
from natrob_theory.networks import AbstractIntegratorNet
from natrob_theory.numbers.argument_checks import all_finite
from natrob_theory.numbers.rounding import EPSILON, product_up
from natrob_theory.spectra.singular_values import matrix_norm_upper


@singledispatch
def layer_lipschitz(layer: nn.Module, input_shape: Shape) -> float:
    """An upper bound of the layer's Lipschitz constant in L2.

    Raises:
        LayerRefusedError: no rule is registered for this kind of layer, or for this setting of it.
        ValueError: the layer is in a mode in which its output depends on the rest of the batch.

    Proof that constants of layers multiply: proofs/coq/lipschitz_composition.v.
    """
    chain = "write it as an nn.Sequential of layers that have one, or " if any(layer.children()) else ""
    raise LayerRefusedError(
        f"no Lipschitz upper bound is known for layer {type(layer).__name__} (input shape {input_shape}); {chain}"
        f"register one with natrob_theory.layer_lipschitz.register"
    )


def lipschitz_of_layer(layer: nn.Module, input_shape: Shape) -> float:
    """`layer_lipschitz`, but only for a layer that computes what the rule's kind of layer computes.

    Within `constants_remembered` each constant is computed once.

    Raises:
        LayerRefusedError: as for `layer_lipschitz`, or the layer is altered in one of these ways.
        ValueError: a parameter or buffer of the layer is NaN or infinite.
    """
    altered = alteration_of_rule(layer, layer_lipschitz.registry)
    if altered:
        refuse(layer, input_shape, altered)
    require_finite_weights(layer)
    return remembered(layer, input_shape, lambda: layer_lipschitz(layer, input_shape))


def require_finite_weights(layer: nn.Module) -> None:
    """Raise ValueError, naming layer and tensor, if a number that the layer itself holds is NaN or infinite."""
    for name, held in (*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)):
        if held.is_floating_point() and not held.is_meta and not all_finite(held):
            raise ValueError(f"`{name}` of layer {type(layer).__name__} must be finite, got NaN or infinite entries")


def _constant(kind: type[nn.Module], value: Callable[[nn.Module], float]) -> None:
    """Register a kind of layer whose constant depends neither on weights nor on the shape."""
    layer_lipschitz.register(kind, lambda layer, _shape: value(layer))


ONE_LIPSCHITZ = (
    nn.Identity, nn.Flatten, nn.Unflatten, nn.PixelUnshuffle, nn.PixelShuffle,
    nn.ReLU, nn.ReLU6, nn.Hardtanh, nn.Tanh, nn.Softsign, nn.LogSigmoid, nn.Tanhshrink,
)  # fmt: skip
for _kind in ONE_LIPSCHITZ:
    _constant(_kind, lambda _layer: 1.0)
_constant(nn.Sigmoid, lambda _layer: 0.25)
_constant(nn.SiLU, lambda _layer: SILU_STEEPEST)
_constant(nn.LeakyReLU, lambda layer: max(1.0, abs(layer.negative_slope)))  # type: ignore[operator]
_constant(nn.ELU, lambda layer: max(1.0, abs(layer.alpha)))  # type: ignore[operator]


@layer_lipschitz.register
def _(layer: nn.CELU, input_shape: Shape) -> float:
    """Slopes e^{x/α} ≤ 1 below 0; for a negative α they are unbounded."""
    return 1.0 if layer.alpha > 0 else refuse(layer, input_shape, f"alpha={layer.alpha}")


@layer_lipschitz.register
def _(layer: nn.GELU, input_shape: Shape) -> float:
    """The derivative Φ(x) + xφ(x) is largest at x = √2; the tanh form is another function and refused."""
    return GELU_STEEPEST if layer.approximate == "none" else refuse(layer, input_shape, "the tanh approximation")


@layer_lipschitz.register(nn.Dropout)
@layer_lipschitz.register(nn.Dropout1d)
@layer_lipschitz.register(nn.Dropout2d)
def _(layer: nn.Module, input_shape: Shape) -> float:
    require_eval(layer)
    return 1.0


@layer_lipschitz.register
def _(layer: nn.Linear, input_shape: Shape) -> float:
    if input_shape[-1] != layer.in_features:
        raise ValueError(f"`input_shape` must end in {layer.in_features} for this Linear layer, got {input_shape}")
    return matrix_norm_upper(layer.weight)


@layer_lipschitz.register
def _(layer: LinearField, input_shape: Shape) -> float:
    return matrix_norm_upper(layer.matrix)


@layer_lipschitz.register
def _(layer: AutonomousField, input_shape: Shape) -> float:
    """That of the module, which must leave the state as it is: the step adds to it what the module gives."""
    constant = lipschitz_of_layer(layer.module, input_shape)
    require_input_kept(layer.module, input_shape)
    return constant


@layer_lipschitz.register
def _(layer: nn.Sequential, input_shape: Shape) -> float:
    """The product over the chain, (12) of the paper; a batch norm is folded into the layer it directly follows."""
    constant = 1.0
    parts = list(layer)
    while parts:
        part = parts.pop(0)
        factor = folded_norm_upper(part, parts[0], input_shape) if parts else None
        if factor is None:
            factor = lipschitz_of_layer(part, input_shape)
        else:
            parts.pop(0)
        constant = product_up(constant, factor)
        input_shape = output_shape(part, input_shape)
    return constant


@layer_lipschitz.register(nn.BatchNorm1d)
@layer_lipschitz.register(nn.BatchNorm2d)
@layer_lipschitz.register(nn.BatchNorm3d)
def _(layer: AnyBatchNorm, input_shape: Shape) -> float:
    """max |γ/√(σ² + eps)| with the running variance."""
    return float(channel_scale(layer, input_shape).abs().max()) * (1.0 + 8 * EPSILON)


@layer_lipschitz.register(nn.Conv1d)
@layer_lipschitz.register(nn.Conv2d)
@layer_lipschitz.register(nn.Conv3d)
def _(layer: AnyConvolution, input_shape: Shape) -> float:
    """The torus method."""
    return convolution_norm_upper(layer, input_shape)


@layer_lipschitz.register(nn.AvgPool1d)
@layer_lipschitz.register(nn.AvgPool2d)
@layer_lipschitz.register(nn.AvgPool3d)
def _(layer: nn.AvgPool1d | nn.AvgPool2d | nn.AvgPool3d, input_shape: Shape) -> float:
    """A convolution of each channel with the constant kernel 1/kᵈ."""
    axes = _pooled_axes(layer, input_shape)
    taps, strides, padding = (_per_axis(v, axes) for v in (layer.kernel_size, layer.stride, layer.padding))
    if layer.ceil_mode or (any(padding) and not layer.count_include_pad):
        return refuse(layer, input_shape, "ceil_mode or count_include_pad=False")
    if getattr(layer, "divisor_override", None) is not None:
        return refuse(layer, input_shape, "divisor_override")
    kernel = torch.full((1, 1, *taps), 1.0 / math.prod(taps), dtype=torch.float64)
    full = [size + tap - 1 for size, tap in zip(input_shape[1:], taps, strict=True)]
    grid = [round_to_multiple(size, step) for size, step in zip(full, strides, strict=True)]
    return torus_norm_upper(kernel, grid=grid, stride=strides)


@layer_lipschitz.register(nn.AdaptiveAvgPool1d)
@layer_lipschitz.register(nn.AdaptiveAvgPool2d)
def _(layer: nn.AdaptiveAvgPool1d | nn.AdaptiveAvgPool2d, input_shape: Shape) -> float:
    """Disjoint windows of equal size p average with norm 1/√p."""
    _pooled_axes(layer, input_shape)
    sizes = input_shape[1:]
    outputs = [
        size if out is None else out for out, size in zip(_per_axis(layer.output_size, len(sizes)), sizes, strict=True)
    ]
    if any(size % out for size, out in zip(sizes, outputs, strict=True)):
        return refuse(layer, input_shape, f"an output size {tuple(outputs)} that does not divide the input's")
    return math.sqrt(math.prod(outputs) / math.prod(sizes)) * (1.0 + 4 * EPSILON)


@layer_lipschitz.register(nn.MaxPool1d)
@layer_lipschitz.register(nn.MaxPool2d)
def _(layer: nn.MaxPool1d | nn.MaxPool2d, input_shape: Shape) -> float:
    """|max a − max b| ≤ max |a − b| in each window, so √(windows that share a pixel) bounds the L2 constant."""
    if layer.return_indices:
        return refuse(layer, input_shape, "return_indices=True")
    axes = _pooled_axes(layer, input_shape)
    taps, strides, steps = (_per_axis(v, axes) for v in (layer.kernel_size, layer.stride, layer.dilation))
    shared = [
        min(tap, -(-((tap - 1) * step + 1) // stride)) for tap, stride, step in zip(taps, strides, steps, strict=True)
    ]
    return math.sqrt(math.prod(shared)) * (1.0 + 2 * EPSILON)


def output_shape(layer: nn.Module, input_shape: Shape) -> Shape:
    """The shape of one sample after the layer, from a run on zeros."""
    if isinstance(layer, (AutonomousField, LinearField, AbstractIntegratorNet)):
        return input_shape
    with torch.no_grad():
        return tuple(layer(torch.zeros((1, *input_shape), **_as_computed(layer))).shape[1:])


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
    """The dtype and device of the layer's parameters, the defaults without any."""
    parameter = next(layer.parameters(), None)
    return {} if parameter is None else {"dtype": parameter.dtype, "device": parameter.device}


POOLS_BY_AXES = (
    (nn.AvgPool1d, nn.AdaptiveAvgPool1d, nn.MaxPool1d),
    (nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.MaxPool2d),
    (nn.AvgPool3d,),
)


def _pooled_axes(layer: nn.Module, input_shape: Shape) -> int:
    """How many axes the layer pools over. Raises ValueError unless the sample has a channel axis besides."""
    axes = next(count for count, kinds in enumerate(POOLS_BY_AXES, start=1) if isinstance(layer, kinds))
    if len(input_shape) != axes + 1:
        raise ValueError(
            f"`input_shape` must have a channel axis and {axes} more for {type(layer).__name__}, got {input_shape}"
        )
    return axes


def _per_axis(value: Any, axes: int) -> tuple[Any, ...]:
    """A setting that torch takes as one number or one per axis, as a tuple; an entry may be None where torch's may."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes
