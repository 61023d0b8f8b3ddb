"""Pooling: averages as convolutions or disjoint windows, maxima by the windows that share a pixel.

Proof: proofs/symbolic/pooling_norms.py.
"""

import abc
import math
from typing import Any

import torch
from torch import Tensor, nn

from natrob_theory.layers.affine import RELATIVE, product_error
from natrob_theory.layers.answers import AbstractLayer, Described, describes
from natrob_theory.layers.entry_sums import reach_through
from natrob_theory.layers.matrices import linear_map, matrix_from_images
from natrob_theory.layers.operators import ConvolutionOperator, LargestOf, Operation, Windows
from natrob_theory.layers.questions import lipschitz_of_layer, output_shape
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

    def operations(self, input_shape: Shape) -> list[Operation]:
        """A convolution of each channel with a constant kernel."""
        lipschitz_of_layer(self.module, input_shape)  # refuses what is refused there
        taps, strides, padding = self.windows(input_shape)
        kernel = torch.full((input_shape[0], 1, *taps), 1.0 / math.prod(taps), dtype=torch.float64)
        windows = Windows(
            stride=strides,
            padding=padding,
            dilation=(1,) * len(taps),
            groups=input_shape[0],
            larger=input_shape,
            smaller=output_shape(self.module, input_shape),
        )
        return [ConvolutionOperator(windows, kernel, None, entry_error=4 * EPSILON)]

    @abc.abstractmethod
    def windows(self, input_shape: Shape) -> tuple[Shape, Shape, Shape]:
        """Sizes, strides and padding of the windows."""

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
        taps, strides, padding = self.windows(input_shape)
        if layer.ceil_mode or (any(padding) and not layer.count_include_pad):
            return refuse(layer, input_shape, "ceil_mode or count_include_pad=False")
        if getattr(layer, "divisor_override", None) is not None:
            return refuse(layer, input_shape, "divisor_override")
        kernel = torch.full((1, 1, *taps), 1.0 / math.prod(taps), dtype=torch.float64)
        full = [size + tap - 1 for size, tap in zip(input_shape[1:], taps, strict=True)]
        grid = [round_to_multiple(size, step) for size, step in zip(full, strides, strict=True)]
        return torus_norm_upper(kernel, grid=grid, stride=strides)

    def windows(self, input_shape: Shape) -> tuple[Shape, Shape, Shape]:
        """The layer's own."""
        layer, axes = self.module, _pooled_axes(self.module, input_shape)
        return per_axis(layer.kernel_size, axes), per_axis(layer.stride, axes), per_axis(layer.padding, axes)


@describes(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d)
class AdaptiveAvgPoolAnswers(AbstractAveraging[nn.AdaptiveAvgPool1d | nn.AdaptiveAvgPool2d]):
    """Averages over windows that fit the output size."""

    def lipschitz(self, input_shape: Shape) -> float:
        """Disjoint windows of equal size p average with norm 1/√p."""
        sizes, outputs = input_shape[1:], self._outputs(input_shape)
        if any(size % out for size, out in zip(sizes, outputs, strict=True)):
            return refuse(self.module, input_shape, f"an output size {outputs} that does not divide the input's")
        return math.sqrt(math.prod(outputs) / math.prod(sizes)) * (1.0 + 4 * EPSILON)

    def windows(self, input_shape: Shape) -> tuple[Shape, Shape, Shape]:
        """Disjoint ones."""
        sizes = zip(input_shape[1:], self._outputs(input_shape), strict=True)
        taps = tuple(size // out for size, out in sizes)
        return taps, taps, (0,) * len(taps)

    def _outputs(self, input_shape: Shape) -> Shape:
        axes = _pooled_axes(self.module, input_shape)
        wanted = zip(per_axis(self.module.output_size, axes), input_shape[1:], strict=True)
        return tuple(size if out is None else out for out, size in wanted)


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

    def operations(self, input_shape: Shape) -> list[Operation]:
        """The entries of each window; padding is replaced by an entry that the window has."""
        layer, axes = self.module, _pooled_axes(self.module, input_shape)
        lipschitz_of_layer(layer, input_shape)  # refuses what is refused there
        settings = (per_axis(v, axes) for v in (layer.kernel_size, layer.stride, layer.padding, layer.dilation))
        along = zip(input_shape[1:], output_shape(layer, input_shape)[1:], *settings, strict=True)
        numbers = torch.arange(math.prod(input_shape), device="cpu").view(input_shape)
        for axis, setting in zip(range(-axes, 0), along, strict=True):
            places = _window_places(*setting)
            numbers = numbers.index_select(axis, places.flatten()).unflatten(axis, places.shape).movedim(axis, 0)
        return [LargestOf(numbers.reshape(-1, math.prod(numbers.shape[axes:])))]

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """Nothing is rounded."""
        return 0.0 * norm


def _window_places(size: int, windows: int, taps: int, stride: int, padding: int, dilation: int) -> Tensor:
    """Where the taps of each window lie along an axis, (windows, taps); a tap on padding is moved to another tap."""
    places = torch.arange(windows, device="cpu")[:, None] * stride - padding
    places = places + torch.arange(taps, device="cpu") * dilation
    inside = (places >= 0) & (places < size)
    first = places.gather(1, inside.int().argmax(dim=1, keepdim=True))
    return torch.where(inside, places, first)


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
