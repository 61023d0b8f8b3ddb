"""Affine maps written out as matrices on flat vectors."""

import math

import torch
from torch import Tensor, nn

from natrob_theory.layers.statements import AffineMap, Shape

DENSE_LIMIT = 2**21
"""The largest number of matrix entries that a layer may have to be written out: 16 MiB in float64."""


def exact_map(weight: Tensor, bias: Tensor | None) -> AffineMap:
    """A map whose stored entries are exact in float64."""
    matrix = weight.detach().double()
    zeros = matrix.new_zeros(len(matrix))
    return AffineMap(
        matrix=matrix, bias=zeros if bias is None else bias.detach().double(), entry_error=0.0, bias_error=zeros
    )


def linear_map(matrix: Tensor, *, entry_error: float) -> AffineMap:
    """A map without bias whose entries are off by this much, relatively."""
    zeros = matrix.new_zeros(len(matrix))
    return AffineMap(matrix=matrix.contiguous(), bias=zeros, entry_error=entry_error, bias_error=zeros)


def matrix_from_images(layer: nn.Module, shape: Shape) -> Tensor | None:
    """The matrix of a linear layer without weights, column by column; None where it is too large."""
    entries = math.prod(shape)
    if entries**2 > DENSE_LIMIT:
        return None
    return layer(torch.eye(entries, dtype=torch.float64).view(entries, *shape)).flatten(1).T.contiguous()
