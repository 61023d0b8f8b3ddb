"""Runs of Auto-PGD: what APGD and TargetedAPGD share."""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import torch
from torch import Tensor

from natrob_empirical.threat_models import AbstractBall

from .step_size_schedule import checkpoints, stalled
from .tensor_types import Counts, Images, Truths, Values
from .tries import Tries

MOMENTUM: Final = 0.75
"""α: the weight of the gradient step; 1 − α is that of the step before."""

CarryingObjective: TypeAlias = Callable[..., Tensor]
"""(logits, labels or target classes, *carried) -> one number per sample, to be increased."""


class Ascent(NamedTuple):
    """Where each try stands; a row per try.

    Attributes:
        point, previous: x⁽ᵏ⁾ and x⁽ᵏ⁻¹⁾.
        gradient, loss: at `point`.
        step_size: η.
        best_point, best_gradient, best_loss: the point of the highest loss so far.
        best_loss_before: the highest loss at the last checkpoint.
        improvements: steps since then that raised the loss.
        halved: whether η was halved then.
    """

    point: Images
    previous: Images
    gradient: Images
    loss: Values
    step_size: Values
    best_point: Images
    best_gradient: Images
    best_loss: Values
    best_loss_before: Values
    improvements: Counts
    halved: Truths


def ascend(
    tries: Tries, ball: AbstractBall, objective: CarryingObjective, *carried: Tensor, steps: int, rho: float
) -> None:
    """Run Auto-PGD from a random point of its ball for each try.

    `z = project(x⁽ᵏ⁾ + η·direction(∇f))`, `x⁽ᵏ⁺¹⁾ = project(x⁽ᵏ⁾ + α(z − x⁽ᵏ⁾) + (1 − α)(x⁽ᵏ⁾ − x⁽ᵏ⁻¹⁾))`, α = 0.75 but
    for the first step, where it is 1. At first η = 2ε; at a checkpoint at which a try has stalled, its η is halved and
    it goes on from its best point. Spends steps + 1 queries and steps gradient calls per try.

    Args:
        tries: at the samples.
        ball: their threat model.
        objective: f, called with the logits, `tries.classes` and `carried`.
        carried: tensors with one row per try.
        steps: at least 1.
        rho: of halving condition 1.
    """
    ends = checkpoints(steps)
    last_end, state = 0, None
    point = tries.random_points()
    for k in range(steps):
        logits, gradient, loss = _look(tries, point, objective, carried)
        state = _first(tries, ball, point, gradient, loss) if state is None else _next(state, point, gradient, loss)
        state, carried = _settle(tries, logits, state, carried)
        if tries.all_fooled:
            return
        if k in ends:
            state = _judge_progress(state, k - last_end, rho)
            last_end = k
        point = _step(tries, ball, state, momentum=MOMENTUM if k else 1.0)
        state = state._replace(previous=state.point)
    tries.settle(point, tries.model.logits(point))


def _look(
    tries: Tries, point: Tensor, objective: CarryingObjective, carried: tuple[Tensor, ...]
) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, gradient and loss at a point."""
    losses: list[Tensor] = []

    def kept(logits: Tensor, y: Tensor) -> Tensor:
        losses.append(objective(logits, y, *carried))
        return losses[0]

    logits, gradient = tries.model.logits_and_gradient(point, tries.classes, kept)
    return logits, gradient, losses[0].detach()


def _first(tries: Tries, ball: AbstractBall, point: Tensor, gradient: Tensor, loss: Tensor) -> Ascent:
    return Ascent(
        point=point,
        previous=point,
        gradient=gradient,
        loss=loss,
        step_size=torch.full_like(loss, 2 * ball.epsilon),
        best_point=point,
        best_gradient=gradient,
        best_loss=loss,
        best_loss_before=loss,
        improvements=torch.zeros_like(tries.y),
        halved=torch.ones_like(tries.y, dtype=torch.bool),  # so that condition 2 waits for the second checkpoint
    )


def _next(state: Ascent, point: Tensor, gradient: Tensor, loss: Tensor) -> Ascent:
    """Arrive at a point, and remember it if it is the best."""
    better = loss > state.best_loss
    rows = _per_sample(better)
    return state._replace(
        point=point,
        gradient=gradient,
        loss=loss,
        best_point=torch.where(rows, point, state.best_point),
        best_gradient=torch.where(rows, gradient, state.best_gradient),
        best_loss=torch.where(better, loss, state.best_loss),
        improvements=state.improvements + (loss > state.loss),
    )


def _settle(
    tries: Tries, logits: Tensor, state: Ascent, carried: tuple[Tensor, ...]
) -> tuple[Ascent, tuple[Tensor, ...]]:
    rows = tries.settle(state.point, logits, *state, *carried)
    return Ascent(*rows[: len(state)]), rows[len(state) :]


def _judge_progress(state: Ascent, window: int, rho: float) -> Ascent:
    """At a checkpoint: tries that stall halve their step and return to their best point."""
    halving = stalled(
        state.improvements,
        window,
        rho,
        halved_before=state.halved,
        best_loss=state.best_loss,
        best_loss_before=state.best_loss_before,
    )
    rows = _per_sample(halving)
    return state._replace(
        point=torch.where(rows, state.best_point, state.point),
        gradient=torch.where(rows, state.best_gradient, state.gradient),
        loss=torch.where(halving, state.best_loss, state.loss),
        step_size=torch.where(halving, state.step_size / 2, state.step_size),
        best_loss_before=state.best_loss,
        improvements=torch.zeros_like(state.improvements),
        halved=halving,
    )


def _step(tries: Tries, ball: AbstractBall, state: Ascent, *, momentum: float) -> Tensor:
    point, project = state.point, tries.neighbourhood.project
    reached = project(point + _per_sample(state.step_size) * ball.ascent_step(state.gradient, point))
    if momentum == 1.0:
        return reached
    return project(point + momentum * (reached - point) + (1 - momentum) * (point - state.previous))


def _per_sample(values: Tensor) -> Tensor:
    """One value per sample, shaped to broadcast over an image."""
    return values[:, None, None, None]
