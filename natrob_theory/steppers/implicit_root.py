"""The root of backward Euler's equation in balls: an approximation, and a ball around it by contraction."""

from collections.abc import Callable
from fractions import Fraction

import torch
from torch import Tensor, nn

from natrob_theory.fields import evaluate_field, field_name
from natrob_theory.layers.questions import lipschitz_of_layer
from natrob_theory.layers.refusal import BallRefusedError, LayerRefusedError
from natrob_theory.layers.statements import BallField
from natrob_theory.numbers.balls import Ball, BallMatrix, ball, columns_of, exact_matrix, matrix
from natrob_theory.numbers.jacobian_products import Linearisation


def enclosed_root(
    field: nn.Module, enclosure: BallField, time: Fraction, step_size: Fraction, state: BallMatrix, start: Tensor
) -> BallMatrix:
    """Balls around the x with x = y + h f(t, x), for every y in the balls of `state`.

    For any point x̃ with residual r = y + h f(x̃) − x̃ and hL < 1, L an upper bound of the Lipschitz constant of f, the
    root exists, is the only one, and ‖x − x̃‖₂ ≤ ‖r‖₂/(1 − hL) (Banach's fixed point theorem). L comes from the
    layers, not from the caller's K, which is under test.

    Args:
        field, enclosure: f as a module and in balls.
        time, step_size: t and h.
        state: y, (d, samples).
        start: an approximate root, (samples, d); only the size of the balls depends on it.

    Raises:
        BallRefusedError: no L is known for the field, or hL ≥ 1.
    """
    room = _contraction_room(field, state.nrows(), step_size)
    newton = _inverse_newton_matrices(field, time, step_size, start)
    now, height = ball(time), ball(step_size)
    roots = []
    for column, guess, inverse in zip(columns_of(state), start, newton, strict=True):

        def residual(point: BallMatrix, known: BallMatrix = column) -> BallMatrix:
            return known + enclosure(now, point) * height - point

        point = _refined(residual, exact_matrix(guess[:, None]), inverse)
        radius = _squared_norm(residual(point)).upper().sqrt() / room
        roots.append([entry + (-radius).union(radius) for entry in point.entries()])
    return matrix(state.nrows(), len(roots), [entry for row in zip(*roots, strict=True) for entry in row])


def _refined(residual: Callable[[BallMatrix], BallMatrix], point: BallMatrix, newton: BallMatrix) -> BallMatrix:
    """An exact point near the root: Newton's iteration with a fixed matrix, as long as it halves ‖r‖²."""
    defect = residual(point).mid()
    while True:
        trial = (point + newton * defect).mid()
        trial_defect = residual(trial).mid()
        if not _squared_norm(trial_defect) < 0.5 * _squared_norm(defect):
            return point
        point, defect = trial, trial_defect


def _contraction_room(field: nn.Module, dimension: int, step_size: Fraction) -> Ball:
    """1 − hL > 0. Raises BallRefusedError where there is none."""
    name = field_name(field)
    try:
        bound = lipschitz_of_layer(field, (dimension,))
    except LayerRefusedError as error:
        raise BallRefusedError(
            f"the root of backward Euler with field {name} cannot be enclosed in balls: {error}"
        ) from error
    product = step_size * Fraction(bound)
    if product >= 1:
        raise BallRefusedError(
            f"the root of backward Euler with field {name} is enclosed in balls only where the step is a contraction, "
            f"hL < 1: `step_size` = {float(step_size):.6g} and L = {bound:.6g}, the upper bound from its layers, give "
            f"hL = {float(product):.6g}; take a smaller step, or arithmetic='float'"
        )
    return ball(1 - product)


def _inverse_newton_matrices(field: nn.Module, time: Fraction, step_size: Fraction, start: Tensor) -> list[BallMatrix]:
    """(I − hJ)⁻¹ of each sample with the Jacobian J at the start, in float64: close is enough."""
    height = float(step_size)
    directions = torch.eye(start.shape[1], dtype=start.dtype, device=start.device)
    slopes = Linearisation(lambda point: evaluate_field(field, float(time), point), start)
    jacobian = torch.stack([slopes.times(direction.expand_as(start)) for direction in directions], dim=2).double()
    identity = torch.eye(start.shape[1], dtype=torch.float64, device=start.device)
    return [exact_matrix(inverse) for inverse in torch.linalg.inv(identity - height * jacobian)]


def _squared_norm(column: BallMatrix) -> Ball:
    """‖·‖₂² of a single column."""
    return sum((entry * entry for entry in column.entries()), ball(0.0))
