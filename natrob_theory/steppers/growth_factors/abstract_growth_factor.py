"""Growth factors of one step from more than K: the seam for a growth bound of one's own.

A factor says in words what it is, names what of a field it needs, and computes G in float64 and G² in balls. A method
lists its factors in `growth_factors`; whatever bounds growth takes the least of them and of the factor from K alone.
"""

import abc
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from natrob_theory.layers.statements import CentredConstants
from natrob_theory.numbers.balls import Ball
from natrob_theory.numbers.bound import Bound, norm_of, one_sided_value
from natrob_theory.numbers.rounding import EPSILON


@dataclass(frozen=True, kw_only=True)
class FieldConstants:
    """The constants of a field on all states, besides K.

    Attributes:
        one_sided: μ, an upper bound of the one-sided Lipschitz constant; None where it is not known.
        gradient_flow: the field is −∇V with V convex.
        centred: the constants of its parts; None where they are not known.
    """

    one_sided: Bound | float | None = None
    gradient_flow: bool = False
    centred: CentredConstants | None = None


@dataclass(frozen=True, kw_only=True)
class StepConstants:
    """The numbers that growth factors are computed from, float64; entries broadcast against x, None is not known.

    Attributes:
        step_size: h.
        x: hK, rounded outward.
        scaled_one_sided: hμ, rounded outward, −x ≤ hμ ≤ x.
        gradient_flow: whether the field is −∇V with V convex.
        centred: γ, s and r.
    """

    step_size: Float[Tensor, "..."]
    x: Float[Tensor, "*steps"]
    scaled_one_sided: Float[Tensor, "*steps"] | None = None
    gradient_flow: Bool[Tensor, "..."] | None = None
    centred: tuple[Tensor, Tensor, Tensor] | None = None


@dataclass(frozen=True, kw_only=True)
class BallConstants:
    """The numbers of one step in balls, as in `StepConstants`."""

    step_size: Ball
    x: Ball
    scaled_one_sided: Ball | None = None
    gradient_flow: bool | None = None
    centred: CentredConstants | None = None


class AbstractGrowthFactor(abc.ABC):
    """An upper bound of ‖e_{n+1}‖/‖e_n‖ for one step of a method; the docstring of each names its proof.

    Proof that the factors of the steps multiply: proofs/coq/one_step_methods.v (growth_over_steps).
    """

    formula: str
    """The factor in words."""

    needs: tuple[str, ...]
    """The entries of `StepConstants` it is computed from, besides h and x."""

    assumption: str | None = None
    """What it assumes besides K and μ, in words."""

    margin: float = 16 * EPSILON
    """By how much it must be less than other factors to be taken, relatively: more than their outward rounding."""

    smallest_unbounded_one_sided: float = math.inf
    """It gives no bound for hμ at or above this."""

    @abc.abstractmethod
    def growth(self, step: StepConstants) -> Tensor:
        """G elementwise, rounded outward; ∞ where there is no bound."""

    @abc.abstractmethod
    def squared_growth(self, step: BallConstants) -> Ball | None:
        """G² around its exact value; None where there is no bound."""

    @final
    def applies_to(self, step: StepConstants | BallConstants) -> bool:
        """Whether all that it needs is known."""
        return all(getattr(step, need) is not None for need in self.needs)


def step_constants(
    step_sizes: Sequence[Any], x: Float[Tensor, "steps *samples"], fields: Sequence[FieldConstants]
) -> StepConstants:
    """The constants of the steps of a run, one field a step.

    Args:
        step_sizes: h of each step, a float, or a tensor (batch,) where every sample has its own.
        x: hK of each step, (steps, *samples).
        fields: what is known of each step's field. Where only some have a constant, the others get one that says
            nothing.
    """

    def column(values: Sequence[Any]) -> Tensor:
        stacked = torch.stack([torch.as_tensor(value, dtype=torch.float64) for value in values]).to(x.device)
        return stacked.view(*stacked.shape, *[1] * (x.dim() - stacked.dim()))

    sizes = column(step_sizes)
    one_sided = gradient_flow = centred = None
    if any(field.one_sided is not None for field in fields):
        above_all = sys.float_info.max
        mu = column([above_all if f.one_sided is None else _given(f.one_sided) for f in fields])
        one_sided = scaled_one_sided((sizes * mu).expand_as(x), x)
    if any(field.gradient_flow for field in fields):
        gradient_flow = column([field.gradient_flow for field in fields]) > 0
    if any(field.centred is not None for field in fields):
        unknown = CentredConstants(0.0, 0.0, math.inf)
        rows = [unknown if field.centred is None else field.centred for field in fields]
        centre, skew, radius = (column(entries) for entries in zip(*rows, strict=True))
        centred = (centre, skew, radius)
    return StepConstants(step_size=sizes, x=x, scaled_one_sided=one_sided, gradient_flow=gradient_flow, centred=centred)


def _given(one_sided: Bound | float) -> float:
    """The number; whoever asks for a growth factor has checked its norm."""
    return one_sided_value(one_sided, norm=norm_of(one_sided))


def scaled_one_sided(product: Tensor, x: Tensor) -> Tensor:
    """hμ, given as the computed product, rounded outward and kept within ±hK, between which every μ lies."""
    product = product.clamp_min(-sys.float_info.max)  # an overflow downwards would leave −∞ + ∞ below
    return (product + product.abs() * EPSILON).clamp(-x, x)
