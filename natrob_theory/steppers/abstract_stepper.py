"""What every stepper can do.

The contract for whoever adds a method:

1. `step` computes y_{n+1} from y_n, sample by sample: no sample may influence another.
2. `growth(x)` returns, for x = hK in float64, an upper bound of the factor ‖e_{n+1}‖/‖e_n‖ that holds for every
   field with Lipschitz constant K, rounded outward (`natrob_theory.numbers.rounding`).
3. `step_with_evaluations` takes the same step and lists the points at which it evaluates the field. `growth` must
   remain valid when K is only the largest secant constant of f between the two solutions at those points: that is
   what makes the product of measured constants a theorem for the measured pair.
4. Times and step sizes are floats, one for the whole batch. A stepper that also serves adaptive networks takes
   tensors (batch,) as well (`RungeKuttaStepper` does).
5. A method with a growth factor from (μ, K) names it in `one_sided_formula` and returns it from `one_sided_growth`.
   One with a smaller factor for fields −∇V, V convex, names that in `gradient_flow_formula` and returns it from
   `gradient_flow_growth`; one with a factor from the parts of a field (`CentredConstants`) names that in
   `centred_formula` and returns it from `centred_growth`.
6. A method that evaluates its field elsewhere than at t_n names the `nodes`; one with several fields in a step
   overrides `with_fields`.
7. The docstring of the class names the proofs of its factors.
"""

import abc
import math
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor

from natrob_theory.layers.statements import CentredConstants
from natrob_theory.numbers.argument_checks import require_finite, require_nonnegative, require_positive
from natrob_theory.numbers.rounding import EPSILON, SMALLEST_SAFE, round_up
from natrob_theory.numbers.tensor_types import Field

FieldT = TypeVar("FieldT")


class Evaluation(NamedTuple):
    """A point at which a step evaluated a field, and the value there; both of shape (batch, *state)."""

    point: Tensor
    value: Tensor


class AbstractStepper(abc.ABC, Generic[FieldT]):
    """One step of a method with step size h. `FieldT` is `Field`, or a pair of fields for RevNet.

    Proof that the factors of the steps multiply: proofs/coq/one_step_methods.v (growth_over_steps,
        growth_along_a_pair).
    """

    couplings: int = 1
    """How many constants hK one step depends on: 1, or 2 for the two halves of RevNet."""

    smallest_unbounded_x: float = math.inf
    """K alone gives no growth bound for hK at or above this."""

    smallest_unbounded_one_sided: float = math.inf
    """μ gives no growth bound for hμ at or above this."""

    one_sided_formula: str = ""
    """The growth factor from (μ, K) in words; empty where theory, section 1, has none for the method."""

    gradient_flow_formula: str = ""
    """The growth factor from (μ, K) for fields f = −∇V with V convex; empty where it is none but the general one."""

    centred_formula: str = ""
    """The growth factor from `CentredConstants` in words; empty where there is none."""

    nodes: tuple[float, ...] = (0.0,)
    """The c with which a step evaluates its field(s) at t + ch."""

    @property
    def smallest_gap(self) -> float:
        """The smallest distance between two of 0, the nodes, and 1."""
        marks = sorted({0.0, 1.0, *self.nodes})
        return min(later - mark for mark, later in pairwise(marks))

    def with_fields(self, field: FieldT, wrap: Callable[[Any], Any]) -> FieldT:
        """The step's field, wrapped; each of them where a step has several."""
        return wrap(field)

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """What the literature calls the method."""

    @abc.abstractmethod
    def step(self, field: FieldT, time: float, state: Tensor, step_size: float) -> Tensor:
        """y_{n+1} from y_n of shape (batch, *state) at time t_n."""

    @abc.abstractmethod
    def step_with_evaluations(
        self, field: FieldT, time: float, state: Tensor, step_size: float
    ) -> tuple[Tensor, list[Evaluation]]:
        """y_{n+1} as by `step`, and the field evaluations on which the step's growth factor rests."""

    @abc.abstractmethod
    def growth(self, x: Tensor) -> Tensor:
        """G(hK) elementwise for a float64 tensor x = hK ≥ 0, rounded outward; ∞ where the method has no bound."""

    @abc.abstractmethod
    def one_sided_growth(self, x: Tensor, scaled_one_sided: Tensor) -> Tensor:
        """G from x = hK and hμ elementwise, float64, −x ≤ hμ ≤ x, rounded outward; ∞ where the method has no bound.

        Raises ValueError where the method has no `one_sided_formula`.
        """

    def gradient_flow_growth(self, x: Tensor, scaled_one_sided: Tensor) -> Tensor:
        """The same as `one_sided_growth` for fields f = −∇V with V convex (`follows_convex_potential`).

        Raises ValueError where the method has no `gradient_flow_formula`.
        """
        raise ValueError(f"{self.name} has no growth factor of its own for gradient flows")

    def centred_growth(self, step_size: Tensor, constants: CentredConstants) -> Tensor:
        """G for fields with these constants, elementwise for step sizes in float64, rounded outward.

        Raises ValueError where the method has no `centred_formula`.
        """
        raise ValueError(f"{self.name} has no growth factor from the parts of a field")

    @abc.abstractmethod
    def cumulative_growth(self, x: Tensor) -> Tensor:
        """Growth over the first n steps, n = 0 … N, rounded outward: (N, couplings, *rest) -> (N + 1, *rest)."""

    def growth_factor(self, *, step_size: float, lipschitz: float, one_sided: float | None = None) -> float:
        """G with ‖e_{n+1}‖ ≤ G‖e_n‖ for one step, an upper bound rounded outward.

        Args:
            step_size: h > 0.
            lipschitz: K ≥ 0, a true upper bound of the Lipschitz constant of f(t, ·).
            one_sided: μ, an upper bound of the one-sided Lipschitz constant, −K ≤ μ; None to use K alone.

        Raises:
            ValueError: an argument out of range; hK ≥ 1 for backward Euler without μ; μ given to a method that has
                no formula with it.

        Source: theory, section 1.
        """
        step_size = require_positive("step_size", step_size)
        lipschitz = require_nonnegative("lipschitz", lipschitz)
        if one_sided is not None:
            one_sided = require_finite("one_sided", one_sided)
            if one_sided < -lipschitz:
                raise ValueError(f"`one_sided` must be at least −K = {-lipschitz}, got {one_sided}")
            return self._growth_factor_from_one_sided(step_size, lipschitz, min(one_sided, lipschitz))
        self.require_bound_exists(step_size, lipschitz)
        return float(self.growth(scaled_constant(step_size, lipschitz)))

    def _growth_factor_from_one_sided(self, step_size: float, lipschitz: float, one_sided: float) -> float:
        """The factor of the method's formula from (μ, K), or ValueError where there is none."""
        if not self.one_sided_formula:
            raise no_one_sided_formula(self.name)
        if self.smallest_unbounded_one_sided < math.inf and step_size * one_sided >= self.smallest_unbounded_one_sided:
            raise ValueError(
                f"{self.name} has a growth bound from μ only for hμ < {self.smallest_unbounded_one_sided:g}, got "
                f"`step_size` = {step_size} and `one_sided` = {one_sided}, hμ = {step_size * one_sided:.6g}"
            )
        x = scaled_constant(step_size, lipschitz)
        product = torch.tensor(step_size * one_sided, dtype=torch.float64)
        return float(self.one_sided_growth(x, scaled_one_sided(product, x)))

    def require_bound_exists(self, step_size: float, lipschitz: float) -> None:
        """Raise ValueError unless the method has a growth bound from K alone at this hK."""
        if self.smallest_unbounded_x < math.inf and step_size * lipschitz >= self.smallest_unbounded_x:
            raise ValueError(
                f"{self.name} has a growth bound from K alone only for hK < {self.smallest_unbounded_x:g}: "
                f"`step_size` = {step_size} and `lipschitz` = {lipschitz} give hK = {step_size * lipschitz:.6g}; "
                f"take a smaller step, or give a one-sided constant μ with hμ < 1"
            )


def scaled_constant(step_size: float, lipschitz: float) -> Tensor:
    """x = hK as a float64 tensor, rounded outward."""
    return round_up(torch.tensor(step_size * lipschitz, dtype=torch.float64), 1)


def scaled_one_sided(product: Tensor, x: Tensor) -> Tensor:
    """hμ, given as the computed product, rounded outward and kept within ±hK, between which every μ lies."""
    product = product.clamp_min(-sys.float_info.max)  # an overflow downwards would leave −∞ + ∞ below
    return (product + product.abs() * EPSILON).clamp(-x, x)


def running_product(factors: Tensor) -> Tensor:
    """Π_{i<n} of factors of shape (N, *rest), for n = 0 … N, rounded outward."""
    ones = torch.ones_like(factors[:1])
    return round_up(torch.cat([ones, torch.cumprod(factors, dim=0)]), len(factors))


def contracting_product(factors: Tensor) -> Tensor:
    """The same for factors that may be below 1, kept above `SMALLEST_SAFE` on the way so that nothing underflows."""
    products = [torch.ones_like(factors[0])]
    for factor in factors:
        products.append((products[-1] * factor).clamp_min(SMALLEST_SAFE))
    return round_up(torch.stack(products), len(factors))


def no_one_sided_formula(stepper_name: str) -> ValueError:
    """The error of a method for which no growth factor from (μ, K) is known here."""
    return ValueError(
        f"{stepper_name} has no growth factor from a one-sided constant; leave `one_sided` out, or use Euler or "
        f"backward Euler"
    )


def recorded_step(
    stepper: AbstractStepper[Field], field: Field, time: Any, state: Tensor, step_size: Any
) -> tuple[Tensor, list[Evaluation]]:
    """An explicit step and every evaluation it makes, by taking it with a field that takes notes."""
    notes: list[Evaluation] = []

    def noting_field(t: Tensor, point: Tensor) -> Tensor:
        value = field(t, point)
        notes.append(Evaluation(point, value))
        return value

    return stepper.step(noting_field, time, state, step_size), notes
