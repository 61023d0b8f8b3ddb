"""Everything that steppers share.

The contract for whoever adds a method. An explicit one derives from `AbstractExplicitStepper` and writes its step once;
all else follows. Any other one does what follows itself:

1. `step` computes y_{n+1} from y_n, sample by sample: no sample may influence another.
2. `growth(x)` returns, for x = hK in float64, an upper bound of the factor ‖e_{n+1}‖/‖e_n‖ that holds for every
   field with Lipschitz constant K, rounded outward (`natrob_theory.numbers.rounding`).
3. `step_with_evaluations` takes the same step and lists the points at which it evaluates the field. `growth` must
   remain valid when K is only the largest secant constant of f between the two solutions at those points: that is
   what makes the product of measured constants a theorem for the measured pair.
4. Times and step sizes are floats, one for the whole batch. A stepper that also serves adaptive networks takes
   tensors (batch,) as well, as explicit ones do.
5. `growth_factors` lists its factors from more than K: from μ, from the structure of the field. Those that hold in L∞
   and L1 too stand in `growth_factors_in_other_norms`.
6. The docstring of the class names the proofs of its factor from K.
7. A method that solves equations may let the steps of one pass begin where the steps before point to (`begun`).
"""

import abc
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from natrob_theory.layers.refusal import BallRefusedError, LayerRefusedError
from natrob_theory.numbers.argument_checks import require_choice, require_finite, require_nonnegative, require_positive
from natrob_theory.numbers.balls import Ball, BallMatrix
from natrob_theory.numbers.norms import NORMS, Norm
from natrob_theory.numbers.rounding import SMALLEST_SAFE, round_up
from natrob_theory.steppers.ball_arithmetic import BallEvaluation, BallStep
from natrob_theory.steppers.growth_factors import AbstractGrowthFactor, FieldConstants, step_constants
from natrob_theory.steppers.tensor_arithmetic import Evaluation

FieldT = TypeVar("FieldT")


class AbstractStepper(abc.ABC, Generic[FieldT]):
    """One step of a method with step size h. `FieldT` is `Field`, or a pair of fields for RevNet.

    Proof that the factors of the steps multiply: proofs/coq/one_step_methods.v (growth_over_steps,
        growth_along_a_pair).
    """

    couplings: int = 1
    """How many constants hK one step depends on: 1, or 2 where two fields act on two halves of the state."""

    implicit: bool = False
    """Whether y_{n+1} is the root of y = y_n + h f(t_{n+1}, y), found up to a residual."""

    smallest_unbounded_x: float = math.inf
    """K alone gives no growth bound for hK at or above this."""

    growth_factors: tuple[AbstractGrowthFactor, ...] = ()
    """The growth factors from more than K, in L2; the first is the one for all fields."""

    growth_factors_in_other_norms: tuple[AbstractGrowthFactor, ...] = ()
    """Those that hold in L∞ and L1, with K and μ of that norm."""

    growth_assumptions: tuple[str, ...] = ()
    """What the growth over steps assumes besides K, in words."""

    @property
    def nodes(self) -> tuple[float, ...]:
        """The c with which a step evaluates its field(s) at t + ch."""
        return (0.0,)

    @property
    def smallest_gap(self) -> float:
        """The smallest distance between two of 0, the nodes, and 1."""
        marks = sorted({0.0, 1.0, *self.nodes})
        return min(later - mark for mark, later in pairwise(marks))

    @property
    def keeps_errors(self) -> bool:
        """Whether a step has one evaluation, whose error enters with at most max(1, G)."""
        return False

    def begun(self) -> "AbstractStepper[FieldT]":
        """A stepper for the steps of one pass, one after the other: the same steps, up to a solver's tolerance."""
        return self

    def fields_of(self, field: FieldT) -> tuple[Any, ...]:
        """The step's field by itself; each of them where a step has several."""
        return (field,)

    def with_fields(self, field: FieldT, wrap: Callable[[Any], Any]) -> FieldT:
        """The step's field, wrapped; each of them where a step has several."""
        return wrap(field)

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """The method's name in the literature."""

    @property
    def growth_formula(self) -> str:
        """The growth over steps from K, in words."""
        return f"{self.name}: Π G(h_n K_n)"

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
    def cumulative_growth(self, x: Tensor) -> Tensor:
        """Growth over the first n steps, n = 0 … N, rounded outward: (N, couplings, *rest) -> (N + 1, *rest)."""

    def cumulative_growth_in(self, norm: Norm, x: Tensor) -> Tensor:
        """`cumulative_growth` in a norm, x from K of that norm: a method of one field grows alike in every norm.

        Raises:
            LayerRefusedError: the method couples halves, and says nothing of pairs of them in this norm.
        """
        if norm != "L2" and self.couplings > 1:
            raise LayerRefusedError(f"no growth of {self.name} in {norm} is known; give it a `cumulative_growth_in`")
        return self.cumulative_growth(x)

    def factors_in(self, norm: Norm) -> tuple[AbstractGrowthFactor, ...]:
        """The growth factors from more than K that hold in this norm."""
        return self.growth_factors if norm == "L2" else self.growth_factors_in_other_norms

    def squared_growth(self, steps: Sequence[Sequence[Ball]]) -> list[Ball]:
        """G² over the first n steps, n = 0 … N, each ball around its exact value: a tight case needs no square root.

        Args:
            steps: x = hK of each step, one entry per coupling.

        Raises:
            BallRefusedError: the method has none.
        """
        raise BallRefusedError(f"no growth factor in balls is known for {self.name}; use arithmetic='float'")

    def step_in_balls(self, step: BallStep, state: BallMatrix) -> tuple[BallMatrix, list[BallEvaluation]]:
        """y_{n+1} from y_n, (d, samples), enclosed at the working precision, and the step's evaluations.

        Raises:
            BallRefusedError: the method has none, or an implicit equation cannot be enclosed.
        """
        raise BallRefusedError(f"no step in balls is known for {self.name}; use arithmetic='float'")

    def relative_residual(self, dtype: torch.dtype) -> float:
        """‖residual‖ of an implicit solve is at most this times (‖y_{n+1}‖ + ‖g(y_{n+1})‖); 0 for explicit methods.

        Raises:
            LayerRefusedError: failed solves are let pass with a warning.
        """
        return 0.0

    def growth_factor(
        self, *, step_size: float, lipschitz: float, one_sided: float | None = None, norm: Norm = "L2"
    ) -> float:
        """G with ‖e_{n+1}‖ ≤ G‖e_n‖ for one step, an upper bound rounded outward.

        Args:
            step_size: h > 0.
            lipschitz: K ≥ 0, a true upper bound of the Lipschitz constant of f(t, ·).
            one_sided: μ, an upper bound of the one-sided Lipschitz constant, −K ≤ μ; None to use K alone.
            norm: of K and μ, and of the result.

        Raises:
            ValueError: an argument out of range; hK ≥ 1 for backward Euler without μ; μ given to a method that has
                no formula with it.

        Source: theory, section 1.
        """
        step_size = require_positive("step_size", step_size)
        lipschitz = require_nonnegative("lipschitz", lipschitz)
        require_choice("norm", norm, NORMS)
        if one_sided is not None:
            one_sided = require_finite("one_sided", one_sided)
            if one_sided < -lipschitz:
                raise ValueError(f"`one_sided` must be at least −K = {-lipschitz}, got {one_sided}")
            return self._growth_factor_from_one_sided(step_size, lipschitz, min(one_sided, lipschitz), norm)
        self.require_bound_exists(step_size, lipschitz)
        x = scaled_constant(step_size, lipschitz)
        if self.couplings == 1:
            return float(self.growth(x))
        return float(self.cumulative_growth_in(norm, x.expand(1, self.couplings))[-1])

    def _growth_factor_from_one_sided(self, step_size: float, lipschitz: float, one_sided: float, norm: Norm) -> float:
        """The least of the method's factors from (μ, K), or ValueError where there is none."""
        x = scaled_constant(step_size, lipschitz)[None]
        known = step_constants([step_size], x, [FieldConstants(one_sided=one_sided)])
        factors = [factor for factor in self.factors_in(norm) if factor.applies_to(known)]
        if not factors:
            raise ValueError(
                f"{self.name} has no growth factor from a one-sided constant; leave `one_sided` out, or use Euler or "
                f"backward Euler"
            )
        limit = max(factor.smallest_unbounded_one_sided for factor in factors)
        if limit < math.inf and step_size * one_sided >= limit:
            raise ValueError(
                f"{self.name} has a growth bound from μ only for hμ < {limit:g}, got "
                f"`step_size` = {step_size} and `one_sided` = {one_sided}, hμ = {step_size * one_sided:.6g}"
            )
        return min(float(factor.growth(known)) for factor in factors)

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


def running_product(factors: Tensor) -> Tensor:
    """Π_{i<n} of factors of shape (N, *rest), for n = 0 … N, rounded outward."""
    ones = torch.ones_like(factors[:1])
    return round_up(torch.cat([ones, torch.cumprod(factors, dim=0)]), len(factors))


def running_squares(factors: Sequence[Ball], one: Ball) -> list[Ball]:
    """Π_{i<n} G_i² in balls, for n = 0 … N."""
    squares = [one]
    for factor in factors:
        squares.append(squares[-1] * factor * factor)
    return squares


def contracting_product(factors: Tensor) -> Tensor:
    """The products of factors that may be below 1, kept above `SMALLEST_SAFE` so that nothing underflows."""
    products = [torch.ones_like(factors[0])]
    for factor in factors:
        products.append((products[-1] * factor).clamp_min(SMALLEST_SAFE))
    return round_up(torch.stack(products), len(factors))
