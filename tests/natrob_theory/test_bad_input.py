"""The list of wrong inputs: each is refused with the argument's name and what came."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from natrob_theory import (
    AbstractIntegratorNet,
    BackwardEulerNet,
    EulerNet,
    FractalNet,
    HeunNet,
    NeuralODE,
    PolyNet,
    RevNet,
    RungeKuttaNet,
)

FIXED: list[Callable[..., AbstractIntegratorNet]] = [
    EulerNet, HeunNet, RungeKuttaNet, BackwardEulerNet, PolyNet, FractalNet,
    lambda f, *rest, **named: RevNet((f, f), *rest, **named),
]  # fmt: skip
NAMES = ["euler", "heun", "runge_kutta", "backward_euler", "polynet", "fractalnet", "revnet"]


def field(time: Tensor, state: Tensor) -> Tensor:
    return -state


@pytest.mark.parametrize("network", FIXED, ids=NAMES)
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0.0, 3), ValueError, "`step_size` must be greater than 0, got 0.0"),
        ((-0.1, 3), ValueError, "`step_size` must be greater than 0, got -0.1"),
        ((math.nan, 3), ValueError, "`step_size` must be finite, got nan"),
        ((math.inf, 3), ValueError, "`step_size` must be finite, got inf"),
        (("0.1", 3), TypeError, "`step_size` must be a real number, got '0.1' of type str"),
        ((0.1, 0), ValueError, "`num_steps` must be at least 1, got 0"),
        ((0.1, -2), ValueError, "`num_steps` must be at least 1, got -2"),
        ((0.1, 2.0), TypeError, "`num_steps` must be an integer, got 2.0 of type float"),
        ((0.1,), ValueError, "`num_steps` must be given when one field is shared by all steps"),
    ],
)
def test_step_sizes_and_numbers_of_steps(
    network: Callable[..., AbstractIntegratorNet],
    arguments: tuple[Any, ...],
    error: type[Exception],
    message: str,
    unchecked: None,
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        network(field, *arguments)


@pytest.mark.parametrize("network", FIXED, ids=NAMES)
def test_start_times(network: Callable[..., AbstractIntegratorNet]) -> None:
    with pytest.raises(ValueError, match="`start_time` must be finite, got inf"):
        network(field, 0.1, 2, start_time=math.inf)


@pytest.mark.parametrize(
    ("y0", "error", "message"),
    [
        (torch.full((2, 4), math.nan), ValueError, "`y0` must be finite, got NaN or infinite entries in 2 of 2"),
        (torch.tensor([[1.0, math.inf], [1.0, 1.0]]), ValueError, "infinite entries in 1 of 2 samples"),
        (torch.ones(4), ValueError, "`y0` must have shape (batch, *state)"),
        (torch.tensor(1.0), ValueError, "got shape ()"),
        (torch.ones(0, 4), ValueError, "with at least one sample and one entry, got shape (0, 4)"),
        (torch.ones(2, 4, dtype=torch.int32), TypeError, "`y0` must be a floating-point tensor, got dtype torch.int32"),
        ([[1.0, 2.0]], TypeError, "`y0` must be a torch.Tensor, got list"),
    ],
)
def test_states(method: Any, y0: Any, error: type[Exception], message: str, unchecked: None) -> None:
    net = method.build(field, 0.1, 2)
    for run in (net, net.trajectory):
        with pytest.raises(error, match=re.escape(message)):
            run(y0)


def test_fields_that_change_shape_or_dtype(method: Any) -> None:
    def narrowing(time: Tensor, state: Tensor) -> Tensor:
        return state[:, :1]

    def widening(time: Tensor, state: Tensor) -> Tensor:
        return state.double()

    with pytest.raises(ValueError, match=r"field \w+ must keep the shape of the state \(2, \d\), got \(2, 1\)"):
        method.build(narrowing, 0.1, 2)(torch.ones(2, 4))
    with pytest.raises(TypeError, match=r"field \w+ must keep the dtype of the state torch.float32, got torch.float64"):
        method.build(widening, 0.1, 2)(torch.ones(2, 4))


@pytest.mark.parametrize("network", FIXED[:-1], ids=NAMES[:-1])
def test_fields_themselves(network: Callable[..., AbstractIntegratorNet], unchecked: None) -> None:
    with pytest.raises(TypeError, match=r"`field_or_fields` must be a callable field\(t, y\) or a sequence .* got int"):
        network(3, 0.1, 2)
    with pytest.raises(TypeError, match=r"`field_or_fields` must be a callable .* got str"):
        network([field, "tanh"], 0.1)
    with pytest.raises(ValueError, match="`field_or_fields` must hold at least one field, got an empty sequence"):
        network([], 0.1, 2)
    with pytest.raises(ValueError, match=r"`field_or_fields` must be one field or one per step \(3\), got 2"):
        network([field, field], 0.1, 3)


def test_fields_of_revnet(unchecked: None) -> None:
    wrong: Any
    for wrong in (field, (), 3):
        with pytest.raises(TypeError, match=r"`field_pairs` must be a pair \(f₁, f₂\) or a sequence of pairs, got"):
            RevNet(wrong, 0.1, 2)
    for wrong in ((field,), (field, field, field), [(field, field), field], [(field, field), (field,)]):
        with pytest.raises(ValueError, match="`field_pairs` must hold pairs of two fields, got"):
            RevNet(wrong, 0.1, 2)
    with pytest.raises(TypeError, match=r"`field_pairs` must be a callable field\(t, y\)"):
        RevNet((field, 3), 0.1, 2)  # type: ignore[arg-type]


def test_field_of_neural_ode(unchecked: None) -> None:
    with pytest.raises(TypeError, match=r"`field` must be a callable field\(t, y\) or a sequence of them, got int"):
        NeuralODE(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"`solver` must be one of .*, got 'euler'"):
        NeuralODE(field, solver="euler")  # type: ignore[arg-type]
