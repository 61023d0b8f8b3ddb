"""A matrix with what its local bounds share, computed once."""

from dataclasses import replace
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.layers.statements import AffineMap
from natrob_theory.numbers.rounding import EPSILON
from natrob_theory.spectra.scaled_norms import scaled_columns_norms_upper
from natrob_theory.spectra.singular_values import spectral_norm_upper


@final
class PreparedMap:
    """x -> Wx + b, with the norms of W.

    Attributes:
        matrix, bias, bias_error: W, b and what b may be off, as in `AffineMap`.
        entry_error: of the entries of W, and of those of W times a diagonal, relatively.
        product_error: γ, how far an entry of a product with W may be off, relative to that of |W| with magnitudes.
        magnitude: |W|.
        norm: ‖W‖₂ at most.
        size: ‖W‖_F at most.
        row_norms: ‖w_i‖₂ at most, (1, outputs).
    """

    def __init__(self, layer: AffineMap, *, norm: float | None = None) -> None:
        self._layer = layer
        self.matrix, self.bias, self.bias_error = layer.matrix, layer.bias, layer.bias_error
        self.entry_error = layer.entry_error
        self.product_error = (layer.matrix.shape[1] + 8) * EPSILON + layer.entry_error
        self.magnitude = layer.matrix.abs()
        self.norm = spectral_norm_upper(layer.matrix, input_error=layer.entry_error) if norm is None else norm
        self.size = float(torch.linalg.matrix_norm(layer.matrix)) * (1.0 + 1e-9)
        self.row_norms = self._rounded(torch.linalg.vector_norm(layer.matrix, dim=1)[None])

    def on(self, device: torch.device) -> "PreparedMap":
        """Beside the points: the matrix of a layer without weights was made where no device was known."""
        if self.matrix.device == device:
            return self
        moved = {name: getattr(self._layer, name).to(device) for name in ("matrix", "bias", "bias_error")}
        return PreparedMap(replace(self._layer, **moved), norm=self.norm)

    def scaled_rows(self, diagonal: Float[Tensor, "samples inputs"]) -> Float[Tensor, "samples outputs"]:
        """‖w_i·diag(d)‖₂ at most."""
        return self._rounded(torch.linalg.vector_norm(self.matrix * diagonal[:, None, :], dim=2))

    def scaled_norm(self, diagonal: Float[Tensor, "samples inputs"]) -> Float[Tensor, " samples"]:
        """‖W·diag(d)‖₂ at most."""
        return scaled_columns_norms_upper(self.matrix[None], diagonal, input_error=self.entry_error + 4 * EPSILON)

    def _rounded(self, norms: Tensor) -> Tensor:
        return norms * (1.0 + (self.matrix.shape[1] + 12) * EPSILON + self.entry_error)
