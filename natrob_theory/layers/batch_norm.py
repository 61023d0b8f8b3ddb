"""Batch norm in eval mode: a scale per channel, folded into the linear layer or convolution before it.

‖diag(s)W‖₂ ≤ max|s|·‖W‖₂, with equality only where the largest scale meets the largest singular direction.
"""

from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.layers.altered_layers import computes_as
from natrob_theory.layers.convolution import convolution_norm_upper
from natrob_theory.layers.refusal import Shape, refuse, require_eval
from natrob_theory.numbers.rounding import EPSILON
from natrob_theory.spectra.singular_values import spectral_norm_upper

AnyBatchNorm: TypeAlias = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d

SCALE_ERROR = 4 * EPSILON
"""The relative error of a scale: three operations, and room."""


def channel_scale(layer: AnyBatchNorm, input_shape: Shape) -> Float[Tensor, " channels"]:
    """γ/√(σ² + eps) with the running variance, float64, relative error at most `SCALE_ERROR`.

    Raises:
        ValueError: the layer is in training mode.
        LayerRefusedError: it keeps no running statistics.
    """
    require_eval(layer)
    if layer.running_var is None:
        refuse(layer, input_shape, "no running statistics, so its output depends on the batch")
    scale = 1.0 / torch.sqrt(layer.running_var.detach().double() + layer.eps)
    return scale if layer.weight is None else scale * layer.weight.detach().double()


def folded_norm_upper(layer: nn.Module, following: nn.Module, input_shape: Shape) -> float | None:
    """‖diag(s)W‖₂ of a linear layer or convolution W and the batch norm directly after it, rounded outward.

    None where `following` is no batch norm over W's outputs, or one of the two does not compute what its kind
    computes. A Linear layer has its outputs where batch norm looks for channels only if samples are vectors.

    Raises:
        ValueError: the batch norm is in training mode.
        LayerRefusedError: as for each of the two layers.

    Proof: proofs/symbolic/batch_norm_folding.py.
    """
    if computes_as(following, nn.BatchNorm1d) and computes_as(layer, nn.Linear) and len(input_shape) == 1:
        scale = channel_scale(following, input_shape)
        return spectral_norm_upper(scale[:, None] * layer.weight.detach().double(), input_error=2 * SCALE_ERROR)
    for kind, norm in ((nn.Conv1d, nn.BatchNorm1d), (nn.Conv2d, nn.BatchNorm2d), (nn.Conv3d, nn.BatchNorm3d)):
        if computes_as(layer, kind) and computes_as(following, norm):
            scale = channel_scale(following, input_shape)
            return convolution_norm_upper(layer, input_shape, output_scale=scale)
    return None
