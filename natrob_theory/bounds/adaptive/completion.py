"""Proves that adaptive solves reach T: a certificate for what a solver returns holds for solves that return something.

Every trial step of size at most h* is accepted (`ErrorRatio`), so a proposed step that is rejected was longer. The
controller multiplies it by at least φ = min(smallest factor, safety). After an accepted step with error ratio r it
multiplies by at least max(smallest factor, safety·r^{−α}·10^{−4β}), which is 1 or more for steps up to h₁ ≤ h*. So no
proposal falls below min(first step, φh*, h₁·max(smallest factor, safety·10^{−4β})), and from a small first step
proposals grow at the pace of r. That bounds the accepted steps; a rejection shortens the next trial by the factor
`safety` at least, and only every other accepted step can let it grow again, which bounds the rejections.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from natrob_theory.adaptive import PIController
from natrob_theory.adaptive.controller import SMALLEST_RATIO, SMALLEST_REMEMBERED
from natrob_theory.bounds.adaptive.error_ratio import ErrorRatio, error_ratio
from natrob_theory.bounds.adaptive.first_step import StartRange, least_first_step
from natrob_theory.bounds.adaptive.local_error import FlowConstants
from natrob_theory.bounds.adaptive.rounding import SolveGrowth
from natrob_theory.bounds.adaptive.solve_requirements import affine_bound_obstacle
from natrob_theory.bounds.adaptive.step_rounding import step_rounding
from natrob_theory.layers.statements import Shape
from natrob_theory.networks import NeuralODE
from natrob_theory.numbers.rounding import EPSILON, unit_roundoff

INWARD = 1.0 - 1e-9
"""For the rounding of step sizes and factors, far more than it can be."""
RAMP = 100
PACES = (10.0, 5.0, 2.0, 1.5, 1.2, 1.05)
MOST = 2**53
"""As many trial steps as none are proved for."""


@dataclass(frozen=True, kw_only=True)
class Completion:
    """Whether every solve from a ball of starts reaches T within `max_num_steps` trial steps.

    Attributes:
        proved: of each sample, (batch,). Where False, results on it hold whenever the solve reaches T.
        most_trials: trial steps, accepted and rejected, that any of these solves can need, (batch,); 2⁵³: no number
            is known.
        smallest_accepted: h*: a trial step of at most this size is accepted, wherever it starts, (batch,).
        reason: both in words.
    """

    proved: Bool[Tensor, " batch"]
    most_trials: Int[Tensor, " batch"]
    smallest_accepted: Float[Tensor, " batch"]
    reason: str


def completion(
    net: NeuralODE,
    *,
    state_norm: Float[Tensor, " batch"],
    distance: Float[Tensor, " batch"] | float,
    speed: Float[Tensor, " batch"],
    lipschitz: Float[Tensor, "*batch"] | float,
    one_sided: Float[Tensor, "*batch"] | float,
    input_shape: Shape,
    dtype: torch.dtype,
) -> Completion:
    """Counts the trial steps that a solve from any z_0 with ‖z_0 − y_0‖ ≤ `distance` can need, from above.

    Arguments and errors are those of `rounding_allowance`.

    Source: theory, section 8.
    Proof: proofs/symbolic/completion.py, proofs/symbolic/evaluation_error.py of what estimates round.
    """
    obstacle = affine_bound_obstacle(net)
    if obstacle is not None:
        raise ValueError(obstacle)
    assert net.max_step_size is not None
    constants = FlowConstants(
        lipschitz=torch.as_tensor(lipschitz, dtype=torch.float64),
        one_sided=torch.as_tensor(one_sided, dtype=torch.float64),
    )
    rounded = step_rounding(
        net.tableau, net.field, largest_step=net.max_step_size, lipschitz=constants.lipschitz, input_shape=input_shape,
        dtype=dtype,
    )  # fmt: skip
    own_error = rounded.field_slope * state_norm + rounded.field_constant
    start_norm, start_speed = state_norm + distance, speed + own_error + constants.lipschitz * distance
    growth = SolveGrowth(net, constants, rounded, dtype, net.max_num_steps)
    norm, largest_speed = growth.extent(start_norm, start_speed)
    evaluated_speed = start_speed + rounded.field_slope * start_norm + rounded.field_constant
    entries, unit = math.prod(input_shape), unit_roundoff(dtype)
    ratio = error_ratio(
        net.tableau, constants, rounded, norm=norm, speed=largest_speed, atol=_least(net.atol), entries=entries,
        unit=unit,
    )  # fmt: skip
    lost = 2.0 * (entries + 10) * unit
    scale = math.sqrt(entries) * (_most(net.rtol) * start_norm + _most(net.atol)) * (1.0 + lost)
    noise = 2.0 * (rounded.field_slope * norm + rounded.field_constant) + 4.0 * unit * constants.lipschitz * norm
    start = StartRange(
        size=(state_norm - distance).clamp_min(0.0) * (1.0 - lost) / scale,
        speed=(2.0 * speed * (1.0 - lost) - evaluated_speed).clamp_min(0.0) / scale,
        largest_speed=evaluated_speed * (1.0 + lost) / ratio.tolerance,
        bend=constants.lipschitz * evaluated_speed * (1.0 + lost) / ratio.tolerance,
        noise=noise * (1.0 + lost) / ratio.tolerance,
    )
    steps = _StepSizes(net, ratio, start)
    trials = torch.where(_is_small_enough(norm, dtype), steps.most_trials(), math.inf)
    proved = trials <= net.max_num_steps
    return Completion(
        proved=proved,
        most_trials=trials.clamp_max(MOST).to(torch.int64),
        smallest_accepted=steps.always_accepted,
        reason=_reason(net, proved, trials),
    )


class _StepSizes:
    """Bounds the steps that the controller proposes from below, and counts."""

    def __init__(self, net: NeuralODE, ratio: ErrorRatio, start: StartRange) -> None:
        assert net.max_step_size is not None
        assert net.tableau.order_embedded is not None
        self._ratio, self._controller = ratio, net.controller
        self._duration = net.end_time - net.start_time
        self._cap = net.max_step_size
        self._order = min(net.tableau.order, net.tableau.order_embedded) + 1
        self._smallest = 4.0 * EPSILON * max(abs(net.start_time), abs(net.end_time), self._duration)
        self._least_gain = _least_gain(net.controller)
        self._exponent = 1.0 / self._order - 0.75 * net.controller.beta
        # Up to this ratio a step is followed by no smaller one.
        self._calm = min(1.0, self._least_gain ** (1.0 / self._exponent)) if self._exponent > 0 else 0.0
        self.always_accepted = ratio.largest_step(1.0, self._cap)
        self._never_shrinks = ratio.largest_step(self._calm * INWARD, self._cap)
        self._first = least_first_step(start, order=self._order, duration=self._duration).clamp_max(self._cap)

    def most_trials(self) -> Float[Tensor, " batch"]:
        """Trial steps at most; ∞ where nothing is known."""
        controller, cap = self._controller, self._cap
        calm = self._never_shrinks >= cap
        safe = self.always_accepted >= cap
        least = torch.where(
            calm, cap, self._never_shrinks * min(1.0, max(self._least_gain, controller.smallest_factor))
        )
        shrink = min(controller.smallest_factor, controller.safety)
        least = torch.where(safe, least, torch.minimum(least, shrink * self.always_accepted)) * INWARD
        accepted = self._accepted_before(least) + 4.0
        accepted = accepted + torch.where(calm, 0.0, (cap / self._never_shrinks).log2().ceil())
        bursts = torch.floor((cap / self.always_accepted).log() / -math.log(controller.safety)) + 1.0
        trials = torch.where(safe, accepted, accepted + torch.ceil(bursts * (2.0 + 0.5 * accepted)))
        resolved = torch.minimum(self._first, 0.25 * least) > max(self._smallest, 1e-30)
        known = resolved & (self._never_shrinks > 0) & (self.always_accepted > 0) & (safe | (controller.safety < 1.0))
        known &= self._calm > SMALLEST_RATIO
        return torch.where(known & ~trials.isnan(), trials, math.inf)

    def _accepted_before(self, least: Tensor) -> Tensor:
        """Accepted steps at most, if proposals are at least the first step, grow at their pace, and stay at `least`."""
        step = torch.minimum(self._first, least)
        covered, count = torch.zeros_like(step), torch.zeros_like(step)
        for _ in range(RAMP):
            climbing = (step < least) & (covered < self._duration)
            if not bool(climbing.any()):
                break
            covered, count = covered + torch.where(climbing, step, 0.0), count + climbing
            step = torch.where(climbing, torch.minimum(self._next_at_least(step), least), step)
        return count + torch.ceil((self._duration - covered).clamp_min(0.0) / step)

    def _next_at_least(self, step: Tensor) -> Tensor:
        """The proposal after an accepted step of at least this size: for every q it is q or more, or step·F(q)."""
        found = step
        for pace in PACES:
            reached = torch.minimum(pace * step, self._never_shrinks)
            gained = self._gain(self._ratio.at(reached)) * step
            found = torch.maximum(found, torch.minimum(reached, gained))
        return found * INWARD

    def _gain(self, ratio: Tensor) -> Tensor:
        """The factor after an accepted step with an error ratio of at most this."""
        wanted = self._least_gain * ratio.clamp_min(SMALLEST_RATIO).pow(-self._exponent)
        return wanted.clamp(self._controller.smallest_factor, self._controller.largest_factor)


def _least_gain(controller: PIController) -> float:
    """safety·r_{n−1}^β at its least."""
    return controller.safety * SMALLEST_REMEMBERED**controller.beta * INWARD


def _is_small_enough(norm: Tensor, dtype: torch.dtype) -> Tensor:
    """Whether states are far from overflow."""
    return norm < 1e-6 * torch.finfo(dtype).max


def _least(tolerance: float | Tensor) -> float:
    return float(tolerance.min()) if isinstance(tolerance, Tensor) else tolerance


def _most(tolerance: float | Tensor) -> float:
    return float(tolerance.max()) if isinstance(tolerance, Tensor) else tolerance


def _reason(net: NeuralODE, proved: Tensor, trials: Tensor) -> str:
    """Says what is proved, or how many steps would be."""
    finite = trials[torch.isfinite(trials)]
    if bool(proved.all()):
        most = int(finite.max()) if len(finite) else 0
        return f"every solve reaches the end time within {most} of `max_num_steps` = {net.max_num_steps} trial steps"
    open_ones = f"{int((~proved).sum())} of {len(proved)} samples"
    missing = f"whenever the solve reaches the end time; not proved for {open_ones}: "
    beyond = finite[finite > net.max_num_steps]
    if len(beyond):
        return missing + f"up to {int(beyond.max())} trial steps may be needed, `max_num_steps` is {net.max_num_steps}"
    return missing + "no step size is known that the error control accepts and the controller does not shrink"
