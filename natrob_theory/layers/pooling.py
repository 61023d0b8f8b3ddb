"""Pooling: averages as convolutions or disjoint windows, maxima by the windows that share a pixel.

Proof: proofs/symbolic/pooling_norms.py.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from natrob_theory.layers.affine import RELATIVE, product_error
from natrob_theory.layers.answers import AbstractLayer, Described, describes
from natrob_theory.layers.entry_sums import reach_through
from natrob_theory.layers.matrices import linear_map, matrix_from_images
from natrob_theory.layers.questions import lipschitz_of_layer
from natrob_theory.layers.refusal import refuse
from natrob_theory.layers.statements import Affine, Piece, Shape
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON
from natrob_theory.spectra.torus_convolution import round_to_multiple, torus_norm_upper


class AbstractAveraging(AbstractLayer[Described]):
    """A linear map without weights, whose entries are all positive quotients."""

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """The layer itself, or its adjoint; a sum has at most as many terms as there are pixels."""
        lipschitz_of_layer(self.module, input_shape)  # refuses what is refused there
        return reach_through(self.module, norm, sizes, input_shape, terms=math.prod(input_shape[1:]) + 4)

    def pieces(self, input_shape: Shape) -> list[Piece]:
        """The matrix, read off the images of unit vectors, where it fits."""
        matrix = matrix_from_images(self.module, input_shape)
        return super().pieces(input_shape) if matrix is None else [linear_map(matrix, entry_error=4 * EPSILON)]

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """All weights are positive, so ‖|A|‖ = ‖A‖; a window has at most all pixels."""
        constant = lipschitz_of_layer(self.module, input_shape)
        return product_error(math.prod(input_shape[1:]), unit) * constant * norm * RELATIVE


@describes(nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
class AvgPoolAnswers(AbstractAveraging[nn.AvgPool1d | nn.AvgPool2d | nn.AvgPool3d]):
    """A convolution of each channel with the constant kernel 1/kᵈ."""

    def lipschitz(self, input_shape: Shape) -> float:
        """The torus method."""
        layer = self.module
        axes = _pooled_axes(layer, input_shape)
        taps, strides, padding = (per_axis(v, axes) for v in (layer.kernel_size, layer.stride, layer.padding))
        if layer.ceil_mode or (any(padding) and not layer.count_include_pad):
            return refuse(layer, input_shape, "ceil_mode or count_include_pad=False")
        if getattr(layer, "divisor_override", None) is not None:
            return refuse(layer, input_shape, "divisor_override")
        kernel = torch.full((1, 1, *taps), 1.0 / math.prod(taps), dtype=torch.float64)
        full = [size + tap - 1 for size, tap in zip(input_shape[1:], taps, strict=True)]
        grid = [round_to_multiple(size, step) for size, step in zip(full, strides, strict=True)]
        return torus_norm_upper(kernel, grid=grid, stride=strides)


@describes(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d)
class AdaptiveAvgPoolAnswers(AbstractAveraging[nn.AdaptiveAvgPool1d | nn.AdaptiveAvgPool2d]):
    """Averages over windows that fit the output size."""

    def lipschitz(self, input_shape: Shape) -> float:
        """Disjoint windows of equal size p average with norm 1/√p."""
        _pooled_axes(self.module, input_shape)
        sizes = input_shape[1:]
        wanted = per_axis(self.module.output_size, len(sizes))
        outputs = [size if out is None else out for out, size in zip(wanted, sizes, strict=True)]
        if any(size % out for size, out in zip(sizes, outputs, strict=True)):
            return refuse(self.module, input_shape, f"an output size {tuple(outputs)} that does not divide the input's")
        return math.sqrt(math.prod(outputs) / math.prod(sizes)) * (1.0 + 4 * EPSILON)


@describes(nn.MaxPool1d, nn.MaxPool2d)
class MaxPoolAnswers(AbstractLayer[nn.MaxPool1d | nn.MaxPool2d]):
    """The largest entry of each window: entries are compared, nothing is rounded."""

    def lipschitz(self, input_shape: Shape) -> float:
        """|max a − max b| ≤ max |a − b| in each window, so √(windows that share a pixel) bounds the L2 constant."""
        return math.sqrt(self._windows_of_a_pixel(input_shape)) * (1.0 + 2 * EPSILON)

    def lipschitz_in(self, norm: Norm, input_shape: Shape) -> float:
        """1 in L∞; in L1 the windows that share a pixel, which one that is the largest in all of them attains."""
        if norm == "L2":
            return lipschitz_of_layer(self.module, input_shape)
        windows = self._windows_of_a_pixel(input_shape)
        return 1.0 if norm == "Linf" else float(windows)

    def _windows_of_a_pixel(self, input_shape: Shape) -> int:
        """At least how many windows share a pixel."""
        layer = self.module
        if layer.return_indices:
            return refuse(layer, input_shape, "return_indices=True")
        axes = _pooled_axes(layer, input_shape)
        taps, strides, steps = (per_axis(v, axes) for v in (layer.kernel_size, layer.stride, layer.dilation))
        shared = [
            min(tap, -(-((tap - 1) * step + 1) // stride))
            for tap, stride, step in zip(taps, strides, steps, strict=True)
        ]
        return math.prod(shared)

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """Nothing is rounded."""
        return 0.0 * norm


def _pooled_axes(layer: nn.Module, input_shape: Shape) -> int:
    """How many axes the layer pools over. Raises ValueError unless the sample has a channel axis besides."""
    axes = int(next(kind.__name__[-2] for kind in type(layer).__mro__ if kind.__module__ == nn.AvgPool1d.__module__))
    if len(input_shape) != axes + 1:
        raise ValueError(
            f"`input_shape` must have a channel axis and {axes} more for {type(layer).__name__}, got {input_shape}"
        )
    return axes


def per_axis(value: Any, axes: int) -> tuple[Any, ...]:
    """A setting that torch takes as one number or one per axis, as a tuple; an entry may be None where torch's may."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes
