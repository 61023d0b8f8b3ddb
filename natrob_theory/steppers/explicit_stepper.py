"""Explicit methods: the step is written once, and tensors, balls, reaches and growth run it."""

import abc
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, final

import torch
from torch import Tensor

from natrob_theory.fields import split_halves
from natrob_theory.numbers.balls import Ball, BallMatrix, ball, rows_of, stacked
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import round_up
from natrob_theory.steppers.abstract_stepper import AbstractStepper, FieldT, running_product, running_squares
from natrob_theory.steppers.arithmetic import AbstractArithmetic
from natrob_theory.steppers.ball_arithmetic import BallArithmetic, BallEvaluation, BallStep
from natrob_theory.steppers.coupled_growth import (
    CouplingRows,
    largest_column_2x2,
    largest_row_2x2,
    spectral_norm_2x2,
    squared_norm_2x2,
)
from natrob_theory.steppers.growth_polynomial import in_words, polynomial_in_balls, polynomial_up
from natrob_theory.steppers.tensor_arithmetic import Evaluation, TensorArithmetic, multiplied_out
from natrob_theory.steppers.traced_step import StepTrace, TraceArithmetic


class AbstractExplicitStepper(AbstractStepper[FieldT]):
    """A method whose step is sums of y_n and of h·f at points it knows.

    For one field G is a polynomial in x = hK, read off the step. For two fields on two halves (`couplings` = 2) the
    growth over steps is the norm of a product of matrices.

    Proof that a sum grows at most by the sum of its terms: proofs/coq/one_step_methods.v (growth_over_steps);
        proofs/symbolic/growth_polynomials.py; of coupled steps proofs/coq/revnet.v.
    """

    @abc.abstractmethod
    def advance(self, arithmetic: AbstractArithmetic[Any], state: Any) -> Any:
        """y_{n+1} from y_n by `arithmetic.slope` and `arithmetic.mix` alone; pairs of halves where `couplings` = 2."""

    @final
    @cached_property
    def trace(self) -> StepTrace:
        """The step as it says itself: nodes, weights, growth polynomial."""
        arithmetic = TraceArithmetic()
        ends = self.advance_parts(arithmetic, [arithmetic.start] * self.couplings)
        return arithmetic.trace(ends[0])

    @final
    def advance_parts(self, arithmetic: AbstractArithmetic[Any], parts: Sequence[Any]) -> list[Any]:
        """`advance` on a list of one state, or of two halves."""
        if self.couplings == 1:
            return [self.advance(arithmetic, parts[0])]
        return list(self.advance(arithmetic, tuple(parts)))

    @property
    @final
    def nodes(self) -> tuple[float, ...]:
        """The c of each evaluation, in their order."""
        return self.trace.nodes

    @property
    @final
    def keeps_errors(self) -> bool:
        """One evaluation, with a weight of at most 1."""
        return self.couplings == 1 and len(self.trace.nodes) == 1 and self.trace.slope_weight <= 1.0

    @property
    def growth_formula(self) -> str:
        """The growth polynomial."""
        return f"{self.name}: Π ({in_words(self.trace.growth, 'x_n')}), x_n = h_n K_n"

    @final
    def step(self, field: FieldT, time: float | Tensor, state: Tensor, step_size: float | Tensor) -> Tensor:
        """y_{n+1} from y_n; time and step size are floats, or tensors (batch,) with one for each sample."""
        return self._run(field, time, state, step_size, None)

    @final
    def step_with_evaluations(
        self, field: FieldT, time: float | Tensor, state: Tensor, step_size: float | Tensor
    ) -> tuple[Tensor, list[Evaluation]]:
        """y_{n+1}, and every evaluation of the step in its order."""
        notes: list[Evaluation] = []
        return self._run(field, time, state, step_size, notes), notes

    def _run(self, field: FieldT, time: Any, state: Tensor, step_size: Any, notes: list[Evaluation] | None) -> Tensor:
        arithmetic = TensorArithmetic(self.fields_of(field), time, state, step_size, notes)
        if self.couplings == 1:
            return multiplied_out(self.advance(arithmetic, state))
        halves = self.advance(arithmetic, split_halves(state))
        return torch.cat([multiplied_out(half) for half in halves], dim=1)

    @final
    def growth(self, x: Tensor) -> Tensor:
        """The growth polynomial; the norm of one step's matrix where two halves are coupled."""
        if self.couplings == 1:
            return polynomial_up(self.trace.growth, x)
        return self.cumulative_growth(x.expand(1, self.couplings, *x.shape))[-1]

    @final
    def cumulative_growth(self, x: Tensor) -> Tensor:
        """Π G(h_i K_i), or ‖M_n ⋯ M_1‖₂ from x[:, 0] = hK₁ and x[:, 1] = hK₂."""
        if self.couplings == 1:
            return running_product(self.growth(x[:, 0]))
        return self._coupled_growth(x, spectral_norm_2x2)

    @final
    def cumulative_growth_in(self, norm: Norm, x: Tensor) -> Tensor:
        """Π G(h_i K_i) in every norm; for coupled halves ‖M_n ⋯ M_1‖ in the norm of their pairs."""
        if norm == "L2" or self.couplings == 1:
            return self.cumulative_growth(x)
        return self._coupled_growth(x, largest_row_2x2 if norm == "Linf" else largest_column_2x2)

    def _coupled_growth(self, x: Tensor, norm_2x2: Callable[..., Tensor]) -> Tensor:
        one, zero = torch.ones_like(x[0, 0]), torch.zeros_like(x[0, 0])
        norms = [norm_2x2(*rows) for rows in self._coupling_rows(x, one, zero, float)]
        return round_up(torch.stack(norms), self.trace.roundings * len(x) + 16)

    @final
    def squared_growth(self, steps: Sequence[Sequence[Ball]]) -> list[Ball]:
        """The squares of the polynomial, or of the norms, around their exact values.

        Proof of the exact values: proofs/coq/one_step_methods.v, and where the stepper's docstring says.
        """
        if self.couplings == 1:
            return running_squares([polynomial_in_balls(self.trace.growth, x) for (x,) in steps], ball(1.0))
        first, *others = self._coupling_rows(steps, ball(1.0), ball(0.0), ball)
        return [first[0], *(squared_norm_2x2(*rows) for rows in others)]

    def _coupling_rows(self, steps: Any, one: Any, zero: Any, number: Any) -> list[tuple[Any, ...]]:
        """The entries of M_n ⋯ M_1 for n = 0 … N, row by row."""
        rows: list[Any] = [[one, zero], [zero, one]]
        products = [(one, zero, zero, one)]
        for x in steps:
            rows = self.advance_parts(CouplingRows(x, number), rows)
            products.append((*rows[0], *rows[1]))
        return products

    @final
    def step_in_balls(self, step: BallStep, state: BallMatrix) -> tuple[BallMatrix, list[BallEvaluation]]:
        """y_{n+1} from y_n with exact coefficients."""
        arithmetic = BallArithmetic(step)
        if self.couplings == 1:
            return self.advance(arithmetic, state), arithmetic.evaluations
        half = state.nrows() // 2
        halves = self.advance(arithmetic, (rows_of(state, 0, half), rows_of(state, half, 2 * half)))
        return stacked(*halves), arithmetic.evaluations
