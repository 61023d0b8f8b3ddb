"""Affine maps as relaxations use them: products with W, with its transpose and with its entries' sizes."""

import abc
from typing import final

from jaxtyping import Float
from torch import Tensor

from natrob_theory.layers.statements import AffineMap


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
