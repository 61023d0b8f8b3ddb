"""nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d in eval mode: a scale per channel.

It is folded into the linear layer or convolution before it: ‖diag(s)W‖₂ ≤ max|s|·‖W‖₂, with equality only where the
largest scale meets the largest singular direction. Proof: proofs/symbolic/batch_norm_folding.py.
"""

import math
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.layers.affine import RELATIVE, SCALE_ERROR, only_constant
from natrob_theory.layers.answers import AbstractLayer, asked, describes
from natrob_theory.layers.matrices import DENSE_LIMIT, linear_map
from natrob_theory.layers.operators import Operation, ScaleOperator
from natrob_theory.layers.questions import lipschitz_of_layer
from natrob_theory.layers.refusal import refuse, require_eval
from natrob_theory.layers.statements import Affine, AffineMap, Piece, Shape
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON, times_up

AnyBatchNorm: TypeAlias = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d


@describes(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
class BatchNormAnswers(AbstractLayer[AnyBatchNorm]):
    """diag(s)(y − mean) + shift with the running statistics."""

    def scale(self, input_shape: Shape) -> Float[Tensor, " channels"]:
        """γ/√(σ² + eps) with the running variance, float64, relative error at most `SCALE_ERROR`.

        Raises:
            ValueError: the layer is in training mode.
            LayerRefusedError: it keeps no running statistics.
        """
        layer = self.module
        require_eval(layer)
        if layer.running_var is None:
            refuse(layer, input_shape, "no running statistics, so its output depends on the batch")
        scale = 1.0 / torch.sqrt(layer.running_var.detach().double() + layer.eps)
        return scale if layer.weight is None else scale * layer.weight.detach().double()

    def lipschitz(self, input_shape: Shape) -> float:
        """max |s|."""
        return float(self.scale(input_shape).abs().max()) * (1.0 + 8 * EPSILON)

    def lipschitz_in(self, norm: Norm, input_shape: Shape) -> float:
        """max |s| in every norm."""
        return lipschitz_of_layer(self.module, input_shape)

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """The sizes times |s| of their channel, so that it joins the layer before it."""
        scale = self.scale(input_shape).abs() * (1.0 + 8 * EPSILON)
        return times_up(sizes.to(scale.device), scale.view(-1, *[1] * (len(input_shape) - 1)))

    def folded_into(self, before: nn.Module, input_shape: Shape) -> float | None:
        """‖diag(s)W‖₂ for the linear layer or convolution W directly before, which takes `input_shape`.

        None where one of the two does not compute what its kind computes, or W is neither.
        """
        answers, altered = asked(before, "lipschitz")
        if altered or asked(self.module, "lipschitz")[1]:
            return None
        return answers.scaled_lipschitz(input_shape, lambda: self.scale(input_shape))

    def pieces_after(self, before: list[Piece], input_shape: Shape) -> list[Piece]:
        """Joined with the affine map before it; alone a diagonal matrix, while that fits."""
        if before and isinstance(last := before[-1], AffineMap):
            return [*before[:-1], self._joined(last, input_shape)]
        entries, statistics = math.prod(input_shape), self.module.running_var
        if statistics is None or entries**2 > DENSE_LIMIT:
            return super().pieces_after(before, input_shape)
        identity = torch.eye(entries, dtype=torch.float64, device=statistics.device)
        return [*before, self._joined(linear_map(identity, entry_error=0.0), input_shape)]

    def operations(self, input_shape: Shape) -> list[Operation]:
        """The scales of the entries."""
        nothing = torch.zeros(1, dtype=torch.float64)
        scale, bias, bias_error = self._on_entries(nothing, nothing, input_shape)
        return [ScaleOperator(scale, bias, entry_error=2 * SCALE_ERROR, bias_error=bias_error)]

    def _joined(self, before: AffineMap, input_shape: Shape) -> AffineMap:
        """diag(s)(Wx + b − mean) + shift."""
        scale, bias, bias_error = self._on_entries(before.bias, before.bias_error, input_shape)
        return AffineMap(
            matrix=scale[:, None] * before.matrix.to(scale.device),
            bias=bias,
            entry_error=before.entry_error + 2 * SCALE_ERROR,
            bias_error=bias_error,
        )

    def _on_entries(self, bias: Tensor, bias_error: Tensor, input_shape: Shape) -> tuple[Tensor, Tensor, Tensor]:
        """The scale of every entry, and what becomes of a bias and its error before the layer."""
        scale, pixels = self.scale(input_shape), math.prod(input_shape[1:])
        zeros = torch.zeros_like(scale)
        mean = zeros if self.module.running_mean is None else self.module.running_mean.detach().double()
        shift = zeros if self.module.bias is None else self.module.bias.detach().double()
        scale, mean, shift = (values.repeat_interleave(pixels) for values in (scale, mean, shift))
        # a layer without weights wrote its matrix out where no device was known
        bias, bias_error = bias.to(scale.device), bias_error.to(scale.device)
        size = scale.abs() * (bias.abs() + mean.abs()) + shift.abs()
        error = (scale.abs() * bias_error + 4 * SCALE_ERROR * size) * (1.0 + 4 * SCALE_ERROR)
        return scale, scale * (bias - mean) + shift, error

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """(y − m)·s + b by four operations, s by a square root and a division more: 16u(|s||y| + |s||m| + |b|)."""
        constant = lipschitz_of_layer(self.module, input_shape)
        pixels = math.sqrt(math.prod(input_shape[1:]))
        offset = 0.0
        if self.module.running_mean is not None:
            offset += constant * float(torch.linalg.vector_norm(self.module.running_mean.detach().double())) * pixels
        if self.module.bias is not None:
            offset += float(torch.linalg.vector_norm(self.module.bias.detach().double())) * pixels
        return 16 * unit * (constant * norm + only_constant(offset)) * RELATIVE
