"""Norms and errors as pairs (a, b) that stand for a‖x‖ + b, and what products round.

Model of arithmetic: fl(a ∘ b) = (a ∘ b)(1 + δ), |δ| ≤ u, sums in any order, so an inner product of length n errs by at
most γ_n Σ|w_i y_i|, γ_n = nu/(1 − nu) (Higham, *Accuracy and Stability of Numerical Algorithms*, (3.5)). Products by
Fourier or Winograd transforms, TensorFloat-32 and underflow are outside it.

x is the image at the network's entrance, so a pair is computed once and holds for every image.
"""

import math

import torch
from torch import Tensor

from natrob_theory.layers.statements import Affine
from natrob_theory.numbers.rounding import EPSILON

RELATIVE = 1.0 + 1e-9
"""For the rounding of the bounds themselves, far more than it can be."""

ELEMENTWISE_ERROR = 32.0
"""An activation is taken to err by at most so many u(|x| + |σ(x)|), as in `ball_image`."""

SCALE_ERROR = 4 * EPSILON
"""The relative error of a batch norm's scale: three operations, and room."""


def only_constant(value: float) -> Affine:
    """(0, value)."""
    return torch.tensor([0.0, value], dtype=torch.float64)


def product_error(length: int, unit: float) -> float:
    """γ_n for n = length + 2: the bias and one more operation besides."""
    operations = (length + 2) * unit
    return operations / (1.0 - operations) if operations < 0.5 else math.inf


def matrix_error(weight: Tensor, bias: Tensor | None, norm: Affine, unit: float, *, copies: int = 1) -> Affine:
    """γ(‖|W|‖‖y‖ + ‖b‖), ‖|W|‖ ≤ √(‖W‖₁‖W‖_∞); `weight` is (outputs, inputs, *taps), `copies` of b make the output."""
    size = weight.detach().double().abs().flatten(2) if weight.dim() > 2 else weight.detach().double().abs()[:, :, None]
    norm_of_sizes = math.sqrt(float(size.sum(dim=(1, 2)).max()) * float(size.sum(dim=(0, 2)).max()))
    offset = 0.0 if bias is None else float(torch.linalg.vector_norm(bias.detach().double())) * math.sqrt(copies)
    gamma = product_error(size.shape[1] * size.shape[2], unit)
    return gamma * (norm_of_sizes * norm + only_constant(offset)) * RELATIVE
