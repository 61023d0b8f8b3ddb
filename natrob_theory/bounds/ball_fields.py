"""A field or layer evaluated in balls; the seam where users add their own.

    @ball_field.register
    def _(layer: MyLayer) -> BallField:
        scale = ball(layer.scale)
        return lambda time, state: scale * state

A rule returns a function that takes the time and a matrix of balls, one sample a column, and returns a matrix that
encloses the layer's exact values: those of real arithmetic with the parameters as they are. A field or layer without
a rule is refused by name.
"""

from collections.abc import Callable
from functools import singledispatch
from typing import TypeAlias

from torch import nn

from natrob_theory.fields import AutonomousField, LinearField, field_name
from natrob_theory.layers.altered_layers import alteration_of_rule
from natrob_theory.networks.fixed_step_net import FunctionField
from natrob_theory.numbers.balls import Ball, BallMatrix, add_column, ball, elementwise, exact_matrix

BallField: TypeAlias = Callable[[Ball, BallMatrix], BallMatrix]
"""The time and the state (d, samples) -> dy/dt of the same shape, or a layer's output (d', samples)."""


class BallRefusedError(TypeError):
    """A field, layer or method that cannot be enclosed in balls here; the message names it."""


@singledispatch
def ball_field(field: nn.Module) -> BallField:
    """The field, or a layer of it, as a function of balls.

    Raises:
        BallRefusedError: no rule is registered for this kind of field or layer.
        ImportError: python-flint is not installed.
    """
    raise BallRefusedError(
        f"no enclosure in balls is known for {type(field).__name__}; register one with "
        f"natrob_theory.ball_field.register"
    )


def enclosed_field(field: nn.Module) -> BallField:
    """`ball_field`, but only for a layer that computes what the rule's kind of layer computes.

    Raises:
        BallRefusedError: as for `ball_field`, or the layer is altered: see `alteration_of_rule`.
    """
    if setting := alteration_of_rule(field, ball_field.registry):
        raise BallRefusedError(f"no enclosure in balls is known for {type(field).__name__} with {setting}")
    return ball_field(field)


@ball_field.register
def _(field: FunctionField) -> BallField:
    raise BallRefusedError(
        f"no enclosure in balls is known for the plain function {field_name(field.function)}; write it as a module "
        f"of layers, or as an nn.Module with a rule of its own: natrob_theory.ball_field.register"
    )


@ball_field.register
def _(field: AutonomousField) -> BallField:
    return enclosed_field(field.module)


@ball_field.register
def _(field: LinearField) -> BallField:
    weight = exact_matrix(field.matrix)
    return lambda _time, state: weight * state


@ball_field.register
def _(layer: nn.Sequential) -> BallField:
    parts = [enclosed_field(part) for part in layer]

    def chain(time: Ball, state: BallMatrix) -> BallMatrix:
        for part in parts:
            state = part(time, state)
        return state

    return chain


@ball_field.register
def _(layer: nn.Linear) -> BallField:
    weight = exact_matrix(layer.weight)
    if layer.bias is None:
        return lambda _time, state: weight * state
    bias = exact_matrix(layer.bias[:, None])
    return lambda _time, state: add_column(weight * state, bias)


@ball_field.register
def _(layer: nn.Identity) -> BallField:
    return lambda _time, state: state


@ball_field.register
def _(layer: nn.ReLU) -> BallField:
    """A ball that straddles 0 becomes the hull of 0 and its upper end."""
    return _activation(lambda entry: entry.max(0))


@ball_field.register
def _(layer: nn.LeakyReLU) -> BallField:
    slope = ball(float(layer.negative_slope))
    return _activation(lambda entry: entry.max(0) + slope * entry.min(0))


@ball_field.register
def _(layer: nn.Hardtanh) -> BallField:
    low, high = ball(float(layer.min_val)), ball(float(layer.max_val))
    return _activation(lambda entry: entry.max(low).min(high))


@ball_field.register
def _(layer: nn.Tanh) -> BallField:
    return _activation(lambda entry: entry.tanh())


@ball_field.register
def _(layer: nn.Sigmoid) -> BallField:
    return _activation(lambda entry: 1 / (1 + (-entry).exp()))


def _activation(function: Callable[[Ball], Ball]) -> BallField:
    """A layer that acts on each entry alone, whatever the time."""
    return lambda _time, state: elementwise(function, state)
