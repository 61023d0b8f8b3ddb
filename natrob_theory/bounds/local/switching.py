"""How much a matrix after activations can change what comes in, if their slopes move away from those at the centre."""

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.bounds.local.prepared_map import PreparedMap
from natrob_theory.numbers.rounding import EPSILON, round_up
from natrob_theory.spectra.scaled_norms import scaled_columns_norms_upper, scaled_rows_norms_upper


def switched(
    layer: PreparedMap, jacobian: Tensor | None, deviation: Float[Tensor, "samples entries"]
) -> Float[Tensor, " samples"]:
    """At least ‖WΘΔJ‖ for every diagonal |Θ| ≤ 1: by ‖W√Δ‖‖√ΔJ‖, or √(‖M‖₁‖M‖_∞) of M = |W|Δ|J|.

    Only rows of J and columns of W where Δ is not 0 count; where Δ = 0 everywhere the bound is 0.

    Proof: proofs/symbolic/local_lipschitz.py.
    """
    if jacobian is None:
        return round_up(layer.scaled_norm(deviation), 4)
    unstable = (deviation > 0).any(dim=0)
    if not bool(unstable.any()):
        return torch.zeros_like(deviation[:, 0])
    if unstable.shape == (1,):
        unstable = unstable.expand(jacobian.shape[1])
    weight, inner = layer.matrix[:, unstable], jacobian[:, unstable]
    moved = deviation.expand(-1, len(unstable))[:, unstable]
    root, error = moved.sqrt(), layer.entry_error + 4 * EPSILON
    left = scaled_columns_norms_upper(weight[None], root, input_error=error)
    right = scaled_rows_norms_upper(root, inner, input_error=4 * EPSILON)
    sizes, others = weight.abs(), inner.abs()
    columns = others.mT @ (moved * sizes.sum(dim=0))[:, :, None]
    rows = (moved * others.sum(dim=2)) @ sizes.T
    entries = sum(weight.shape) + inner.shape[2]
    schur = torch.sqrt(columns.amax(dim=(1, 2)) * rows.amax(dim=1))
    schur = schur * (1.0 + (entries + 16) * EPSILON + error)
    return round_up(torch.minimum(left * right, schur), 4)
