"""Layers that move, drop or repeat no entry twice: nothing is rounded, no length grows."""

import math

import torch
from torch import Tensor, nn

from natrob_theory.layers.answers import AbstractLayer, Described, describes
from natrob_theory.layers.entry_sums import ones_like_shape, reach_through
from natrob_theory.layers.matrices import linear_map, matrix_from_images
from natrob_theory.layers.operators import Operation, SelectionOperator
from natrob_theory.layers.questions import lipschitz_of_layer, output_shape
from natrob_theory.layers.refusal import require_eval
from natrob_theory.layers.statements import Affine, BallField, Opaque, Piece, Shape, Slopes
from natrob_theory.numbers.norms import Norm


class AbstractSelection(AbstractLayer[Described]):
    """A linear map whose outputs are entries of its input, each at most once, or 0."""

    def lipschitz(self, input_shape: Shape) -> float:
        """Moving and dropping entries makes no vector longer."""
        return 1.0

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """The layer itself, or its adjoint: in L1 an entry counts as often as it is taken."""
        lipschitz_of_layer(self.module, input_shape)  # refuses what is refused there
        ones = ones_like_shape(output_shape(self.module, input_shape))
        uses = 1 if norm == "Linf" else int(reach_through(self.module, norm, ones, input_shape, terms=1).max())
        return reach_through(self.module, norm, sizes, input_shape, terms=uses + 1)

    def pieces(self, input_shape: Shape) -> list[Piece]:
        """The matrix, read off the images of unit vectors, where it fits."""
        matrix = matrix_from_images(self.module, input_shape)
        if matrix is not None:
            return [linear_map(matrix, entry_error=0.0)]
        return [Opaque(lipschitz_of_layer(self.module, input_shape), self.module, input_shape)]

    def operations(self, input_shape: Shape) -> list[Operation]:
        """Where the entries go, read off an image of their numbers."""
        lipschitz_of_layer(self.module, input_shape)  # refuses what is refused there
        entries = math.prod(input_shape)
        numbers = torch.arange(1.0, entries + 1, dtype=torch.float64, device="cpu").view(1, *input_shape)
        return [SelectionOperator(self.module(numbers).flatten().long(), entries)]

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """Nothing is rounded."""
        return 0.0 * norm


@describes(nn.PixelShuffle, nn.PixelUnshuffle)
class PixelShuffleAnswers(AbstractSelection[nn.Module]):
    """Entries change places."""


@describes(nn.Flatten, nn.Unflatten)
class ReshapingAnswers(AbstractSelection[nn.Module]):
    """The flat vector stays as it is."""

    def lipschitz_in(self, norm: Norm, input_shape: Shape) -> float:
        """That in L2: 1."""
        return lipschitz_of_layer(self.module, input_shape)

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """The sizes, in the other shape."""
        lipschitz_of_layer(self.module, input_shape)
        shape = output_shape(self.module, input_shape) if norm == "Linf" else input_shape
        return sizes.reshape(len(sizes), *shape)

    def pieces(self, input_shape: Shape) -> list[Piece]:
        """None."""
        return []

    def in_balls(self) -> BallField:
        """The state itself."""
        return lambda _time, state: state


@describes(nn.Identity)
class IdentityAnswers(ReshapingAnswers):
    """The state stays as it is; also where an activation is asked for."""

    def output_shape(self, input_shape: Shape) -> Shape:
        """That of the input."""
        return input_shape

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """1 everywhere."""
        return Slopes(torch.ones_like(lower), torch.ones_like(upper))


@describes(nn.Dropout, nn.Dropout1d, nn.Dropout2d)
class DropoutAnswers(ReshapingAnswers):
    """The identity in eval mode; refused in training mode."""

    def lipschitz(self, input_shape: Shape) -> float:
        """1 in eval mode. Raises ValueError in training mode."""
        require_eval(self.module)
        return 1.0
