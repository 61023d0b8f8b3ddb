"""A training step of a small Neural ODE classifier beside torchdiffeq's: evaluations, error of y(T), time."""

import copy
import time
from collections.abc import Callable
from typing import get_args

import torch
import torchdiffeq
from torch import Tensor, nn

from benchmarks.measurement import Row, interleaved_medians
from benchmarks.ode_classifiers import (
    END_TIME,
    Classifier,
    OdeSolver,
    classifiers,
    input_gradient,
    solvers,
    training_step,
)
from natrob_theory.networks.neural_ode import Gradients

SECTION = "Neural ODE training"
TARGETS: dict[str, float] = {"direct": 0.6, "adjoint": 0.6}
KINDS: tuple[Gradients, ...] = tuple(kind for kind in get_args(Gradients) if kind in TARGETS)
MISSED: dict[str, str] = {
    "direct": "the profile shows the field's own evaluations and their backward, which both sides make, and the "
    "dispatch of small operations",
    "adjoint": "the parameters' gradients take a second backward pass after that of the state, where torchdiffeq takes "
    "both in one",
}


def rows(*, quick: bool = False) -> list[Row]:
    """A group of lines for each classifier; about 40 seconds on two cores."""
    return [row for one in classifiers() for kind in KINDS for row in _case(one, kind, quick=quick)]


def _case(classifier: Classifier, kind: Gradients, *, quick: bool) -> list[Row]:
    contestants = solvers(kind)
    repeats = 3 if quick else classifier.repeats
    found = [_evaluation_row(classifier, kind, contestants)]
    if kind == "direct":
        found.append(_error_row(classifier, contestants))
    steps = {name: training_step(classifier, solver) for name, solver in contestants.items()}
    found.append(_time_row(classifier, contestants, steps, "training step / peer's", repeats, kind))
    if kind == "direct":
        inputs = {name: input_gradient(classifier, solver) for name, solver in contestants.items()}
        found.append(_time_row(classifier, contestants, inputs, "gradient in the image / peer's", repeats))
    return found


def _evaluation_row(classifier: Classifier, kind: Gradients, contestants: dict[str, OdeSolver]) -> Row:
    calls = {name: _field_calls(classifier, solver) for name, solver in contestants.items()}
    own, peer = sum(calls["natrob"]), sum(calls["peer"])
    parts = "forward" if kind == "direct" else "forward + backward"
    return Row(
        section=SECTION,
        case=classifier.name,
        subject=contestants["natrob"].label,
        peer=contestants["peer"].label,
        quantity="field calls of a training step / peer's",
        value=own / peer,
        remark=f"{_sum(calls['natrob'])} / {_sum(calls['peer'])} calls, {parts}; all of the whole batch or less",
    )


def _sum(calls: tuple[int, int]) -> str:
    forward, backward = calls
    return f"{forward} + {backward}" if backward else f"{forward}"


def _field_calls(classifier: Classifier, solver: OdeSolver) -> tuple[int, int]:
    """How often one step calls the field, forward and backward."""
    own, calls = copy.deepcopy(classifier), 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    solve = solver.prepare(own.field)
    with torch.no_grad():
        solve(own.stem(own.x))  # the first call of a network tries the field on per-sample times, once for all calls
    own.field.register_forward_pre_hook(count)
    loss = nn.functional.cross_entropy(own.head(solve(own.stem(own.x))), own.y)
    forward = calls
    loss.backward()
    return forward, calls - forward


@torch.no_grad()
def _error_row(classifier: Classifier, contestants: dict[str, OdeSolver]) -> Row:
    """Equal tolerances must not hide unequal errors."""
    y0 = classifier.stem(classifier.x)
    exact = _reference(classifier.field, y0)
    error = {
        name: float((solver.prepare(classifier.field)(y0).double() - exact).abs().max())
        for name, solver in contestants.items()
    }
    return Row(
        section=SECTION,
        case=classifier.name,
        subject=contestants["natrob"].label,
        peer=contestants["peer"].label,
        quantity="largest error at T / peer's",
        value=error["natrob"] / error["peer"],
        remark=f"{error['natrob']:.1e} / {error['peer']:.1e}, against dopri5 at 1e-10 in float64",
    )


@torch.no_grad()
def _reference(field: nn.Module, y0: Tensor) -> Tensor:
    times = torch.tensor([0.0, END_TIME], dtype=torch.float64)
    states = torchdiffeq.odeint(
        copy.deepcopy(field).double(), y0.double(), times, rtol=1e-10, atol=1e-10, method="dopri5"
    )
    assert isinstance(states, Tensor)
    return states[-1]


def _time_row(
    classifier: Classifier,
    contestants: dict[str, OdeSolver],
    runs: dict[str, Callable[[], object]],
    quantity: str,
    repeats: int,
    kind: Gradients | None = None,
) -> Row:
    """One comparison of times, with the target of this kind of training step; None has no target."""
    seconds = interleaved_medians(runs, repeats=repeats, warmup=3)
    busy = interleaved_medians(runs, repeats=max(3, repeats // 2), warmup=0, clock=time.process_time)
    value = seconds["natrob"] / seconds["peer"]
    target = None if kind is None else TARGETS[kind]
    remark = (
        f"{1e3 * seconds['natrob']:.2f} ms / {1e3 * seconds['peer']:.2f} ms; "
        f"by processor time {busy['natrob'] / busy['peer']:.3f}"
    )
    return Row(
        section=SECTION,
        case=classifier.name,
        subject=contestants["natrob"].label,
        peer=contestants["peer"].label,
        quantity=quantity,
        value=value,
        target=target,
        remark=f"{remark}; {MISSED[kind]}" if kind is not None and value > TARGETS[kind] else remark,
    )
