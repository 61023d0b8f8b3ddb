"""A stack of matrices that are in memory, for tests of the search."""

from typing import final

import torch
from torch import Tensor

from natrob_theory.spectra.matrix_stack import AbstractMatrixStack
from natrob_theory.spectra.singular_values import spectral_norms_upper


@final
class ExplicitStack(AbstractMatrixStack):
    """Complex128 matrices of about unit size, wide or square."""

    def __init__(self, matrices: Tensor) -> None:
        self.matrices = matrices
        self.device = matrices.device
        self.decomposed = 0

    @property
    def count(self) -> int:
        """How many."""
        return len(self.matrices)

    @property
    def rows(self) -> int:
        """Of each."""
        return self.matrices.shape[1]

    def norms_upper(self, chosen: Tensor) -> Tensor:
        """By decomposition; counts for how many."""
        self.decomposed += len(chosen)
        return spectral_norms_upper(self.matrices[chosen])

    def grams(self, chosen: Tensor, dtype: torch.dtype) -> Tensor:
        """Products in double precision, rounded."""
        return (self.matrices[chosen] @ self.matrices[chosen].mH).to(dtype)

    def gram_error(self, dtype: torch.dtype) -> float:
        """For sums of as many products as there are columns, and one rounding more."""
        size = float(torch.linalg.vector_norm(self.matrices, dim=(1, 2)).max()) ** 2
        return (4 * (self.matrices.shape[2] + 4) * 2.0**-53 + torch.finfo(dtype).eps) * size
