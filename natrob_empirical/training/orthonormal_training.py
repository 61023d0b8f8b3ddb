"""Orthonormal weights kept by a projection after every step, in place of a decomposition inside every pass."""

from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal, TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

from natrob_empirical.names.choices import require_choices
from natrob_empirical.training.abstract_method import (
    AbstractConstrainedTraining,
    AbstractTrainingMethod,
    AbstractWeightConstraint,
    StepOutcome,
)
from natrob_empirical.training.standard_method import StandardTraining
from natrob_theory import GradientFlowField, lipschitz_upper_bound

Products: TypeAlias = Literal["float32", "bfloat16"]

FINAL_ITERATIONS: Final = 8
"""In float64, from weights that are off by 0.1 at most: three reach the last digit."""


@final
@dataclass(frozen=True, kw_only=True)
class OrthonormalTraining(AbstractConstrainedTraining):
    """`method`, with the plain dense weights of gradient flows kept at orthonormal rows, or columns where fewer.

    Such a flow at Euler's largest step h = 2 maps c = w·y of each unit w to −|c + b| − b, and what is orthogonal to all
    of them to itself: no gradient shrinks on its way.

    The gradient G becomes its part G − ½(GWᵀ + WGᵀ)W along the set, and after the optimiser's step one iteration
    W ← W + ½(I − WWᵀ)W leads back to the set up to the square of the distance. At the end more iterations in float64
    do, and a weight whose upper bound of ‖W‖₂ still exceeds 1 is divided by it: the trained network is as contractive
    as one whose weights `natrob_theory.constrain_norm` computes, without the cost of a factorisation inside every step.

    Source: Absil, Mahony and Sepulchre, "Optimization Algorithms on Matrix Manifolds", 2008, sections 3.6 and 4.1;
        Björck and Bowie, SIAM Journal on Numerical Analysis 8 (1971), for the iteration.

    Attributes:
        method: whose loss is minimised.
        products: the precision of the products in gradient and iteration. "bfloat16" is several times as fast on a
            processor that multiplies it, and only corrections are computed in it; the end is in float64 either way.
    """

    name: ClassVar[str] = "orthonormal"

    method: AbstractTrainingMethod = field(default_factory=StandardTraining)
    products: Products = "float32"

    def __post_init__(self) -> None:
        require_choices(self)
        if not isinstance(self.method, AbstractTrainingMethod) or isinstance(self.method, AbstractConstrainedTraining):
            raise TypeError(f"`method` must be a training method without a constraint of its own, got {self.method!r}")

    def backward(self, model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator) -> StepOutcome:
        """Takes the gradient of `method`, and of each kept weight the part along the set."""
        outcome = self.method.backward(model, images, labels, generator=generator)
        for layer in orthonormal_layers(model):
            gradient = layer.weight.grad
            if gradient is not None:
                gradient.copy_(tangent_part(layer.weight.detach(), gradient, dtype=_dtype(self.products)))
        return outcome

    def constraint(self, model: nn.Module, image_shape: tuple[int, ...]) -> "OrthonormalProjection":
        """The projection of the model's plain dense gradient flows.

        Raises:
            ValueError: there are none.
        """
        layers = orthonormal_layers(model)
        if not layers:
            raise ValueError(
                "`model` must have gradient flows with plain nn.Linear weights for orthonormal training, got none; "
                'build it with `constraint` = "projected"'
            )
        return OrthonormalProjection(layers, dtype=_dtype(self.products))


@final
class OrthonormalProjection(AbstractWeightConstraint):
    """The projection.

    Args:
        layers: whose weights are kept.
        dtype: of the products between steps.
    """

    def __init__(self, layers: list[nn.Linear], *, dtype: torch.dtype) -> None:
        self._layers: Final = layers
        self._dtype = dtype

    def after_step(self) -> None:
        """Apply one iteration to each weight."""
        for layer in self._layers:
            layer.weight.data = nearer_to_orthonormal(layer.weight.data, dtype=self._dtype)

    def finish(self) -> None:
        """Iterate in float64, then divide by the upper bound of the norm until it is at most 1."""
        for layer in self._layers:
            weight = layer.weight.data.double()
            for _ in range(FINAL_ITERATIONS):
                weight = nearer_to_orthonormal(weight, dtype=torch.float64)
            layer.weight.data = weight.to(layer.weight.dtype)
            while (norm := float(lipschitz_upper_bound(layer, input_shape=(layer.in_features,)))) > 1.0:
                layer.weight.data.mul_((1.0 - torch.finfo(layer.weight.dtype).eps) / norm)


def orthonormal_layers(model: nn.Module) -> list[nn.Linear]:
    """The linear maps of the dense gradient flows whose weights are plain parameters."""
    maps = (part.linear_map for part in model.modules() if isinstance(part, GradientFlowField))
    return [each for each in maps if isinstance(each, nn.Linear) and not parametrize.is_parametrized(each, "weight")]


def tangent_part(
    weight: Float[Tensor, "rows columns"], gradient: Float[Tensor, "rows columns"], *, dtype: torch.dtype
) -> Float[Tensor, "rows columns"]:
    """G − ½(GWᵀ + WGᵀ)W for orthonormal rows, the transposed formula where there are fewer columns.

    The projection of G onto the directions in which W stays orthonormal to first order.
    """
    if weight.shape[0] > weight.shape[1]:
        return tangent_part(weight.t(), gradient.t(), dtype=dtype).t()
    rough = weight.to(dtype)
    products = (rough @ gradient.to(dtype).t()).to(gradient.dtype)
    symmetric = 0.5 * (products + products.t())
    return gradient - (symmetric.to(dtype) @ rough).to(gradient.dtype)


def nearer_to_orthonormal(
    weight: Float[Tensor, "rows columns"], *, dtype: torch.dtype
) -> Float[Tensor, "rows columns"]:
    """W + ½(I − WWᵀ)W, or the same of the columns where there are fewer.

    A singular value s becomes s(3 − s²)/2: for |s − 1| = e ≤ ½ it is then at most 2e² below 1, and never above 1.
    """
    if weight.shape[0] > weight.shape[1]:
        return nearer_to_orthonormal(weight.t(), dtype=dtype).t().contiguous()
    rough = weight.to(dtype)
    identity = torch.eye(len(weight), dtype=weight.dtype, device=weight.device)
    missing = identity - (rough @ rough.t()).to(weight.dtype)
    return weight + 0.5 * (missing.to(dtype) @ rough).to(weight.dtype)


def _dtype(products: Products) -> torch.dtype:
    return torch.bfloat16 if products == "bfloat16" else torch.float32
