"""The growth of every step from K, or from μ and the structure of its field where that is less."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.numbers.bound import Bound, lipschitz_value, norm_of, one_sided_value
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON
from natrob_theory.steppers import AbstractStepper
from natrob_theory.steppers.abstract_stepper import contracting_product
from natrob_theory.steppers.growth_factors import (
    AbstractGrowthFactor,
    FieldConstants,
    StepConstants,
    step_constants,
)

OneSidedConstants: TypeAlias = Bound | float | Sequence[Bound | float]
"""One μ for every step, or one per step."""


class StepStructure(NamedTuple):
    """The structure of one step's field on all states.

    Attributes:
        factor: the step's growth, an upper bound; ∞ where there is none.
        field: what is known of the step's field and the method can use.
    """

    factor: float
    field: FieldConstants = FieldConstants()

    @property
    def one_sided(self) -> float | None:
        """μ where the method can use it, else None."""
        mu = self.field.one_sided
        return None if mu is None else one_sided_value(mu, norm=norm_of(mu))

    @property
    def gradient_flow(self) -> bool:
        """Whether the field is −∇V with V convex."""
        return self.field.gradient_flow


def one_sided_per_step(
    one_sided: OneSidedConstants, constants: Sequence[tuple[Bound | float, ...]] | int, *, norm: Norm = "L2"
) -> Sequence[Bound | float]:
    """One μ per step, from whichever form the caller gave.

    Args:
        one_sided: the caller's.
        constants: K of each step (and coupling), against which μ is checked, or only the number of steps.
        norm: of all of them.

    Raises:
        ValueError: the wrong length, a NaN or infinite μ, a `Bound` of another norm, or μ < −K where both are taken as
            true: every field has μ ≥ −K. An estimate below that is taken as −K later on.
    """
    steps = constants if isinstance(constants, int) else len(constants)
    found = list(one_sided) if isinstance(one_sided, Sequence) else [one_sided] * steps
    if len(found) != steps:
        raise ValueError(f"`one_sided` must hold one constant per step, {steps}, got {len(found)}")
    rows = [()] * steps if isinstance(constants, int) else constants
    for mu, row in zip(found, rows, strict=True):
        value = one_sided_value(mu, norm=norm)
        largest = max((lipschitz_value(constant, norm=norm) for constant in row), default=abs(value))
        doubtful = any(isinstance(constant, Bound) and constant.kind != "upper" for constant in (mu, *row))
        if value < -largest and not doubtful:
            raise ValueError(f"`one_sided` must be at least −K = {-largest}, got {value}")
    return found


@final
class StepGrowth:
    """The growth factors of the steps of one run, per sample or for all samples.

    Args:
        stepper: the method.
        step_sizes: h of each step, a float, or a tensor (batch,) where every sample has its own.
        x: hK of every step and coupling, (steps, couplings, *samples).
        fields: what is known of each step's field besides K; None for K alone. Left aside where the method has no
            factor from it.
        norm: of all constants, and of the growth.

    Attributes:
        fields: as given, None where they are left aside.
        used: of each step, the factor taken for any sample where it is less than that from K alone; else None.
    """

    def __init__(
        self,
        stepper: AbstractStepper[Any],
        step_sizes: Sequence[Any],
        x: Float[Tensor, "steps couplings *samples"],
        fields: Sequence[FieldConstants] | None,
        *,
        norm: Norm = "L2",
    ) -> None:
        self.stepper = stepper
        self.norm: Norm = norm
        self.factors = stepper.factors_in(norm)
        self.x = x
        self.left_aside = fields is not None and not self.factors
        self.fields = None if self.left_aside else fields
        self.used: list[AbstractGrowthFactor | None] = [None] * len(x)
        self._least: Tensor | None = None
        if self.fields is not None:
            self._least = self._least_factors(step_constants(step_sizes, x[:, 0], self.fields))

    def _least_factors(self, steps: StepConstants) -> Float[Tensor, "steps *samples"]:
        """Takes for each step the least factor from more than K; notes which is used."""
        least = torch.full_like(steps.x, torch.inf)
        chosen: list[AbstractGrowthFactor | None] = [None] * len(least)
        for factor in self.factors:
            if not factor.applies_to(steps):
                continue
            found = factor.growth(steps)
            less = _anywhere(found < least * (1.0 - factor.margin))
            chosen = [factor if smaller else before for smaller, before in zip(less, chosen, strict=True)]
            rows = zip(found, least, less, strict=True)
            least = torch.stack([torch.minimum(one, other) if smaller else other for one, other, smaller in rows])
        # The same to rounding counts as K alone.
        below = _anywhere(least < self.stepper.growth(steps.x) * (1.0 - 16 * EPSILON))
        self.used = [factor if smaller else None for factor, smaller in zip(chosen, below, strict=True)]
        return least

    def bounded_by_structure(self, n: int) -> bool:
        """Whether step n has a bound from more than K for every sample."""
        return self._least is not None and bool(torch.isfinite(self._least[n]).all())

    @property
    def one_sided_in_use(self) -> list[Bound | float]:
        """μ of the steps that use it."""
        rows = zip(self.fields or [], self.used, strict=True) if self.fields is not None else ()
        return [field.one_sided for field, used in rows if used is not None and field.one_sided is not None]

    @property
    def assumptions(self) -> list[str]:
        """The assumptions of the factors in use, besides K and μ."""
        return [factor.assumption for factor in self._kinds() if factor.assumption is not None]

    def of_step(self, n: int) -> Float[Tensor, "*samples"]:
        """The factor of step n alone."""
        alone = self.stepper.cumulative_growth_in(self.norm, self.x[n : n + 1])[-1]
        return alone if self._least is None or self.used[n] is None else torch.minimum(alone, self._least[n])

    def cumulative(self) -> Float[Tensor, "points *samples"]:
        """The growth over the first n steps, n = 0 … N, rounded outward."""
        if not any(self.used):
            return self.stepper.cumulative_growth_in(self.norm, self.x)
        return contracting_product(torch.stack([self.of_step(n) for n in range(len(self.x))]))

    def source(self, from_lipschitz: str) -> str:
        """Which constants the growth comes from; `from_lipschitz` is the formula from K alone."""
        if self.left_aside:
            return f"{from_lipschitz}; from K alone, {self.stepper.name} has no formula from (μ, K)"
        if self.fields is None:
            return from_lipschitz
        count = sum(used is not None for used in self.used)
        if count == 0:
            return f"{from_lipschitz}; from K alone, (μ, K) gives no less"
        which = "" if count == len(self.used) else f" in {count} of {len(self.used)} steps, elsewhere {from_lipschitz}"
        return f"{self.stepper.name} from (μ, K): Π {self._formulas()}{which}"

    def _kinds(self) -> list[AbstractGrowthFactor]:
        """The factors in use; the first of the method, for all fields, comes last."""
        used = [factor for factor in self.factors if factor in self.used]
        return [*used[1:], used[0]] if used and used[0] is self.factors[0] else used

    def _formulas(self) -> str:
        """The formulas in use, with how many steps use each."""
        kinds = self._kinds()
        if len(kinds) == 1:
            return kinds[0].formula
        named = [f"{factor.formula} ({self.used.count(factor)} steps)" for factor in kinds]
        if kinds[-1] is self.factors[0]:
            named[-1] = f"else {kinds[-1].formula}"
        return ", ".join(named)


def _anywhere(less: Tensor) -> list[bool]:
    """Says of each step whether it is so for any sample."""
    return less.view(len(less), -1).any(dim=1).tolist()
