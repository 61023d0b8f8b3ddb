"""nn.GELU."""

import math

import torch
from torch import Tensor, nn

from natrob_theory.layers.activation import AbstractActivation, wave
from natrob_theory.layers.answers import describes
from natrob_theory.layers.refusal import ActivationRefusedError, refuse
from natrob_theory.layers.statements import Shape, Slopes

GELU_STEEPEST = 1.1289041451852
"""Φ(√2) + √2φ(√2), rounded up."""


@describes(nn.GELU)
class GELUAnswers(AbstractActivation[nn.GELU]):
    """xΦ(x): σ' = Φ(x) + xφ(x). Proof: proofs/symbolic/gelu_steepest_slope.py."""

    def slopes(self, lower: Tensor, upper: Tensor) -> Slopes:
        """σ'' = φ(x)(2 − x²) vanishes at ±√2 alone. The tanh form is another function and refused."""
        if self.module.approximate != "none":
            raise ActivationRefusedError("the slopes of activation GELU with the tanh approximation are not known")

        def derivative(x: Tensor) -> Tensor:
            return torch.special.ndtr(x) + x * torch.exp(-0.5 * x**2) / math.sqrt(2.0 * math.pi)

        turns = (-math.sqrt(2.0), math.sqrt(2.0))
        return wave(lower, upper, derivative, turns=turns, extremes=(1.0 - GELU_STEEPEST, GELU_STEEPEST))

    def lipschitz(self, input_shape: Shape) -> float:
        """The steepest slope, at √2."""
        if self.module.approximate != "none":
            refuse(self.module, input_shape, "the tanh approximation")
        return super().lipschitz(input_shape)
