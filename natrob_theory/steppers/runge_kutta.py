"""Any explicit Runge–Kutta method, given as a tableau."""

from collections.abc import Sequence
from fractions import Fraction
from typing import final

import torch
from torch import Tensor

from natrob_theory.fields import evaluate_field
from natrob_theory.numbers.rounding import round_up
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers.abstract_stepper import (
    AbstractStepper,
    Evaluation,
    no_one_sided_formula,
    recorded_step,
    running_product,
)
from natrob_theory.tableaus import ButcherTableau


@final
class RungeKuttaStepper(AbstractStepper[Field]):
    """y_{n+1} = y_n + h Σ bᵢ kᵢ with the stages of an explicit tableau.

    G(x) = 1 + x|b|ᵀ(I − x|A|)⁻¹𝟙, attained by f = Ky iff no coefficient that matters is negative
    (theory, section 1). For Dormand–Prince G is not tight.

    Proof: proofs/coq/runge_kutta.v, proofs/symbolic/growth_polynomials.py, proofs/symbolic/growth_attained.py.
    """

    def __init__(self, tableau: ButcherTableau) -> None:
        if not isinstance(tableau, ButcherTableau):
            raise TypeError(f"`tableau` must be a ButcherTableau, got {type(tableau).__name__}")
        self.tableau = tableau
        used = max(stage for stage, weight in enumerate(tableau.b, start=1) if weight != 0)
        rows = zip(tableau.a[:used], tableau.c[:used], strict=True)
        self._stages = tuple((_nonzero(row), float(node)) for row, node in rows)
        self._weights = _nonzero(tableau.b)
        self.nodes = tuple(node for _, node in self._stages)
        self._growth_coefficients = tuple(float(entry) for entry in tableau.growth_polynomial())

    @property
    def name(self) -> str:
        """The tableau's name."""
        return self.tableau.name

    def step(self, field: Field, time: float | Tensor, state: Tensor, step_size: float | Tensor) -> Tensor:
        """y_{n+1} from y_n; time and step size are floats, or tensors (batch,) with one for each sample.

        Stages after the last nonzero weight serve error control only and are left out.
        """
        slopes: list[Tensor] = []
        for row, node in self._stages:
            point = _advance(state, step_size, row, slopes)
            slopes.append(evaluate_field(field, time + node * step_size, point))
        return _advance(state, step_size, self._weights, slopes)

    def step_with_evaluations(
        self, field: Field, time: float | Tensor, state: Tensor, step_size: float | Tensor
    ) -> tuple[Tensor, list[Evaluation]]:
        """y_{n+1}, and f at every stage."""
        return recorded_step(self, field, time, state, step_size)

    def growth(self, x: Tensor) -> Tensor:
        """The growth polynomial by Horner's rule; all its coefficients are nonnegative."""
        value = torch.zeros_like(x)
        for coefficient in reversed(self._growth_coefficients):
            value = value * x + coefficient
        return round_up(value, 3 * len(self._growth_coefficients))

    def one_sided_growth(self, x: Tensor, scaled_one_sided: Tensor) -> Tensor:
        """No formula from (μ, K) is known here for methods with more than one stage."""
        raise no_one_sided_formula(self.name)

    def cumulative_growth(self, x: Tensor) -> Tensor:
        """Π G(h_i K_i)."""
        return running_product(self.growth(x[:, 0]))


def _nonzero(weights: Sequence[Fraction]) -> tuple[tuple[int, float], ...]:
    """(stage, weight) of the weights that are not 0."""
    return tuple((stage, float(weight)) for stage, weight in enumerate(weights) if weight != 0)


def _advance(
    state: Tensor, step_size: float | Tensor, weights: tuple[tuple[int, float], ...], slopes: list[Tensor]
) -> Tensor:
    """state + h Σ weightᵢ slopeᵢ, one term after the other: the fewest passes over memory."""
    if isinstance(step_size, Tensor):
        factor = step_size.to(state.dtype).view(-1, *[1] * (state.dim() - 1))
        for stage, weight in weights:
            state = torch.addcmul(state, factor, slopes[stage], value=weight)
        return state
    for stage, weight in weights:
        state = torch.add(state, slopes[stage], alpha=weight * step_size)
    return state
