"""Pad layers: zeros or a constant, reflection, replication, a circle; negative padding crops.

P is linear up to its constant, and PᵀP is diagonal with how often each pixel is used, so ‖P‖ is the root of the most.
"""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.nn import functional

from natrob_theory.layers.affine import RELATIVE, only_constant
from natrob_theory.layers.answers import AbstractLayer, describes
from natrob_theory.layers.entry_sums import reach_through
from natrob_theory.layers.matrices import DENSE_LIMIT
from natrob_theory.layers.operators import Operation, SelectionOperator
from natrob_theory.layers.statements import Affine, AffineMap, Piece, Shape
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON

AnyConstantPad: TypeAlias = nn.ConstantPad1d | nn.ConstantPad2d | nn.ConstantPad3d


class AbstractPadding(AbstractLayer[Any]):
    """Every output is an entry of the input or a constant. Proof: proofs/symbolic/padding_norms.py."""

    mode: str
    """As torch.nn.functional.pad takes it."""

    @property
    def value(self) -> float:
        """The number that is put where no entry is repeated."""
        return 0.0

    def lipschitz(self, input_shape: Shape) -> float:
        """√(how often the most used pixel is used), exact up to the root's rounding."""
        return padding_norm(self.pixels(input_shape), math.prod(self.sizes(input_shape)))

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """Padding, or its adjoint: a constant adds no difference, and in L1 a pixel counts as often as it is used."""
        pixels = self.pixels(input_shape)
        return reach_through(
            lambda some: functional.pad(some, tuple(self.module.padding), mode=self.mode),
            norm,
            sizes,
            input_shape,
            terms=int(torch.bincount(pixels, minlength=2)[1:].max()),
        )

    def pieces(self, input_shape: Shape) -> list[Piece]:
        """A matrix of zeros and ones, and the constant as bias, where it fits."""
        pixels, inputs = self.pixels(input_shape), math.prod(self.sizes(input_shape))
        piece = padding_map(pixels, inputs, copies=math.prod(input_shape) // inputs, value=self.value)
        return super().pieces(input_shape) if piece is None else [piece]

    def operations(self, input_shape: Shape) -> list[Operation]:
        """The pixels' numbers."""
        inputs = math.prod(self.sizes(input_shape))
        copies = math.prod(input_shape) // inputs
        return [padding_operator(self.pixels(input_shape), inputs, copies=copies, value=self.value)]

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """Nothing is rounded but the constant itself."""
        pixels, inputs = self.pixels(input_shape), math.prod(self.sizes(input_shape))
        constants = int((pixels == 0).sum()) * (math.prod(input_shape) // inputs)
        return 0.0 * norm + only_constant(2 * unit * abs(self.value) * math.sqrt(constants) * RELATIVE)

    def sizes(self, input_shape: Shape) -> Shape:
        """The axes that are padded. Raises ValueError where a sample has fewer."""
        axes = len(self.module.padding) // 2
        if len(input_shape) < axes:
            raise ValueError(
                f"`input_shape` must have at least {axes} axes for {type(self.module).__name__}, got {input_shape}"
            )
        return input_shape[len(input_shape) - axes :]

    def pixels(self, input_shape: Shape) -> Int[Tensor, " outputs"]:
        """Which pixel stands where, counted from 1; 0 is the constant."""
        return padded_numbers(self.sizes(input_shape), self.module.padding, self.mode).flatten().long()


@describes(nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d)
class ConstantPadAnswers(AbstractPadding):
    """A constant around the image, 0 in nn.ZeroPad1d, nn.ZeroPad2d and nn.ZeroPad3d."""

    mode = "constant"

    @property
    def value(self) -> float:
        """The layer's."""
        return float(self.module.value)


@describes(nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReflectionPad3d)
class ReflectionPadAnswers(AbstractPadding):
    """The image mirrored at its border pixels."""

    mode = "reflect"


@describes(nn.ReplicationPad1d, nn.ReplicationPad2d, nn.ReplicationPad3d)
class ReplicationPadAnswers(AbstractPadding):
    """The border pixels repeated."""

    mode = "replicate"


@describes(nn.CircularPad1d, nn.CircularPad2d, nn.CircularPad3d)
class CircularPadAnswers(AbstractPadding):
    """The image's other end."""

    mode = "circular"


def padded_numbers(sizes: Shape, padding: Sequence[int], mode: str) -> Tensor:
    """An image of pixel numbers 1, 2, …, padded as torch does it: (1, 1, *padded sizes), float64 on the CPU."""
    numbers = torch.arange(1.0, math.prod(sizes) + 1, dtype=torch.float64, device="cpu").view(1, 1, *sizes)
    return torch.nn.functional.pad(numbers, tuple(padding), mode=mode)


def padding_norm(pixels: Int[Tensor, " outputs"], inputs: int) -> float:
    """√(how often the most used pixel is used), rounded outward; `pixels` as in `AbstractPadding.pixels`."""
    most = int(torch.bincount(pixels, minlength=inputs + 1)[1:].max())
    root = math.isqrt(most)
    return float(root) if root * root == most else math.sqrt(most) * (1.0 + 2 * EPSILON)


def padding_map(pixels: Int[Tensor, " outputs"], inputs: int, *, copies: int, value: float = 0.0) -> AffineMap | None:
    """P on `copies` images one after the other, exact; None where it has too many entries."""
    outputs = len(pixels)
    if outputs * inputs * copies**2 > DENSE_LIMIT:
        return None
    one = torch.zeros((outputs, inputs + 1), dtype=torch.float64, device="cpu")
    one[torch.arange(outputs, device="cpu"), pixels] = 1.0
    matrix = torch.kron(torch.eye(copies, dtype=torch.float64, device="cpu"), one[:, 1:].contiguous())
    bias = (value * one[:, 0]).repeat(copies)
    return AffineMap(matrix=matrix, bias=bias, entry_error=0.0, bias_error=torch.zeros_like(bias))


def padding_operator(
    pixels: Int[Tensor, " outputs"], inputs: int, *, copies: int, value: float = 0.0
) -> SelectionOperator:
    """P on `copies` images one after the other, by the entries' numbers."""
    first = inputs * torch.arange(copies, device="cpu")[:, None]
    entries = torch.where(pixels > 0, pixels + first, 0).flatten()
    return SelectionOperator(entries, inputs * copies, constant=value)
