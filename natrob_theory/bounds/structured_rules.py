"""Upper Lipschitz constants of the structured fields, from the norm of their linear map.

Proofs: proofs/coq/gradient_flow.v, proofs/coq/one_sided.v, proofs/symbolic/gradient_flow.py,
proofs/symbolic/hamiltonian_one_sided.py, proofs/symbolic/field_combinations.py, and for the kernel of A − Aᵀ
proofs/symbolic/transposed_convolution.py.
"""

import math

import torch
from torch import Tensor, nn

from natrob_theory.bounds.layer_rules import LayerRefusedError, Shape, layer_lipschitz, lipschitz_of_layer
from natrob_theory.fields import (
    DissipativeField,
    GradientFlowField,
    HamiltonianField,
    ScaledField,
    SkewSymmetricField,
    SumField,
)
from natrob_theory.fields.gradient_flow import require_monotone
from natrob_theory.fields.linear_map import require_linear_map
from natrob_theory.layers.altered_layers import hooks_of
from natrob_theory.layers.convolution import torus_norm_upper
from natrob_theory.numbers.rounding import EPSILON, product_up
from natrob_theory.spectra.singular_values import matrix_norm_upper


@layer_lipschitz.register
def _(layer: GradientFlowField, input_shape: Shape) -> float:
    """The largest slope of σ times ‖W‖₂²."""
    require_linear_map("linear_map", layer.linear_map)
    steepest = steepest_slope(layer)
    norm = lipschitz_of_layer(layer.linear_map, input_shape)
    return product_up(steepest, norm, norm)


def steepest_slope(layer: GradientFlowField) -> float:
    """The largest slope of the field's activation. Raises if a slope can leave [0, 1] or the activation is altered."""
    altered = hooks_of(layer.activation)
    if altered:
        raise LayerRefusedError(
            f"no Lipschitz upper bound is known for {type(layer.activation).__name__} with {altered}"
        )
    return require_monotone(layer.activation)


@layer_lipschitz.register
def _(layer: SkewSymmetricField, input_shape: Shape) -> float:
    """‖A − Aᵀ‖₂. The subtraction is off by at most u in each entry, and the sum of |entries| bounds either norm."""
    lipschitz_of_layer(layer.linear_map, input_shape)  # refuses a state that does not fit and an altered layer
    weight = layer.linear_map.weight.detach().double()
    if isinstance(layer.linear_map, nn.Linear):
        skew = weight - weight.t()
        norm = matrix_norm_upper(skew)
    else:
        require_linear_map("linear_map", layer.linear_map)
        skew = skew_kernel(weight)
        grid = [size + taps - 1 for size, taps in zip(input_shape[1:], skew.shape[2:], strict=True)]
        norm = torus_norm_upper(skew, grid=grid, stride=(1, 1))
    return norm + EPSILON * float(skew.abs().sum())


def skew_kernel(kernel: Tensor) -> Tensor:
    """The kernel of A − Aᵀ: the transposed convolution has the flipped kernel with its channels exchanged."""
    return kernel - torch.flip(kernel, dims=(2, 3)).transpose(0, 1)


@layer_lipschitz.register
def _(layer: HamiltonianField, input_shape: Shape) -> float:
    """The larger constant of the two halves."""
    return max(lipschitz_of_layer(half, half_shape(input_shape)) for half in (layer.first, layer.second))


def half_shape(input_shape: Shape) -> Shape:
    """The shape of half a state. Raises ValueError for an odd first axis."""
    if input_shape[0] % 2 == 1:
        raise ValueError(f"`input_shape` must have an even first axis for HamiltonianField, got {input_shape}")
    return (input_shape[0] // 2, *input_shape[1:])


@layer_lipschitz.register
def _(layer: DissipativeField, input_shape: Shape) -> float:
    """K_f + ρ; for a skew field √(K_f² + ρ²), since Ay and ρy are then at right angles."""
    constant = lipschitz_of_layer(layer.field, input_shape)
    if isinstance(layer.field, SkewSymmetricField):
        return math.hypot(constant, layer.rate) * (1.0 + 4 * EPSILON)
    return (constant + layer.rate) * (1.0 + 2 * EPSILON)


@layer_lipschitz.register
def _(layer: SumField, input_shape: Shape) -> float:
    """Σ K_i."""
    constants = [lipschitz_of_layer(field, input_shape) for field in layer.fields]
    return sum(constants) * (1.0 + 2 * len(constants) * EPSILON)


@layer_lipschitz.register
def _(layer: ScaledField, input_shape: Shape) -> float:
    """|c|K."""
    return product_up(abs(layer.factor), lipschitz_of_layer(layer.field, input_shape))
