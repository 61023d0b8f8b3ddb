"""nn.Linear."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from natrob_theory.layers.affine import SCALE_ERROR, matrix_error
from natrob_theory.layers.answers import AbstractLayer, describes
from natrob_theory.layers.entry_sums import absolute, reach_through
from natrob_theory.layers.matrices import exact_map
from natrob_theory.layers.operators import Operation, RepeatedOperator
from natrob_theory.layers.questions import lipschitz_of_layer
from natrob_theory.layers.statements import Affine, BallField, OneSidedConstant, Piece, Shape, Structure
from natrob_theory.numbers.balls import add_column, exact_matrix
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON
from natrob_theory.spectra.eigenvalues import largest_eigenvalue_upper
from natrob_theory.spectra.singular_values import matrix_norm_upper, spectral_norm_upper


@describes(nn.Linear)
class LinearAnswers(AbstractLayer[nn.Linear]):
    """Wy + b over the last axis. Proof: proofs/coq/one_sided.v, proofs/coq/perturbed_norms.v."""

    def lipschitz(self, input_shape: Shape) -> float:
        """‖W‖₂."""
        self._require_features(input_shape)
        return matrix_norm_upper(self.module.weight)

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """|W|a, |W|ᵀb: row and column sums."""
        self._require_features(input_shape)
        return dense_reach(self.module.weight, norm, sizes, input_shape)

    def scaled_lipschitz(self, input_shape: Shape, scale: Callable[[], Tensor]) -> float | None:
        """‖diag(s)W‖₂ of vectors; in samples with more axes the outputs are not where channels are looked for."""
        if len(input_shape) != 1:
            return None
        return spectral_norm_upper(scale()[:, None] * self.module.weight.detach().double(), input_error=2 * SCALE_ERROR)

    def pieces(self, input_shape: Shape) -> list[Piece]:
        """W and b of vectors."""
        if len(input_shape) != 1:
            return super().pieces(input_shape)
        return [exact_map(self.module.weight, self.module.bias)]

    def operations(self, input_shape: Shape) -> list[Operation]:
        """W on every part of the last axis."""
        copies = math.prod(input_shape[:-1])
        return [RepeatedOperator(self.module.weight, self.module.bias, copies=copies)]

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """Inner products over the features."""
        return matrix_error(self.module.weight, self.module.bias, norm, unit, copies=math.prod(input_shape[:-1]))

    def in_balls(self) -> BallField:
        """Exact weights, times balls."""
        weight = exact_matrix(self.module.weight)
        if self.module.bias is None:
            return lambda _time, state: weight * state
        bias = exact_matrix(self.module.bias[:, None])
        return lambda _time, state: add_column(weight * state, bias)

    def one_sided(self, input_shape: Shape) -> OneSidedConstant:
        """λ_max of the symmetric part of a square W."""
        constant = lipschitz_of_layer(self.module, input_shape)
        if self.module.in_features != self.module.out_features:
            return OneSidedConstant(constant, "μ ≤ K of a linear layer that is not square")
        return one_sided_of_matrix(self.module.weight)

    def one_sided_in(self, norm: Norm, input_shape: Shape) -> OneSidedConstant:
        """The logarithmic norm of a square W."""
        if norm == "L2" or self.module.in_features != self.module.out_features:
            return super().one_sided_in(norm, input_shape)
        self._require_features(input_shape)
        return logarithmic_norm_of_matrix(self.module.weight, norm)

    def _require_features(self, input_shape: Shape) -> None:
        if input_shape[-1] != self.module.in_features:
            raise ValueError(
                f"`input_shape` must end in {self.module.in_features} for this Linear layer, got {input_shape}"
            )

    def structure(self, input_shape: Shape) -> Structure:
        """Nothing: the constants come from the weights, whatever these are."""
        return Structure()


def dense_reach(matrix: Tensor, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
    """|W|a or |W|ᵀb over the last axis. Proof: proofs/symbolic/row_and_column_norms.py."""
    weight = absolute(matrix)
    return reach_through(
        lambda some: functional.linear(some.to(weight), weight), norm, sizes, input_shape, terms=max(weight.shape)
    )


def logarithmic_norm_of_matrix(matrix: Tensor, norm: Norm) -> OneSidedConstant:
    """max_i (A_ii + Σ_{j≠i}|A_ij|) in L∞, the same by columns in L1, rounded outward.

    Proof: proofs/symbolic/row_and_column_norms.py.
    """
    rows = matrix.detach().double() if norm == "Linf" else matrix.detach().double().t()
    sizes = rows.abs()
    others = sizes - torch.diag(sizes.diagonal())
    sums = rows.diagonal() + others.sum(dim=1)
    value = float((sums + (len(rows) + 2) * EPSILON * sizes.sum(dim=1)).max())
    return OneSidedConstant(value, f"largest {'row' if norm == 'Linf' else 'column'} sum, the diagonal with its sign")


def one_sided_of_matrix(matrix: Tensor) -> OneSidedConstant:
    """λ_max((A + Aᵀ)/2), rounded outward. Proof: proofs/coq/perturbed_norms.v (one_sided_with_error)."""
    no_error = torch.zeros((), dtype=torch.float64)
    value = float(largest_eigenvalue_upper(matrix.detach().double(), input_error=no_error))
    return OneSidedConstant(value, "largest eigenvalue of (A + Aᵀ)/2")
