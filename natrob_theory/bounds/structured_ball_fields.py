"""The structured fields in balls, dense ones only."""

from torch import nn

from natrob_theory.bounds.ball_fields import BallField, BallRefusedError, ball_field, enclosed_field
from natrob_theory.fields import (
    DissipativeField,
    GradientFlowField,
    HamiltonianField,
    ScaledField,
    SkewSymmetricField,
    SumField,
)
from natrob_theory.numbers.balls import Ball, BallMatrix, ball, exact_matrix, rows_of, stacked


@ball_field.register
def _(field: GradientFlowField) -> BallField:
    """−Wᵀσ(Wy + b)."""
    inner, activation = enclosed_field(field.linear_map), enclosed_field(field.activation)
    transpose = -_dense_matrix(field, field.linear_map).transpose()
    return lambda time, state: transpose * activation(time, inner(time, state))


@ball_field.register
def _(field: SkewSymmetricField) -> BallField:
    """(A − Aᵀ)y, the difference exact."""
    matrix = _dense_matrix(field, field.linear_map)
    return lambda _time, state: matrix * state - matrix.transpose() * state


@ball_field.register
def _(field: DissipativeField) -> BallField:
    inner, rate = enclosed_field(field.field), ball(field.rate)
    return lambda time, state: inner(time, state) - state * rate


@ball_field.register
def _(field: ScaledField) -> BallField:
    inner, factor = enclosed_field(field.field), ball(field.factor)
    return lambda time, state: inner(time, state) * factor


@ball_field.register
def _(field: SumField) -> BallField:
    parts = [enclosed_field(part) for part in field.fields]

    def total(time: Ball, state: BallMatrix) -> BallMatrix:
        result = parts[0](time, state)
        for part in parts[1:]:
            result = result + part(time, state)
        return result

    return total


@ball_field.register
def _(field: HamiltonianField) -> BallField:
    """(−first(b), second(a))."""
    first, second = enclosed_field(field.first), enclosed_field(field.second)

    def coupled(time: Ball, state: BallMatrix) -> BallMatrix:
        half = state.nrows() // 2
        a, b = rows_of(state, 0, half), rows_of(state, half, 2 * half)
        return stacked(-first(time, b), second(time, a))

    return coupled


def _dense_matrix(field: nn.Module, linear_map: nn.Module) -> BallMatrix:
    """The matrix of an nn.Linear, exact. Raises BallRefusedError for a convolution."""
    if not isinstance(linear_map, nn.Linear):
        raise BallRefusedError(
            f"no enclosure in balls is known for {type(field).__name__} with {type(linear_map).__name__}: ball "
            f"arithmetic takes dense fields"
        )
    return exact_matrix(linear_map.weight)
