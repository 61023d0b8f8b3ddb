"""Balls and matrices of balls: the few constructors and roundings that the rest of the package needs.

A `Ball` is an interval [m ± r] with a midpoint of any precision; Arb's operations return a ball that contains every
exact result. Sums, products and conversions of dyadic numbers (every float is one) have radius 0 once the precision
is large enough to hold the result. A `BallMatrix` holds one sample a column.
"""

import importlib
import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

from torch import Tensor

if TYPE_CHECKING:
    from flint import arb, arb_mat

    Ball: TypeAlias = arb
    BallMatrix: TypeAlias = arb_mat
else:  # python-flint may be missing; annotations must not need it
    Ball = BallMatrix = object


def flint() -> Any:
    """The module of python-flint. Raises ImportError, with the remedy, where it is not installed."""
    try:
        return importlib.import_module("flint")
    except ImportError as error:
        raise ImportError(
            "ball arithmetic needs python-flint, which is not installed; pip install 'natrob[certified]'"
        ) from error


def working_precision(bits: int) -> AbstractContextManager[object]:
    """A context in which balls are rounded to this many bits."""
    return flint().ctx.workprec(bits)


def ball(number: float | Fraction) -> Ball:
    """A number as a ball: exact for a float, to the working precision for a fraction that is not dyadic."""
    if isinstance(number, Fraction):
        return flint().arb(flint().fmpq(number.numerator, number.denominator))
    return flint().arb(number)


def infinite_ball() -> Ball:
    """+∞."""
    return flint().arb.pos_inf()


def exact_matrix(tensor: Tensor) -> BallMatrix:
    """A floating-point matrix as exact balls, (rows, columns)."""
    rows, columns = tensor.shape
    return matrix(rows, columns, tensor.detach().double().flatten().tolist())


def matrix(rows: int, columns: int, entries: list[Any]) -> BallMatrix:
    """A matrix from its entries, row by row."""
    return flint().arb_mat(rows, columns, entries)


def elementwise(function: Callable[[Ball], Ball], state: BallMatrix) -> BallMatrix:
    """The function of every entry."""
    return matrix(state.nrows(), state.ncols(), [function(entry) for entry in state.entries()])


def add_column(state: BallMatrix, column: BallMatrix) -> BallMatrix:
    """The matrix with the same column, of shape (rows, 1), added to each of its columns."""
    return state + column * matrix(1, state.ncols(), [1] * state.ncols())


def rows_of(state: BallMatrix, start: int, stop: int) -> BallMatrix:
    """The rows start … stop − 1."""
    columns = state.ncols()
    return matrix(stop - start, columns, state.entries()[start * columns : stop * columns])


def columns_of(state: BallMatrix) -> list[BallMatrix]:
    """Each column as a matrix of its own."""
    return [matrix(state.nrows(), 1, list(column)) for column in zip(*state.tolist(), strict=True)]


def stacked(top: BallMatrix, bottom: BallMatrix) -> BallMatrix:
    """One matrix above the other."""
    return matrix(top.nrows() + bottom.nrows(), top.ncols(), [*top.entries(), *bottom.entries()])


def squared_distances(state: BallMatrix) -> list[Ball]:
    """‖z − y‖² of each pair, y in the first half of the columns and z in the second."""
    pairs = state.ncols() // 2
    totals = [ball(0.0)] * pairs
    for row in state.tolist():
        for sample in range(pairs):
            difference = row[pairs + sample] - row[sample]
            totals[sample] = totals[sample] + difference * difference
    return totals


def root(square: Ball) -> Ball:
    """√x of a ball that encloses a number x ≥ 0, also where the ball itself reaches below 0."""
    if square.lower() >= 0:
        return square.sqrt()
    return ball(0.0).union(square.upper().sqrt())


def float_above(number: Ball) -> float:
    """The least float64 at or above every number in the ball; ∞ where it overflows or the ball has no end."""
    end = number.upper()
    if not end.is_finite():
        return math.inf
    nearest = float(end)
    return nearest if nearest == math.inf or ball(nearest) >= end else math.nextafter(nearest, math.inf)
