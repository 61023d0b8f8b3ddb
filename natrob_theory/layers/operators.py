"""Affine maps as products with W, with its transpose and with its entries' sizes; convolutions are never written out.

The transpose of a convolution is the transposed convolution with the same kernel, stride, padding, dilation and groups.
What a layer moves, drops or repeats is a selection, whose transpose adds up.
"""

import abc
import math
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, final

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from natrob_theory.layers.statements import Activation, AffineMap, Shape

_CONVOLUTIONS = (functional.conv1d, functional.conv2d, functional.conv3d)
_TRANSPOSED = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)


class AbstractOperator(abc.ABC):
    """x -> Wx + b on flat vectors in float64.

    Attributes:
        inputs, outputs: how many entries there are.
        terms: at most so many products are summed in an entry of Wx or Wᵀv.
        entry_error: every entry of the exact W is within this, relatively, of the stored one.
        bias: b as stored.
        bias_error: absolute, per entry of b.
    """

    inputs: int
    outputs: int
    terms: int
    entry_error: float
    bias: Float[Tensor, " outputs"]
    bias_error: Float[Tensor, " outputs"]

    @abc.abstractmethod
    def product(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """Wx."""

    @abc.abstractmethod
    def magnitude(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """|W|x."""

    @abc.abstractmethod
    def transposed(self, rows: Float[Tensor, "*batch outputs"]) -> Float[Tensor, "*batch inputs"]:
        """Wᵀv."""


class LargestOf(NamedTuple):
    """Every output is the largest of some entries.

    Attributes:
        entries: which ones, counted from 0; an entry may repeat.
    """

    entries: Int64[Tensor, "candidates outputs"]


Operation: TypeAlias = AbstractOperator | Activation | LargestOf
"""A part of a layer that needs no matrix."""


@final
class DenseOperator(AbstractOperator):
    """A matrix that is written out."""

    def __init__(self, layer: AffineMap) -> None:
        self._matrix = layer.matrix.double()
        self._sizes = self._matrix.abs()
        self.outputs, self.inputs = self._matrix.shape
        self.terms = max(self.inputs, self.outputs)
        self.entry_error = layer.entry_error
        self.bias, self.bias_error = layer.bias.double(), layer.bias_error.double()

    def product(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """Wx."""
        return x @ self._matrix.T

    def magnitude(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """|W|x."""
        return x @ self._sizes.T

    def transposed(self, rows: Float[Tensor, "*batch outputs"]) -> Float[Tensor, "*batch inputs"]:
        """Wᵀv."""
        return rows @ self._matrix


@final
class RepeatedOperator(AbstractOperator):
    """One matrix on every part of a vector, as a linear layer over the last axis has it.

    Args:
        weight: (outputs of a part, inputs of a part), exact.
        bias: of a part, exact; None for none.
        copies: how many parts there are.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, *, copies: int) -> None:
        self._weight, self._copies = weight.detach().double(), copies
        outputs, inputs = weight.shape
        self.outputs, self.inputs, self.terms = outputs * copies, inputs * copies, max(weight.shape)
        self.entry_error = 0.0
        zeros = self._weight.new_zeros(outputs)
        self.bias = (zeros if bias is None else bias.detach().double()).repeat(copies)
        self.bias_error = torch.zeros_like(self.bias)

    def product(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """Wx."""
        return self._on_parts(x, self._weight.T)

    def magnitude(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """|W|x."""
        return self._on_parts(x, self._weight.abs().T)

    def transposed(self, rows: Float[Tensor, "*batch outputs"]) -> Float[Tensor, "*batch inputs"]:
        """Wᵀv."""
        return self._on_parts(rows, self._weight)

    def _on_parts(self, x: Tensor, matrix: Tensor) -> Tensor:
        return (x.unflatten(-1, (self._copies, -1)) @ matrix).flatten(-2)


@final
class ScaleOperator(AbstractOperator):
    """A factor for each entry: a diagonal matrix.

    Args:
        scale: the factors.
        bias, bias_error: as in `AffineMap`.
        entry_error: of the factors, relatively.
    """

    def __init__(self, scale: Tensor, bias: Tensor, *, entry_error: float, bias_error: Tensor) -> None:
        self._scale = scale
        self.inputs = self.outputs = len(scale)
        self.terms, self.entry_error = 1, entry_error
        self.bias, self.bias_error = bias, bias_error

    def product(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """Entry for entry."""
        return x * self._scale

    def magnitude(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """By the factors' sizes."""
        return x * self._scale.abs()

    def transposed(self, rows: Float[Tensor, "*batch outputs"]) -> Float[Tensor, "*batch inputs"]:
        """A diagonal matrix is its own transpose."""
        return rows * self._scale


@final
class SelectionOperator(AbstractOperator):
    """Every output is an entry of the input or a constant: nothing is rounded but sums of the transpose.

    Args:
        entries: which entry stands where, counted from 1; 0 is the constant.
        inputs: how many entries there are.
        constant: the constant.
    """

    def __init__(self, entries: Int64[Tensor, " outputs"], inputs: int, *, constant: float = 0.0) -> None:
        self._entries, self.inputs, self.outputs = entries, inputs, len(entries)
        self.terms = max(1, int(torch.bincount(entries, minlength=2)[1:].max()))
        self.entry_error = 0.0
        self.bias = constant * (entries == 0).double()
        self.bias_error = torch.zeros_like(self.bias)

    def product(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """The entries; 0 where the constant stands."""
        return functional.pad(x, (1, 0))[..., self._entries]

    def magnitude(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """The entries."""
        return self.product(x)

    def transposed(self, rows: Float[Tensor, "*batch outputs"]) -> Float[Tensor, "*batch inputs"]:
        """The sum of the outputs that an entry stands in."""
        sums = rows.new_zeros((*rows.shape[:-1], self.inputs + 1))
        return sums.index_add(-1, self._entries.to(rows.device), rows)[..., 1:]


@final
@dataclass(frozen=True, kw_only=True)
class Windows:
    """How a kernel meets images: products with a convolution and with its transpose, on flat vectors.

    Attributes:
        stride, padding, dilation: per axis; the padding is of zeros, on both sides.
        groups: of channels.
        larger: (channels, *sizes) of the images that the convolution takes.
        smaller: of those that it gives.
    """

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    larger: Shape
    smaller: Shape

    def convolved(self, x: Float[Tensor, "*batch larger"], kernel: Tensor) -> Float[Tensor, "*batch smaller"]:
        """Wx."""
        images = x.reshape(-1, *self.larger)
        convolve = _CONVOLUTIONS[len(self.stride) - 1]
        found = convolve(images, kernel, None, self.stride, self.padding, self.dilation, self.groups)  # type: ignore[arg-type]
        return found.view(*x.shape[:-1], -1)

    def spread(self, v: Float[Tensor, "*batch smaller"], kernel: Tensor) -> Float[Tensor, "*batch larger"]:
        """Wᵀv."""
        images = v.reshape(-1, *self.smaller)
        spread = _TRANSPOSED[len(self.stride) - 1]
        found = spread(  # type: ignore[call-overload]
            images, kernel, None, self.stride, self.padding, self._left_over(kernel), self.groups, self.dilation
        )
        return found.view(*v.shape[:-1], -1)

    def terms(self, kernel: Tensor) -> int:
        """The most products in a sum of either."""
        return max(kernel.shape[0] // self.groups, kernel.shape[1]) * math.prod(kernel.shape[2:])

    def _left_over(self, kernel: Tensor) -> tuple[int, ...]:
        """Entries at the end of each axis that no window reaches."""
        settings = zip(
            self.larger[1:], self.smaller[1:], kernel.shape[2:], self.stride, self.padding, self.dilation, strict=True
        )
        return tuple(
            size - ((windows - 1) * step - 2 * pad + apart * (taps - 1) + 1)
            for size, windows, taps, step, pad, apart in settings
        )


class AbstractKernelOperator(AbstractOperator):
    """A kernel with both directions of its use.

    Args:
        windows: how the kernel meets images.
        kernel: (channels of the smaller images, channels of the larger ones in a group, *taps).
        bias: one a channel, exact; None for none.
        entry_error: of the kernel, relatively.
    """

    def __init__(self, windows: Windows, kernel: Tensor, bias: Tensor | None, *, entry_error: float = 0.0) -> None:
        self._windows, self._kernel = windows, kernel.detach().double()
        self._sizes = self._kernel.abs()
        self.terms, self.entry_error = windows.terms(kernel), entry_error
        taken, given = self._ends(windows)
        self.inputs, self.outputs = math.prod(taken), math.prod(given)
        zeros = self._kernel.new_zeros(given[0])
        each = zeros if bias is None else bias.detach().double()
        self.bias = each.repeat_interleave(math.prod(given[1:]))
        self.bias_error = torch.zeros_like(self.bias)

    @staticmethod
    @abc.abstractmethod
    def _ends(windows: Windows) -> tuple[Shape, Shape]:
        """The shapes of what it takes and of what it gives."""


@final
class ConvolutionOperator(AbstractKernelOperator):
    """A convolution with zeros around the image."""

    def product(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """The convolution."""
        return self._windows.convolved(x, self._kernel)

    def magnitude(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """That with the kernel's sizes."""
        return self._windows.convolved(x, self._sizes)

    def transposed(self, rows: Float[Tensor, "*batch outputs"]) -> Float[Tensor, "*batch inputs"]:
        """The transposed convolution."""
        return self._windows.spread(rows, self._kernel)

    @staticmethod
    def _ends(windows: Windows) -> tuple[Shape, Shape]:
        return windows.larger, windows.smaller


@final
class TransposedConvolutionOperator(AbstractKernelOperator):
    """The transpose of a convolution."""

    def product(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """The transposed convolution."""
        return self._windows.spread(x, self._kernel)

    def magnitude(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        """That with the kernel's sizes."""
        return self._windows.spread(x, self._sizes)

    def transposed(self, rows: Float[Tensor, "*batch outputs"]) -> Float[Tensor, "*batch inputs"]:
        """The convolution."""
        return self._windows.convolved(rows, self._kernel)

    @staticmethod
    def _ends(windows: Windows) -> tuple[Shape, Shape]:
        return windows.smaller, windows.larger
