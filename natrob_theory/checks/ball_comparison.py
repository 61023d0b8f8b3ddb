"""Distance against bound in balls, at a precision that rises until every comparison is decided."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from natrob_theory.checks.trajectories import PairRun
from natrob_theory.layers.questions import ball_field
from natrob_theory.networks import AbstractIntegratorNet, LipschitzConstants, OneSidedConstants, StepPlan
from natrob_theory.networks.abstract_net import constants_per_step, require_forward_in_time
from natrob_theory.networks.fixed_step_net import AbstractFixedStepNet
from natrob_theory.networks.one_sided_growth import one_sided_per_step
from natrob_theory.numbers.balls import (
    Ball,
    ball,
    exact_matrix,
    float_above,
    infinite_ball,
    root,
    squared_distances,
    working_precision,
)
from natrob_theory.numbers.bound import lipschitz_value, one_sided_value
from natrob_theory.steppers import AbstractStepper
from natrob_theory.steppers.ball_arithmetic import BallEvaluation, BallStep
from natrob_theory.steppers.growth_factors import BallConstants

SMALLEST_PRECISION = 128
LARGEST_PRECISION = 8192
"""Bits. A tie of dyadic numbers is decided once they fit: about 200 bits a step for f = Ky under Euler's method."""


@dataclass(frozen=True, kw_only=True)
class BallComparison:
    """The outcome of every comparison, (steps + 1, batch); row 0 is the start.

    Attributes:
        proved: distance ≤ bound, proved.
        refuted: distance > bound, proved.
        distance, bound, ratio: the least float64 at or above the ball; the ratio of a proved comparison at most 1.
        bits: the highest precision that was used.
    """

    proved: Bool[Tensor, "points batch"]
    refuted: Bool[Tensor, "points batch"]
    distance: Float[Tensor, "points batch"]
    bound: Float[Tensor, "points batch"]
    ratio: Float[Tensor, "points batch"]
    bits: int


def compare_in_balls(
    net: AbstractIntegratorNet,
    run: PairRun,
    lipschitz: LipschitzConstants | None = None,
    one_sided: OneSidedConstants | None = None,
) -> BallComparison:
    """Enclose ‖z_n − y_n‖ and Π G(h_i K_i)·‖z_0 − y_0‖ for the run's starting states, and compare.

    The instance is exact: the floats of y_0 and z_0 as the network saw them, the parameters as they are, h and K as
    the floats they are, tableaus as fractions, t_n = t_0 + nh (for a Neural ODE the recorded times, whose differences
    are the step sizes). Squares are compared, so that a case that is exactly tight is proved where both sides are
    dyadic and fit in `LARGEST_PRECISION` bits; otherwise it stays undecided.

    Args:
        net: the network, with fields that have a rule in `ball_field`.
        run: of this network; its states but the first are only a start for implicit solves.
        lipschitz: K, taken as exact; None encloses the pair's own secant constants.
        one_sided: μ, taken as exact; each step takes the smaller of its factors from K and from (μ, K), as the float
            check does. A μ above K is taken as K.

    Raises:
        BallRefusedError: a field, layer or method has no rule, or an implicit root cannot be enclosed.
        ImportError: python-flint is not installed.
        ValueError: states of more than one axis.
    """
    if run.clean.dim() != 3:
        raise ValueError(f"ball arithmetic takes flat states, (batch, d), got {tuple(run.clean.shape[1:])}")
    if run.times.dim() == 1:
        return _compare_on_one_grid(net, run, lipschitz, one_sided)
    samples = range(run.clean.shape[1])
    return _joined([_compare_on_one_grid(net, _alone(run, sample), lipschitz, one_sided) for sample in samples])


def _alone(run: PairRun, sample: int) -> PairRun:
    """The run of one pair on its own grid."""
    grid = run.times[:, sample]
    return replace(
        run,
        times=grid,
        clean=run.clean[:, sample : sample + 1],
        perturbed=run.perturbed[:, sample : sample + 1],
        distance=run.distance[:, sample : sample + 1],
        plan=[
            StepPlan(step.field, time, later - time, later)
            for step, (time, later) in zip(run.plan, pairwise(grid.tolist()), strict=True)
        ],
        clean_evaluations=[],
        perturbed_evaluations=[],
    )


def _joined(parts: Sequence[BallComparison]) -> BallComparison:
    """The comparisons of single samples side by side."""
    return BallComparison(
        proved=torch.cat([part.proved for part in parts], dim=1),
        refuted=torch.cat([part.refuted for part in parts], dim=1),
        distance=torch.cat([part.distance for part in parts], dim=1),
        bound=torch.cat([part.bound for part in parts], dim=1),
        ratio=torch.cat([part.ratio for part in parts], dim=1),
        bits=max(part.bits for part in parts),
    )


def _compare_on_one_grid(
    net: AbstractIntegratorNet,
    run: PairRun,
    lipschitz: LipschitzConstants | None,
    one_sided: OneSidedConstants | None,
) -> BallComparison:
    """As `compare_in_balls`, for pairs that share their grid."""
    verdicts = [_trivial_verdict(run, sample) for sample in range(run.clean.shape[1])]
    bits = SMALLEST_PRECISION
    while True:
        open_samples = [sample for sample, verdict in enumerate(verdicts) if not verdict.decided]
        if open_samples:
            with working_precision(bits):
                decided = _verdicts(net, run, open_samples, lipschitz, one_sided)
            for sample, verdict in zip(open_samples, decided, strict=True):
                verdicts[sample] = verdict
        if bits == LARGEST_PRECISION or all(verdict.decided for verdict in verdicts):
            return _comparison(verdicts, bits, run.clean)
        bits *= 2


@dataclass(frozen=True, kw_only=True)
class _Verdict:
    """The comparisons of one sample, one entry per point."""

    proved: list[bool]
    refuted: list[bool]
    distance: list[float]
    bound: list[float]
    ratio: list[float]

    @property
    def decided(self) -> bool:
        return all(yes or no for yes, no in zip(self.proved, self.refuted, strict=True))


def _trivial_verdict(run: PairRun, sample: int) -> _Verdict:
    """Proved, 0 ≤ 0, where both solutions start at the same state and so are the same; else nothing is decided."""
    points = len(run.plan) + 1
    same = torch.equal(run.clean[0, sample], run.perturbed[0, sample])
    return _Verdict(
        proved=[same] * points,
        refuted=[False] * points,
        distance=[0.0] * points,
        bound=[0.0] * points,
        ratio=[0.0] * points,
    )


def _verdicts(
    net: AbstractIntegratorNet,
    run: PairRun,
    samples: list[int],
    lipschitz: LipschitzConstants | None,
    one_sided: OneSidedConstants | None,
) -> list[_Verdict]:
    """Every comparison of these samples at the working precision."""
    states = torch.cat([run.clean[:, samples], run.perturbed[:, samples]], dim=1)
    steps = _exact_steps(net, run, states)
    state = exact_matrix(states[0].T)
    squares = [squared_distances(state)]
    secants: list[list[Ball]] = []
    for step in steps:
        state, evaluations = net.stepper.step_in_balls(step, state)
        squares.append(squared_distances(state))
        secants.append(_secants(evaluations))
    couplings = net.stepper.couplings
    verdicts = []
    for sample in range(len(samples)):
        if lipschitz is None:
            constants = [(row[sample],) * couplings for row in secants]
        else:
            rows = constants_per_step(lipschitz, len(steps), couplings)
            constants = [tuple(ball(lipschitz_value(constant)) for constant in row) for row in rows]
        scaled = [
            [ball(abs(step.step_size)) * constant for constant in row]
            for step, row in zip(steps, constants, strict=True)
        ]
        growth = net.stepper.squared_growth(scaled)
        if one_sided is not None:
            require_forward_in_time(float(step.step_size) for step in steps)
            mu = [one_sided_value(constant) for constant in one_sided_per_step(one_sided, len(steps))]
            growth = _smaller_steps(net.stepper, steps, scaled, mu) if net.stepper.growth_factors else growth
        distances = [row[sample] for row in squares]
        verdicts.append(_verdict(distances, [distances[0] * factor for factor in growth]))
    return verdicts


def _smaller_steps(
    stepper: AbstractStepper[Any], steps: Sequence[BallStep], scaled: Sequence[Sequence[Ball]], mu: Sequence[float]
) -> list[Ball]:
    """G² over the first n steps with the least factor of each."""
    squares = [ball(1.0)]
    for step, row, constant in zip(steps, scaled, mu, strict=True):
        size = ball(step.step_size)
        known = BallConstants(step_size=size, x=row[0], scaled_one_sided=(size * ball(constant)).min(row[0]))
        least = stepper.squared_growth([row])[-1]
        for factor in stepper.growth_factors:
            square = factor.squared_growth(known) if factor.applies_to(known) else None
            least = least if square is None else square.min(least)
        squares.append(squares[-1] * least)
    return squares


def _exact_steps(net: AbstractIntegratorNet, run: PairRun, states: Tensor) -> list[BallStep]:
    """The steps of the run with exact times and sizes."""
    if isinstance(net, AbstractFixedStepNet):
        start, size = Fraction(net.start_time), Fraction(net.step_size)
        times = [start + n * size for n in range(len(run.plan) + 1)]
    else:
        times = [Fraction(time) for time in run.times.tolist()]
    return [
        _exact_step(net.stepper, plan, time, later - time, end)
        for plan, (time, later), end in zip(run.plan, pairwise(times), states[1:], strict=True)
    ]


def _exact_step(
    stepper: AbstractStepper[Any], plan: StepPlan, time: Fraction, step_size: Fraction, end: Tensor
) -> BallStep:
    return BallStep(
        field=plan.field,
        maps=tuple(ball_field(part) for part in stepper.fields_of(plan.field)),
        time=time,
        step_size=step_size,
        end=end,
    )


def _secants(evaluations: Sequence[BallEvaluation]) -> list[Ball]:
    """The largest ‖f(Z) − f(Y)‖/‖Z − Y‖ of each pair, 0 where Z = Y; without an upper end where that is unknown."""
    rows = []
    for point, value in evaluations:
        runs, rises = squared_distances(point), squared_distances(value)
        rows.append([_quotient(rise, run) for rise, run in zip(rises, runs, strict=True)])
    largest = rows[0]
    for row in rows[1:]:
        largest = [one.max(other) for one, other in zip(largest, row, strict=True)]
    return largest


def _quotient(rise: Ball, run: Ball) -> Ball:
    """√(rise/run)."""
    if run > 0:
        return root(rise / run)
    return ball(0.0) if run.is_zero() else ball(0.0).union(infinite_ball())


def _verdict(distances: Sequence[Ball], bounds: Sequence[Ball]) -> _Verdict:
    """Compare the squares, and round distance, bound and ratio up."""
    proved = [bool(distance <= bound) for distance, bound in zip(distances, bounds, strict=True)]
    return _Verdict(
        proved=proved,
        refuted=[bool(distance > bound) for distance, bound in zip(distances, bounds, strict=True)],
        distance=[float_above(root(distance)) for distance in distances],
        bound=[float_above(root(bound)) for bound in bounds],
        ratio=[
            _ratio_above(distance, bound, holds)
            for distance, bound, holds in zip(distances, bounds, proved, strict=True)
        ],
    )


def _ratio_above(distance: Ball, bound: Ball, proved: bool) -> float:
    """√(distance/bound) rounded up; 0 where the distance is 0."""
    if distance.is_zero():
        return 0.0
    ratio = float_above(root(distance / bound)) if bound > 0 else math.inf
    return min(ratio, 1.0) if proved else ratio


def _comparison(verdicts: list[_Verdict], bits: int, like: Tensor) -> BallComparison:
    """The samples side by side."""

    def column_by_column(name: str, dtype: torch.dtype) -> Tensor:
        return torch.tensor([getattr(verdict, name) for verdict in verdicts], dtype=dtype, device=like.device).T

    return BallComparison(
        proved=column_by_column("proved", torch.bool),
        refuted=column_by_column("refuted", torch.bool),
        distance=column_by_column("distance", torch.float64),
        bound=column_by_column("bound", torch.float64),
        ratio=column_by_column("ratio", torch.float64),
        bits=bits,
    )
