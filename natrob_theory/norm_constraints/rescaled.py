"""Rows divided so that no norm needs to be computed at all."""

import math
from typing import final

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.norm_constraints.abstract_constraint import AbstractNormConstraint
from natrob_theory.norm_constraints.scaled_weight import scaled_weight
from natrob_theory.numbers.powers_of_two import power_of_two

LARGEST_LOGARITHM = 20.0
LARGEST_EXPONENT = 40
"""With both the quotients q_j/q_i stay below 10³⁰, far from overflow in float32. Any q > 0 gives a true bound."""


@final
class RescaledRows(AbstractNormConstraint):
    """W = T^{−1/2}V with T_i = Σ_j |VVᵀ|_ij q_j/q_i, any q > 0: then WWᵀ = T^{−1/2}VVᵀT^{−1/2} ≤ I.

    For a convolution, rows are output channels and VVᵀ is the convolution with the correlations of the kernels, of
    2k − 1 taps; T_i sums the absolute values of all of them over j and the taps. That bounds the convolution on all of
    ℤ², of which zero padding is a part.

    q = e^θ with a trained θ, 0 at first, cut off where |θ| > 20. Each row is scaled by a power of two first, which goes
    into its q (at most 2⁴⁰ below the largest), so that rows of every size are squared without under- or overflow.

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
        weight, exponent = scaled_weight(raw, tuple(range(1, raw.dim())))
        exponent = exponent.flatten()
        powers = power_of_two((exponent - exponent.max()).clamp_min(-LARGEST_EXPONENT), raw.dtype)
        q = torch.exp(self.logarithms.to(raw.dtype).clamp(-LARGEST_LOGARITHM, LARGEST_LOGARITHM)) * powers
        sums = (_correlations(weight) * (q[None, :] / q[:, None])).sum(dim=1)
        # A row's own length is at least ½, but for rows below the floor, which this makes shorter still.
        return weight * sums.clamp_min(0.25).rsqrt().view(-1, *[1] * (raw.dim() - 1))


def _correlations(raw: Tensor) -> Float[Tensor, "outputs outputs"]:
    """|VVᵀ|_ij, for a convolution summed over the taps."""
    taps = raw.shape[2:]
    if math.prod(taps) == 1:
        matrix = raw.flatten(1)
        return (matrix @ matrix.t()).abs()
    return F.conv2d(raw, raw, padding=[size - 1 for size in taps]).abs().sum(dim=(2, 3))
