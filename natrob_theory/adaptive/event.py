"""An event within a step: where a function of time and state changes its sign, found by steps to it."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from natrob_theory.adaptive.settings import Event

SPACINGS = 4.0
"""An event is located to within so many spacings of the state's dtype at the largest |t| of the solve."""


def event_values(event: Event, time: Tensor, state: Tensor) -> Tensor:
    """The event's values, (batch,), with t in float64 rounded to the state's dtype.

    Raises:
        TypeError, ValueError: it returned something else than finite real values of that shape.
    """
    values = event(time.to(state.dtype), state)
    if not isinstance(values, Tensor) or not values.is_floating_point():
        raise TypeError(f"`event` must return a floating-point tensor, got {type(values).__name__}")
    if values.shape != (len(state),):
        raise ValueError(f"`event` must return one value for each sample, ({len(state)},), got {tuple(values.shape)}")
    if bool(values.isnan().any()):
        raise ValueError("`event` must return numbers, got NaN")
    return values


class Bracket(NamedTuple):
    """Steps h between which the event lies: it has the old sign at `inside` and not at `outside`, (batch,) each."""

    inside: Tensor
    outside: Tensor
    value_inside: Tensor
    value_outside: Tensor


def locate(value_at: Callable[[Tensor, Tensor], Tensor], bracket: Bracket, tolerance: float) -> tuple[Tensor, Tensor]:
    """The smallest step known to be at or past the event, and how many were tried, (batch,) both.

    Every trial is a step of its own from the same state, and every sample's search is its own. The secant through the
    ends of the bracket, with the Illinois change of a value that stays (Dowell, Jarratt, BIT 11, 1971); every third
    trial bisects, so that 3 log₂ of the ratio of widths is the most it takes.

    Args:
        value_at: the event after steps h of the samples at these positions, (some,), float64.
        bracket: where it lies.
        tolerance: the width at which a search ends.
    """
    inside, outside, low, high = (part.clone() for part in bracket)
    sign = torch.sign(bracket.value_inside)
    was_past, tried = torch.zeros_like(sign, dtype=torch.bool), torch.zeros_like(sign, dtype=torch.long)
    count = 0
    while True:
        middle = 0.5 * (inside + outside)
        open_ = ((outside - inside).abs() > tolerance) & (middle != inside) & (middle != outside)
        rows = open_.nonzero()[:, 0]
        if len(rows) == 0:
            return outside, tried
        secant = outside - high * (outside - inside) / (high - low)
        usable = ((secant - inside) * (outside - secant) > 0) & (secant != inside) & (secant != outside)
        trial = torch.where(usable, secant, middle)[rows] if count % 3 != 2 else middle[rows]
        value = value_at(trial, rows)
        past = torch.sign(value) != sign[rows]
        again = past == was_past[rows] if count else torch.zeros_like(past)
        halved = torch.where(again, 0.5, 1.0)
        low[rows] = torch.where(past, halved * low[rows], value)
        high[rows] = torch.where(past, value, halved * high[rows])
        inside[rows] = torch.where(past, inside[rows], trial)
        outside[rows] = torch.where(past, trial, outside[rows])
        was_past[rows] = past
        tried[rows] += 1
        count += 1


def with_event_time(event: Event, time: Tensor, state: Tensor, slope: Tensor) -> Tensor:
    """y at the event, whose gradient knows that the event's time moves: dy = ∂y − f·(∂event)/(d event/dt).

    The implicit function theorem on event(t, y(t)) = 0. The values stay as they are.

    Args:
        time, state: t and y at the event, the state with the gradients of a step of constant size.
        slope: f(t, y).

    Raises:
        ValueError: the event's rate of change is 0 there, so that its time has no derivative.
        NotImplementedError: when differentiated twice.
    """
    value = event_values(event, time, state)
    if not value.requires_grad:
        return state
    rate = _rate(event, time, state.detach(), slope.detach())
    if bool((rate == 0).any()):
        raise ValueError("`event` must pass through 0 at a rate other than 0 for its time to have a derivative")
    value.register_hook(_refuse_second_derivatives)
    shape = (-1, *[1] * (state.dim() - 1))
    return state - ((value - value.detach()) / rate).view(shape) * slope.detach()


def _rate(event: Event, time: Tensor, state: Tensor, slope: Tensor) -> Tensor:
    """d/dt event(t, y(t)) = ∂event/∂t + ⟨∂event/∂y, f⟩, (batch,)."""
    with torch.enable_grad():
        moment, point = time.to(state.dtype, copy=True).requires_grad_(), state.clone().requires_grad_()
        value = event(moment, point)
        by_time, by_state = torch.autograd.grad(value.sum(), (moment, point), allow_unused=True)
    rate = torch.zeros_like(value) if by_time is None else by_time
    return rate if by_state is None else rate + (by_state * slope).flatten(1).sum(dim=1)


def _refuse_second_derivatives(gradient: Tensor) -> Tensor:
    if torch.is_grad_enabled():
        raise NotImplementedError("an event's time has no second derivatives here; call backward without create_graph")
    return gradient
