"""The growth of every step from K, or from (μ, K) and the structure of its field where that is less."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.layers.statements import CentredConstants
from natrob_theory.numbers.bound import Bound, lipschitz_value, one_sided_value
from natrob_theory.numbers.rounding import EPSILON
from natrob_theory.steppers import AbstractStepper
from natrob_theory.steppers.abstract_stepper import contracting_product, scaled_one_sided

OneSidedConstants: TypeAlias = Bound | float | Sequence[Bound | float]
"""One μ for every step, or one per step."""


class StepStructure(NamedTuple):
    """What the structure of one step's field says on all states.

    Attributes:
        factor: the step's growth, an upper bound; ∞ where there is none.
        one_sided: μ where the method can use it, else None.
        gradient_flow: the field is −∇V with V convex.
    """

    factor: float
    one_sided: float | None
    gradient_flow: bool


def one_sided_per_step(
    one_sided: OneSidedConstants, constants: Sequence[tuple[Bound | float, ...]] | int
) -> Sequence[Bound | float]:
    """One μ per step, from whichever form the caller gave.

    Args:
        one_sided: the caller's.
        constants: K of each step (and coupling), against which μ is checked, or only the number of steps.

    Raises:
        ValueError: the wrong length, a NaN or infinite μ, or μ < −K where both are taken as true: every field has
            μ ≥ −K. An estimate below that is taken as −K later on.
    """
    steps = constants if isinstance(constants, int) else len(constants)
    found = list(one_sided) if isinstance(one_sided, Sequence) else [one_sided] * steps
    if len(found) != steps:
        raise ValueError(f"`one_sided` must hold one constant per step, {steps}, got {len(found)}")
    rows = [()] * steps if isinstance(constants, int) else constants
    for mu, row in zip(found, rows, strict=True):
        value = one_sided_value(mu)
        largest = max(map(lipschitz_value, row), default=abs(value))
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
        one_sided: μ of each step; None for K alone. Left aside where the method has no formula.
        gradient_flows: of each step, whether its field is −∇V with V convex; used along with `one_sided`, and where the
            method has a `gradient_flow_formula`. None: of no step.
        centred: of each step the constants of its field's parts, likewise, where the method has a `centred_formula`.

    Attributes:
        uses_one_sided: of each step, whether its factor comes from (μ, K) for any sample.
        uses_gradient_flow: of each step, whether that factor is the one for gradient flows.
        uses_centred: of each step, whether that factor is the one from the parts of its field.
    """

    def __init__(
        self,
        stepper: AbstractStepper[Any],
        step_sizes: Sequence[Any],
        x: Float[Tensor, "steps couplings *samples"],
        one_sided: Sequence[Bound | float] | None,
        gradient_flows: Sequence[bool] | None = None,
        centred: Sequence[CentredConstants] | None = None,
    ) -> None:
        self.stepper = stepper
        self.x = x
        self.left_aside = one_sided is not None and not stepper.one_sided_formula
        self.one_sided = None if self.left_aside else one_sided
        self.uses_one_sided = [False] * len(x)
        self.uses_gradient_flow = [False] * len(x)
        self.uses_centred = [False] * len(x)
        self._by_both: Tensor | None = None
        if self.one_sided is not None:
            pairs = zip(step_sizes, self.one_sided, strict=True)
            products = [torch.as_tensor(size * one_sided_value(mu), dtype=torch.float64) for size, mu in pairs]
            product = torch.stack(products).to(x.device)
            product = product.view(*product.shape, *[1] * (x.dim() - 1 - product.dim()))
            scaled = scaled_one_sided(product.expand_as(x[:, 0]), x[:, 0])
            self._by_both = stepper.one_sided_growth(x[:, 0], scaled)
            if gradient_flows is not None and stepper.gradient_flow_formula:
                self._by_both = self._with_gradient_flows(self._by_both, scaled, gradient_flows)
            if centred is not None and stepper.centred_formula:
                self._by_both = self._with_centred(self._by_both, step_sizes, centred)
            self.uses_one_sided = self._where_less(self._by_both)

    def _with_gradient_flows(
        self, by_both: Tensor, scaled_one_sided: Tensor, gradient_flows: Sequence[bool]
    ) -> Float[Tensor, "steps *samples"]:
        """The factors from (μ, K), those of gradient flows among them where these are less for any sample."""
        of_flow = self.stepper.gradient_flow_growth(self.x[:, 0], scaled_one_sided)
        less = (of_flow < by_both).view(len(by_both), -1).any(dim=1).tolist()
        self.uses_gradient_flow = [flow and smaller for flow, smaller in zip(gradient_flows, less, strict=True)]
        rows = zip(by_both, of_flow, self.uses_gradient_flow, strict=True)
        return torch.stack([torch.minimum(both, flow) if used else both for both, flow, used in rows])

    def _with_centred(
        self, by_both: Tensor, step_sizes: Sequence[Any], centred: Sequence[CentredConstants]
    ) -> Float[Tensor, "steps *samples"]:
        """The factors so far, those from the parts of the fields where these are less by more than roundings."""
        rows = []
        for n, (size, constants) in enumerate(zip(step_sizes, centred, strict=True)):
            sizes = torch.as_tensor(size, dtype=torch.float64).to(by_both.device)
            of_parts = self.stepper.centred_growth(sizes, constants)
            self.uses_centred[n] = bool((of_parts < by_both[n] * (1.0 - 64 * EPSILON)).any())
            rows.append(torch.minimum(by_both[n], of_parts) if self.uses_centred[n] else by_both[n])
        self.uses_gradient_flow = [
            flow and not parts for flow, parts in zip(self.uses_gradient_flow, self.uses_centred, strict=True)
        ]
        return torch.stack(rows)

    def bounded_by_one_sided(self, n: int) -> bool:
        """Whether step n has a bound from (μ, K) for every sample."""
        return self._by_both is not None and bool(torch.isfinite(self._by_both[n]).all())

    def _where_less(self, by_both: Tensor) -> list[bool]:
        """Of each step, whether (μ, K) gives less than K alone, for any sample. The same to rounding counts as K."""
        less = by_both < self.stepper.growth(self.x[:, 0]) * (1.0 - 16 * EPSILON)
        return less.view(len(less), -1).any(dim=1).tolist()

    @property
    def one_sided_in_use(self) -> list[Bound | float]:
        """μ of the steps that use it."""
        if self.one_sided is None:
            return []
        return [mu for mu, used in zip(self.one_sided, self.uses_one_sided, strict=True) if used]

    def of_step(self, n: int) -> Float[Tensor, "*samples"]:
        """The factor of step n alone."""
        alone = self.stepper.cumulative_growth(self.x[n : n + 1])[-1]
        return alone if self._by_both is None or not self.uses_one_sided[n] else torch.minimum(alone, self._by_both[n])

    def cumulative(self) -> Float[Tensor, "points *samples"]:
        """The growth over the first n steps, n = 0 … N, rounded outward."""
        if not any(self.uses_one_sided):
            return self.stepper.cumulative_growth(self.x)
        return contracting_product(torch.stack([self.of_step(n) for n in range(len(self.x))]))

    def source(self, from_lipschitz: str) -> str:
        """Which constants the growth comes from; `from_lipschitz` is the formula from K alone."""
        if self.left_aside:
            return f"{from_lipschitz}; from K alone, {self.stepper.name} has no formula from (μ, K)"
        if self.one_sided is None:
            return from_lipschitz
        used = self.uses_one_sided
        if not any(used):
            return f"{from_lipschitz}; from K alone, (μ, K) gives no less"
        which = "" if all(used) else f" in {sum(used)} of {len(used)} steps, elsewhere {from_lipschitz}"
        return f"{self.stepper.name} from (μ, K): Π {self._formulas(used)}{which}"

    def _formulas(self, used: Sequence[bool]) -> str:
        """The formulas from (μ, K) of the steps that use one."""
        left, named = sum(used), []
        for formula, chosen in (
            (f"{self.stepper.gradient_flow_formula} for gradient flows", self.uses_gradient_flow),
            (f"{self.stepper.centred_formula} from the fields' parts", self.uses_centred),
        ):
            count = sum(of_it and uses for of_it, uses in zip(chosen, used, strict=True))
            if count == sum(used):
                return formula
            if count:
                named.append(f"{formula} ({count} steps)")
            left -= count
        if left:
            named.append(f"else {self.stepper.one_sided_formula}" if named else self.stepper.one_sided_formula)
        return ", ".join(named)
