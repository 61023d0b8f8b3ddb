"""What one layer rounds; the seam where users bound the rounding of a layer of their own.

    @layer_error.register
    def _(layer: MyLayer, input_shape: tuple[int, ...], norm: Tensor, unit: float) -> Tensor:
        return 3 * unit * norm

Model of arithmetic: fl(a ∘ b) = (a ∘ b)(1 + δ), |δ| ≤ u, sums in any order, so an inner product of length n errs by at
most γ_n Σ|w_i y_i|, γ_n = nu/(1 − nu) (Higham, *Accuracy and Stability of Numerical Algorithms*, (3.5)). Products by
Fourier or Winograd transforms, TensorFloat-32 and underflow are outside it.

Every bound here is a multiple of the input's norm and a constant, a pair (a, b) that stands for a‖x‖ + b with x the
image at the network's entrance. So it is computed once, and holds for every image.
"""

import inspect
import math
from functools import singledispatch
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.bounds.layer_rules import lipschitz_of_layer, output_shape
from natrob_theory.fields import (
    AutonomousField,
    DissipativeField,
    GradientFlowField,
    LinearField,
    ScaledField,
    SkewSymmetricField,
    SumField,
)
from natrob_theory.layers.activation_slopes import activation_slopes
from natrob_theory.layers.refusal import Shape

Affine = Float[Tensor, "2"]
"""(a, b): a‖x‖ + b, both at least 0, float64."""

RELATIVE = 1.0 + 1e-9
"""For the rounding of the bounds themselves, far more than it can be."""

ELEMENTWISE_ERROR = 32.0
"""An activation is taken to err by at most so many u(|x| + |σ(x)|), as in `ball_image`."""

SELECTING = (nn.Identity, nn.Flatten, nn.Unflatten, nn.ReLU, nn.ReLU6, nn.Hardtanh, nn.PixelUnshuffle, nn.PixelShuffle,
             nn.ZeroPad2d, nn.MaxPool1d, nn.MaxPool2d, nn.Dropout, nn.Dropout1d, nn.Dropout2d)  # fmt: skip
"""Layers that only move, compare or drop entries: nothing is rounded."""


class Evaluated(NamedTuple):
    """A value that was computed: ‖exact value‖ ≤ norm and ‖computed − exact‖ ≤ error."""

    norm: Affine
    error: Affine


def evaluated(layer: nn.Module, input_shape: Shape, before: Evaluated, unit: float) -> Evaluated:
    """The layer's value, computed from a computed input.

    ‖f(y)‖ ≤ L‖y‖ + ‖f(0)‖, and ‖fl f(ŷ) − f(y)‖ ≤ L‖ŷ − y‖ + ‖fl f(ŷ) − f(ŷ)‖.

    Args:
        layer: in float64.
        input_shape: of one sample.
        before: its input.
        unit: u of the arithmetic that is bounded, which may be another than float64's.

    Raises:
        LayerRefusedError: no Lipschitz constant is known for the layer.

    Proof: proofs/symbolic/evaluation_error.py.
    """
    if type(layer) is nn.Sequential:
        for part in layer:
            before = evaluated(part, input_shape, before, unit)
            input_shape = output_shape(part, input_shape)
        return before
    constant = lipschitz_of_layer(layer, input_shape)
    error = layer_error(layer, input_shape, before.norm + before.error, unit)
    return Evaluated(
        image_norm(layer, input_shape, before.norm, constant), (constant * before.error + error) * RELATIVE
    )


def image_norm(layer: nn.Module, input_shape: Shape, norm: Affine, constant: float) -> Affine:
    """L·norm + ‖f(0)‖."""
    return (constant * norm + only_constant(value_at_zero(layer, input_shape))) * RELATIVE


def value_at_zero(layer: nn.Module, input_shape: Shape) -> float:
    """‖f(0)‖, from above."""
    zeros = torch.zeros((1, *input_shape), dtype=torch.float64, device=_device(layer))
    with torch.no_grad():
        value = layer(torch.zeros((), dtype=torch.float64), zeros) if _is_field(layer) else layer(zeros)
    size = float(torch.linalg.vector_norm(value.double()))
    return size * RELATIVE + (0.0 if size == 0.0 else 1e-12 * size)


def only_constant(value: float) -> Affine:
    """(0, value)."""
    return torch.tensor([0.0, value], dtype=torch.float64)


@singledispatch
def layer_error(layer: nn.Module, input_shape: Shape, norm: Affine, unit: float) -> Affine:
    """At least ‖fl f(y) − f(y)‖ for every y of at most this norm whose entries the arithmetic can hold.

    A layer without a rule is taken to err by at most φu(‖f(y)‖ + L‖y‖), φ = d^1.5 for d entries of the larger of its
    two ends, as in `check_bound` (theory, section 7): an assumption for layers that users add.

    Proof: proofs/symbolic/evaluation_error.py.
    """
    constant = lipschitz_of_layer(layer, input_shape)
    entries = max(math.prod(input_shape), math.prod(_shape_after(layer, input_shape)))
    return float(entries) ** 1.5 * unit * (image_norm(layer, input_shape, norm, constant) + constant * norm)


for _kind in SELECTING:
    layer_error.register(_kind, lambda _layer, _shape, norm, _unit: 0.0 * norm)


def product_error(length: int, unit: float) -> float:
    """γ_n for n = length + 2: the bias and one more operation besides."""
    operations = (length + 2) * unit
    return operations / (1.0 - operations) if operations < 0.5 else math.inf


def _matrix_error(weight: Tensor, bias: Tensor | None, norm: Affine, unit: float, *, copies: int = 1) -> Affine:
    """γ(‖|W|‖‖y‖ + ‖b‖), ‖|W|‖ ≤ √(‖W‖₁‖W‖_∞); `weight` is (outputs, inputs, *taps), `copies` of b make the output."""
    size = weight.detach().double().abs().flatten(2) if weight.dim() > 2 else weight.detach().double().abs()[:, :, None]
    norm_of_sizes = math.sqrt(float(size.sum(dim=(1, 2)).max()) * float(size.sum(dim=(0, 2)).max()))
    offset = 0.0 if bias is None else float(torch.linalg.vector_norm(bias.detach().double())) * math.sqrt(copies)
    gamma = product_error(size.shape[1] * size.shape[2], unit)
    return gamma * (norm_of_sizes * norm + only_constant(offset)) * RELATIVE


@layer_error.register
def _(layer: nn.Linear, input_shape: Shape, norm: Affine, unit: float) -> Affine:
    copies = math.prod(input_shape[:-1])
    return _matrix_error(layer.weight, layer.bias, norm, unit, copies=copies)


@layer_error.register(nn.Conv1d)
@layer_error.register(nn.Conv2d)
@layer_error.register(nn.Conv3d)
def _(layer: Any, input_shape: Shape, norm: Affine, unit: float) -> Affine:
    """A tap meets an input at most once per output channel, so the sums over kernels bound ‖·‖₁ and ‖·‖_∞.

    With groups an input channel meets fewer outputs than are summed here over the folded kernel's columns; so all
    groups are summed, which is no less.
    """
    weight = layer.weight if layer.groups == 1 else _spread_groups(layer.weight, layer.groups)
    copies = math.prod(output_shape(layer, input_shape)[1:])
    return _matrix_error(weight, layer.bias, norm, unit, copies=copies)


def _spread_groups(weight: Tensor, groups: int) -> Tensor:
    """The kernel of a grouped convolution as one over all input channels, zero elsewhere."""
    outputs, inputs = weight.shape[:2]
    full = weight.new_zeros((outputs, inputs * groups, *weight.shape[2:]))
    for group, rows in enumerate(torch.arange(outputs, device=weight.device).chunk(groups)):
        full[rows, group * inputs : (group + 1) * inputs] = weight.detach()[rows]
    return full


@layer_error.register
def _(layer: LinearField, input_shape: Shape, norm: Affine, unit: float) -> Affine:
    return _matrix_error(layer.matrix, None, norm, unit)


@layer_error.register(nn.AvgPool1d)
@layer_error.register(nn.AvgPool2d)
@layer_error.register(nn.AvgPool3d)
@layer_error.register(nn.AdaptiveAvgPool1d)
@layer_error.register(nn.AdaptiveAvgPool2d)
def _(layer: nn.Module, input_shape: Shape, norm: Affine, unit: float) -> Affine:
    """All weights are positive, so ‖|A|‖ = ‖A‖; a window has at most all pixels."""
    constant = lipschitz_of_layer(layer, input_shape)
    return product_error(math.prod(input_shape[1:]), unit) * constant * norm * RELATIVE


@layer_error.register(nn.BatchNorm1d)
@layer_error.register(nn.BatchNorm2d)
@layer_error.register(nn.BatchNorm3d)
def _(layer: Any, input_shape: Shape, norm: Affine, unit: float) -> Affine:
    """(y − m)·s + b by four operations, s by a square root and a division more: 16u(|s||y| + |s||m| + |b|)."""
    constant = lipschitz_of_layer(layer, input_shape)
    pixels = math.sqrt(math.prod(input_shape[1:]))
    offset = 0.0
    if layer.running_mean is not None:
        offset += constant * float(torch.linalg.vector_norm(layer.running_mean.detach().double())) * pixels
    if layer.bias is not None:
        offset += float(torch.linalg.vector_norm(layer.bias.detach().double())) * pixels
    return 16 * unit * (constant * norm + only_constant(offset)) * RELATIVE


@layer_error.register
def _(layer: AutonomousField, input_shape: Shape, norm: Affine, unit: float) -> Affine:
    return evaluated(layer.module, input_shape, Evaluated(norm, 0.0 * norm), unit).error


@layer_error.register
def _(layer: nn.Sequential, input_shape: Shape, norm: Affine, unit: float) -> Affine:
    return evaluated(layer, input_shape, Evaluated(norm, 0.0 * norm), unit).error


@layer_error.register
def _(layer: GradientFlowField, input_shape: Shape, norm: Affine, unit: float) -> Affine:
    """Wᵀ has the norm and the inner products of W, exchanged."""
    chain = nn.Sequential(layer.linear_map, layer.activation)
    inner = evaluated(chain, input_shape, Evaluated(norm, 0.0 * norm), unit)
    outer = lipschitz_of_layer(layer.linear_map, input_shape)
    transposed = layer.linear_map.weight.transpose(0, 1)
    return (outer * inner.error + _matrix_error(transposed, None, inner.norm + inner.error, unit)) * RELATIVE


@layer_error.register
def _(layer: SkewSymmetricField, input_shape: Shape, norm: Affine, unit: float) -> Affine:
    """Two products and a difference."""
    weight = layer.linear_map.weight
    both = _matrix_error(weight, None, norm, unit) + _matrix_error(weight.transpose(0, 1), None, norm, unit)
    outer = lipschitz_of_layer(layer.linear_map, input_shape)
    return (both * (1.0 + unit) + 2 * unit * outer * norm) * RELATIVE


@layer_error.register
def _(layer: DissipativeField, input_shape: Shape, norm: Affine, unit: float) -> Affine:
    inner = _value_of(layer.field, input_shape, norm, unit)
    return (inner.error + 4 * unit * (inner.norm + inner.error + layer.rate * norm)) * RELATIVE


@layer_error.register
def _(layer: SumField, input_shape: Shape, norm: Affine, unit: float) -> Affine:
    parts = [_value_of(field, input_shape, norm, unit) for field in layer.fields]
    error = sum((part.error for part in parts), 0.0 * norm)
    return (error + (len(parts) + 2) * unit * sum((p.norm + p.error for p in parts), 0.0 * norm)) * RELATIVE


@layer_error.register
def _(layer: ScaledField, input_shape: Shape, norm: Affine, unit: float) -> Affine:
    inner = _value_of(layer.field, input_shape, norm, unit)
    return abs(layer.factor) * (inner.error + 4 * unit * (inner.norm + inner.error)) * RELATIVE


def _value_of(field: nn.Module, input_shape: Shape, norm: Affine, unit: float) -> Evaluated:
    return evaluated(field, input_shape, Evaluated(norm, 0.0 * norm), unit)


def _activation_error(layer: nn.Module, input_shape: Shape, norm: Affine, unit: float) -> Affine:
    constant = lipschitz_of_layer(layer, input_shape)
    return ELEMENTWISE_ERROR * unit * (norm + image_norm(layer, input_shape, norm, constant))


for _kind in activation_slopes.registry:
    if _kind is not object and _kind not in SELECTING:
        layer_error.register(_kind, _activation_error)


FIELDS = (LinearField, AutonomousField, GradientFlowField, SkewSymmetricField, DissipativeField, SumField, ScaledField)


def _is_field(layer: nn.Module) -> bool:
    """Whether the module is called with a time: a field of this library, or one whose forward takes two arguments."""
    return isinstance(layer, FIELDS) or len(inspect.signature(layer.forward).parameters) >= 2


def _shape_after(layer: nn.Module, input_shape: Shape) -> Shape:
    return input_shape if _is_field(layer) else output_shape(layer, input_shape)


def _device(layer: nn.Module) -> torch.device:
    parameter = next(layer.parameters(), None)
    return torch.device("cpu") if parameter is None else parameter.device
