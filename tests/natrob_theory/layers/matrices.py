"""A layer's matrix and its norm by dense linear algebra, to judge constants by."""

import math

import torch
from torch import Tensor, nn


def matrix_of(layer: nn.Module, shape: tuple[int, ...]) -> Tensor:
    """The matrix of an affine layer in float64, column by column."""
    entries = math.prod(shape)
    units = torch.eye(entries, dtype=torch.float64).view(entries, *shape)
    with torch.no_grad():
        zero = layer(torch.zeros((1, *shape), dtype=torch.float64))
        return (layer(units) - zero).flatten(1).T


def jacobian_norm(layer: nn.Module, point: Tensor) -> float:
    """‖J‖₂ at one sample."""
    jacobian = torch.autograd.functional.jacobian(lambda state: layer(state[None])[0].flatten(), point)
    return norm_of(jacobian.reshape(-1, point.numel()))


def norm_of(matrix: Tensor) -> float:
    """The largest singular value."""
    return float(torch.linalg.matrix_norm(matrix, 2))
