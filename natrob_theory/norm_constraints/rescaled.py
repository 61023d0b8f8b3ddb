"""Rows divided so that no norm needs to be computed at all."""

import math
from typing import final

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.norm_constraints.abstract_constraint import AbstractNormConstraint


@final
class RescaledRows(AbstractNormConstraint):
    """W = T^{−1/2}V with T_i = Σ_j |VVᵀ|_ij q_j/q_i, any q > 0: then WWᵀ = T^{−1/2}VVᵀT^{−1/2} ≤ I.

    For a convolution, rows are output channels and VVᵀ is the convolution with the correlations of the kernels, of
    2k − 1 taps; T_i sums the absolute values of all of them over j and the taps. That bounds the convolution on all of
    ℤ², of which zero padding is a part.

    q = e^θ with a trained θ, 0 at first.

    Why: 2|u_i||u_j| ≤ u_i²q_j/q_i + u_j²q_i/q_j, so ⟨u, VVᵀu⟩ ≤ Σ_ij |VVᵀ|_ij |u_i||u_j| ≤ Σ_i T_i u_i².

    Source: Prach and Lampert, ECCV 2022; Araujo et al., ICLR 2023.
    Proof: proofs/symbolic/rescaled_rows.py.

    Args:
        rows: outputs of the map.
    """

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.logarithms = nn.Parameter(torch.zeros(rows))

    def constrained(self, raw: Tensor) -> Tensor:
        """T^{−1/2}V; a row of zeros stays one."""
        logarithms = self.logarithms.to(raw.dtype)
        ratios = torch.exp(logarithms[None, :] - logarithms[:, None])
        sums = (_correlations(raw) * ratios).sum(dim=1)
        return raw * sums.clamp_min(torch.finfo(raw.dtype).tiny).rsqrt().view(-1, *[1] * (raw.dim() - 1))


def _correlations(raw: Tensor) -> Float[Tensor, "outputs outputs"]:
    """|VVᵀ|_ij, for a convolution summed over the taps."""
    taps = raw.shape[2:]
    if math.prod(taps) == 1:
        matrix = raw.flatten(1)
        return (matrix @ matrix.t()).abs()
    return F.conv2d(raw, raw, padding=[size - 1 for size in taps]).abs().sum(dim=(2, 3))
