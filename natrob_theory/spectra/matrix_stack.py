"""The seam between matrices that are formed when asked for and the search for their largest norm."""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor


class AbstractMatrixStack(ABC):
    """Matrices M_i and their products M_iM_i*, formed when asked for.

    1. `norms_upper` are upper bounds, as close as a decomposition is.
    2. `grams` are Hermitian in their lower triangles, which is all that is read of them.
    3. `gram_error` holds for every M_i and both precisions.

    Proof, of what is made of these: proofs/symbolic/norm_by_factorisation.py.
    """

    device: torch.device

    @property
    @abstractmethod
    def count(self) -> int:
        """How many matrices there are."""

    @property
    @abstractmethod
    def rows(self) -> int:
        """The size of M_iM_i*."""

    @abstractmethod
    def norms_upper(self, chosen: Int[Tensor, " chosen"]) -> Float[Tensor, " chosen"]:
        """‖M_i‖₂ of these, in float64, rounded outward."""

    @abstractmethod
    def grams(self, chosen: Int[Tensor, " chosen"], dtype: torch.dtype) -> Complex[Tensor, "chosen rows rows"]:
        """M_iM_i* of these in complex128 or complex64, in memory of their own."""

    @abstractmethod
    def gram_error(self, dtype: torch.dtype) -> float:
        """Bounds ‖M_iM_i* in memory − exact M_iM_i*‖₂."""
