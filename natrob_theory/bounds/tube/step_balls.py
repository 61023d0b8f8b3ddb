"""The balls of one step: around each point where it evaluates the field, as large as solutions can depart there."""

import copy
from typing import NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.bounds.local.local_bound import BallConstants
from natrob_theory.bounds.reaches import ROUNDING_SAFETY, AbstractReaches
from natrob_theory.layers.answers import departs
from natrob_theory.layers.questions import layer_error
from natrob_theory.layers.statements import Affine, Shape
from natrob_theory.numbers.norms import per_sample_l2
from natrob_theory.numbers.rounding import round_up, unit_roundoff
from natrob_theory.steppers import Evaluation
from natrob_theory.steppers.traced_step import StepTrace


class FieldError(NamedTuple):
    """An evaluation k = f(Y) errs by at most φu(‖k‖ + K‖Y‖) + a‖Y‖ + b.

    Attributes:
        factor: φ, see `tube_bound`.
        departure: (a, b), what it departs by where nothing rounds.
    """

    factor: float
    departure: Affine


@final
class StepBalls(AbstractReaches):
    """The evaluations of one step, visited in their order.

    A *reach* is a tensor (3, batch): (w, η, λ) says that the exact perturbed point lies within wr + η of the computed
    clean one, r the tube's radius at the step's start without rounding, and that two perturbed points are at most w
    times as far apart as their solutions were then. λ is the part of η that the step itself rounded.

    Args:
        balls: the local constants of the step's field.
        evaluations: computed points and values of the clean solution.
        step_size: h.
        start: y_n as computed.
        entering: the reach at the step's start: (1, η, 0) with η what rounding has added so far.
        radius: r.
        trace: the weights of the method's sums.
        field_error: what an evaluation of the field errs by.
    """

    def __init__(
        self,
        balls: BallConstants,
        evaluations: list[Evaluation],
        *,
        step_size: float,
        start: Tensor,
        entering: Float[Tensor, "3 batch"],
        radius: Float[Tensor, " batch"],
        trace: StepTrace | None,
        field_error: FieldError,
    ) -> None:
        self._balls = balls
        self._waiting = list(evaluations)
        self._step_size = step_size
        self._radius = radius
        self._field_error = field_error.factor * unit_roundoff(start.dtype)
        self._of_point, self._absolute = field_error.departure.tolist()
        slopes = sum((step_size * per_sample_l2(e.value) for e in evaluations), torch.zeros_like(radius))
        safety = ROUNDING_SAFETY * len(evaluations) * unit_roundoff(start.dtype)
        of_state, of_slope = (1.0, 1.0) if trace is None else (trace.state_weight, trace.slope_weight)
        added = safety * (of_state * per_sample_l2(start) + of_slope * slopes)
        self.rounding = torch.stack([torch.zeros_like(radius), added, added])
        """(0, κ, κ): κ bounds the rounding of any sum of the step."""
        self.base = entering + self.rounding
        self.largest_constant = torch.zeros_like(radius)

    def visit(self, reach: Float[Tensor, "3 batch"]) -> Float[Tensor, "3 batch"]:
        """The reach of h·f at the next point, whose own reach is given."""
        constant, error = self.measure(self._waiting.pop(0), reach)
        own = self._step_size * error
        injected = torch.stack([torch.zeros_like(error), own, own]) + self.rounding
        return round_up(self._step_size * constant * reach + injected, 32)

    def measure(
        self, evaluation: Evaluation, reach: Float[Tensor, "rows batch"]
    ) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
        """K on the ball around the point, and what the field's evaluation there may err by."""
        radius = round_up(reach[0] * self._radius + reach[1], 4)
        constant = self._balls.on_balls(evaluation.point, radius)
        self.largest_constant = torch.maximum(self.largest_constant, constant)
        return constant, self.field_error(evaluation, constant)

    def field_error(self, evaluation: Evaluation, constant: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """φu(‖f(Y)‖ + K‖Y‖) + a‖Y‖ + b."""
        size = per_sample_l2(evaluation.point)
        rounded = self._field_error * (per_sample_l2(evaluation.value) + constant * size)
        return rounded + self._of_point * size + self._absolute


def departure_of(field: nn.Module, input_shape: Shape) -> Affine:
    """How far the field's evaluation is from f where nothing rounds: (0, 0) for every field whose parts compute it.

    Raises:
        LayerRefusedError: a part departs from its function, and the field does not say what that makes of it.
    """
    if not departs(field):
        return torch.zeros(2, dtype=torch.float64)
    return layer_error(copy.deepcopy(field).double(), input_shape, torch.tensor([1.0, 0.0], dtype=torch.float64), 0.0)
