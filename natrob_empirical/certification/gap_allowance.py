"""By how much computed logit gaps can differ from the exact ones, for every image at once (theory, section 7)."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatch
from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_empirical.models import (
    AbstractClassifier,
    IntegratorClassifier,
    ResidualClassifier,
    SequentialClassifier,
)
from natrob_theory import LayerRefusedError
from natrob_theory.bounds.evaluation_error.network_rules import evaluated_states, solver_residual
from natrob_theory.bounds.network_growth import step_structures
from natrob_theory.layers.affine import RELATIVE, product_error
from natrob_theory.layers.questions import evaluated, output_shape
from natrob_theory.layers.statements import Evaluated
from natrob_theory.networks import AbstractFixedStepNet
from natrob_theory.numbers.rounding import unit_roundoff

Shape: TypeAlias = tuple[int, ...]
Precision: TypeAlias = Literal["exact", "float64", "float32"]
"""Which network a certificate is for: in exact arithmetic, or as it is run in floating point."""


@dataclass(frozen=True, kw_only=True)
class GapAllowance:
    """|computed gap − exact gap| of classes y and j is at most per_norm[y, j]·‖x‖₂ + constant[y, j].

    The gap is s_y − s_j, x any image with pixels in [0, 1].
    """

    per_norm: Float[Tensor, "classes classes"]
    constant: Float[Tensor, "classes classes"]


def gap_allowance(
    model: AbstractClassifier, image_shape: Shape, distances: Float[Tensor, "classes classes"], dtype: torch.dtype
) -> GapAllowance:
    """The allowance for a forward pass in this precision.

    ‖w_y − w_j‖·e + what the head itself rounds, e the error of the features.

    Args:
        model: frozen, in float64.
        image_shape: of one image.
        distances: ‖w_y − w_j‖₂.
        dtype: of the arithmetic.

    Raises:
        LayerRefusedError: an implicit solver that lets failures pass, or a layer that cannot be bounded.
    """
    unit = unit_roundoff(dtype)
    features = evaluated_features(model, image_shape, dtype)
    weight = model.head.weight.detach().double()
    largest_row = float(torch.linalg.vector_norm(weight, dim=1).max())
    largest_bias = 0.0 if model.head.bias is None else float(model.head.bias.detach().abs().max())
    gamma = 2 * product_error(weight.shape[1] + 2, unit)
    sizes = largest_row * (features.norm + features.error) + torch.tensor([0.0, largest_bias], dtype=torch.float64)
    per_norm, constant = (
        (distances * float(error) + gamma * float(size)) * RELATIVE
        for error, size in zip(features.error, sizes, strict=True)
    )
    return GapAllowance(per_norm=per_norm, constant=constant)


@singledispatch
def evaluated_features(model: nn.Module, image_shape: Shape, dtype: torch.dtype) -> Evaluated:
    """Norm and evaluation error of the features, as a‖x‖ + b.

    Raises:
        LayerRefusedError: nothing is known of this class of classifier.
    """
    raise LayerRefusedError(
        f"no bound of the rounding of classifier {type(model).__name__} is known; register one with "
        f"natrob_empirical.certification.evaluated_features.register"
    )


def exact_image() -> Evaluated:
    """The image itself: of norm 1·‖x‖, exact."""
    return Evaluated(torch.tensor([1.0, 0.0], dtype=torch.float64), torch.zeros(2, dtype=torch.float64))


@evaluated_features.register
def _(model: IntegratorClassifier, image_shape: Shape, dtype: torch.dtype) -> Evaluated:
    if not isinstance(model.trunk, AbstractFixedStepNet):
        raise LayerRefusedError(f"no bound of the rounding of {type(model.trunk).__name__} is known")
    return _through((model.stem, model.trunk, model.pool), image_shape, dtype)


@evaluated_features.register
def _(model: ResidualClassifier, image_shape: Shape, dtype: torch.dtype) -> Evaluated:
    return _through((model.stem, *model.blocks, model.last, model.pool), image_shape, dtype)


@evaluated_features.register
def _(model: SequentialClassifier, image_shape: Shape, dtype: torch.dtype) -> Evaluated:
    return _through(model.layers, image_shape, dtype)


def _through(parts: Iterable[nn.Module], image_shape: Shape, dtype: torch.dtype) -> Evaluated:
    """The image after one part after the other, integrator networks with a fixed grid among them."""
    unit = unit_roundoff(dtype)
    value, shape = exact_image(), image_shape
    for part in parts:
        if isinstance(part, AbstractFixedStepNet):
            residual = solver_residual(part.stepper, dtype)
            structure = step_structures(part, input_shape=shape)
            *_, value = evaluated_states(part, shape, value, unit, structure=structure, relative_residual=residual)
        else:
            value = evaluated(part, shape, value, unit)
        shape = output_shape(part, shape)
    return value
