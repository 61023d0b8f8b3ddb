"""The root of backward Euler's equation lies in the balls, however bad the start, and hL ≥ 1 is refused."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import AutonomousField, BallRefusedError, LinearField, ball_field
from natrob_theory.numbers.balls import Ball, ball, exact_matrix, matrix, working_precision
from natrob_theory.steppers.implicit_root import enclosed_root

STATE = torch.tensor([[1.0, -2.0], [0.25, 3.0]], dtype=torch.float64)


def roots(field: nn.Module, step_size: float, state: Tensor, start: Tensor) -> list[Ball]:
    """The root of each sample, one after the other."""
    exact = exact_matrix(state.T)
    root = enclosed_root(field, ball_field(field), Fraction(0), Fraction(step_size), exact, start)
    return root.transpose().entries()


@given(st.floats(-1.9, 1.9), st.floats(-10.0, 10.0))
def test_the_root_of_a_scalar_field_is_enclosed_from_any_start(rate: float, offset: float) -> None:
    """f = λy: x = y/(1 − hλ)."""
    field = LinearField(rate * torch.eye(2, dtype=torch.float64))
    with working_precision(200):
        found = roots(field, 0.5, STATE, STATE + offset)
        for root, entry in zip(found, STATE.flatten().tolist(), strict=True):
            assert (root - ball(Fraction(entry) / (1 - Fraction(rate) / 2))).contains(0)
            assert root.rad() < 1e-40


def test_the_root_on_both_sides_of_a_kink() -> None:
    """f = 1.5·max(y, 0), h = 0.5: x = 4y above 0 and x = y below, also when Newton starts on the wrong side."""
    layer = nn.Linear(2, 2, bias=False).double()
    layer.weight.data = 1.5 * torch.eye(2, dtype=torch.float64)
    field = AutonomousField(nn.Sequential(nn.ReLU(), layer))
    for start in (STATE, -STATE):
        found = roots(field, 0.5, STATE, start)
        for root, exact in zip(found, [4.0, -2.0, 1.0, 12.0], strict=True):
            assert root.contains(ball(exact))


def test_a_start_that_newton_cannot_improve_costs_width_only() -> None:
    """One iteration less than needed: the ball is as wide as the residual says, and still holds the root."""
    field = AutonomousField(nn.Tanh())
    with working_precision(64):
        coarse = roots(field, 0.5, STATE, STATE)
    with working_precision(400):
        fine = roots(field, 0.5, STATE, STATE)
    for wide, narrow in zip(coarse, fine, strict=True):
        assert wide.contains(narrow)
        assert narrow.rad() < wide.rad()
        assert narrow.rad() < 1e-100


def test_every_state_in_the_balls_has_its_root_inside() -> None:
    field = LinearField(torch.eye(1, dtype=torch.float64))
    wide = matrix(1, 1, [ball(1.0).union(ball(1.5))])
    start = torch.tensor([[2.5]], dtype=torch.float64)
    root = enclosed_root(field, ball_field(field), Fraction(0), Fraction(1, 2), wide, start)[0, 0]
    assert root.contains(ball(2.0))
    assert root.contains(ball(3.0))


def test_no_contraction_or_no_constant_is_refused_with_the_reason() -> None:
    with pytest.raises(BallRefusedError, match=r"with field LinearField .* hL < 1: `step_size` = 0\.5 .* hL = 1\.25"):
        roots(LinearField(2.5 * torch.eye(2, dtype=torch.float64)), 0.5, STATE, STATE)

    class Shift(nn.Module):
        def forward(self, time: Tensor, state: Tensor) -> Tensor:
            return torch.ones_like(state)

    ball_field.register(Shift, lambda _field: lambda _time, state: 0 * state + 1)
    with pytest.raises(BallRefusedError, match="field Shift cannot be enclosed in balls: no Lipschitz upper bound"):
        roots(Shift(), 0.5, STATE, STATE)
