"""The loop over fixed steps in C++: for plain fields on plain states the steps that Python would take, bit for bit."""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, final

import torch
from torch import Tensor, nn

from natrob_theory.fields import TimelessField, evaluate_field, split_halves
from natrob_theory.native import (
    FieldProgram,
    NotNativeError,
    extension,
    field_program,
    refuse_field,
    require_plain_state,
)
from natrob_theory.networks.abstract_net import StepPlan
from natrob_theory.steppers import AbstractExplicitStepper, Evaluation
from natrob_theory.steppers.recorded_step import recorded_step

FEWEST_EVALUATIONS: Final = 4
"""Fewer evaluations than this are not worth the comparison with Python at the start."""


@final
@dataclass(frozen=True, kw_only=True)
class NativeRun:
    """States and evaluations of some steps.

    Attributes:
        states: after each step; the last one alone unless all are kept.
        evaluations: of each step; empty unless they are kept.
    """

    states: list[Tensor]
    evaluations: list[list[Evaluation]]


@final
class NativePassage:
    """A method and its field(s), ready to take steps in C++.

    Args:
        module: the compiled extension.
        step: the method's step for it.
        fields: bound to their parameters, one for each part of the state.
        first_slope: f at the first evaluation, which Python has made.
        slopes: the evaluations of one step.
    """

    def __init__(self, module: ModuleType, step: Any, fields: list[Any], first_slope: Tensor, slopes: int) -> None:
        self._module, self._step, self._fields = module, step, fields
        self._first_slope: Tensor | None = first_slope
        self._slopes = slopes

    def run(
        self, steps: Sequence[StepPlan], state: Tensor, *, keep_states: bool = False, keep_evaluations: bool = False
    ) -> NativeRun:
        """Take these steps; the first ones of all begin with the evaluation that Python has made."""
        times, sizes = [step.time for step in steps], [step.step_size for step in steps]
        first, self._first_slope = self._first_slope, None
        states, points, values = self._module.fixed_steps(
            self._fields, self._step, state, times, sizes, first, keep_states, keep_evaluations
        )
        notes = [Evaluation(point, value) for point, value in zip(points, values, strict=True)]
        count = self._slopes
        return NativeRun(
            states=states, evaluations=[notes[start : start + count] for start in range(0, len(notes), count)]
        )

    def measured(self, steps: Sequence[StepPlan], state: Tensor) -> tuple[Tensor, Tensor, Tensor] | None:
        """Distances between the halves of the batch, (entries, batch), float64, along these steps.

        They are those of the states, (steps + 1, batch), and of the points and values of all evaluations. None where
        squares of float64 entries may have left their range.
        """
        times, sizes = [step.time for step in steps], [step.step_size for step in steps]
        first, self._first_slope = self._first_slope, None
        return self._module.measured_steps(self._fields, self._step, state, times, sizes, first)


def native_passage(stepper: Any, steps: Sequence[StepPlan], y0: Tensor) -> NativePassage | None:
    """The passage in C++ for these steps from y_0, (batch, *state); None where they stay in Python.

    Each field is evaluated once by Python, and its program must give the same bits; else it stays in Python for good.
    Raises like `evaluate_field`.
    """
    shared = steps[0].field
    if torch.compiler.is_compiling() or not isinstance(stepper, AbstractExplicitStepper):
        return None
    alike = all(step.field is shared and type(step.time) is float for step in steps)
    if not alike or len(steps) * len(stepper.nodes) < FEWEST_EVALUATIONS:
        return None
    try:
        require_plain_state(y0)
        module = extension()
        programs = [] if module is None else _programs(stepper, shared, module)
        if module is None or not programs:
            return None
        fields = [program.bound(y0) for program in programs]
    except NotNativeError:
        return None
    operations, step = _step_program(stepper, module)
    part = operations[0][1]
    halves = [y0] if stepper.couplings == 1 else list(split_halves(y0))
    slopes: dict[int, Tensor] = {}
    for own, (field, native) in enumerate(zip(stepper.fields_of(shared), fields, strict=True)):
        point = halves[operations[0][3]] if own == part else halves[own - 1]
        slopes[own] = evaluate_field(field, steps[0].time, point)
        if not _agrees(module, native, steps[0].time, point, slopes[own]):
            refuse_field(field, "its program gives other bits than its code")
            return None
    return NativePassage(module, step, fields, slopes[part], len(stepper.nodes))


def _programs(stepper: AbstractExplicitStepper[Any], shared: Any, module: ModuleType) -> list[FieldProgram]:
    """The programs of the step's fields; empty where one has none."""
    programs = []
    for field in stepper.fields_of(shared):
        plain = isinstance(field, nn.Module) and not isinstance(field, TimelessField)
        program = field_program(field, module) if plain else None
        if program is None:
            return []
        programs.append(program)
    return programs


@torch.no_grad()
def _agrees(module: ModuleType, native: Any, time: float, point: Tensor, value: Tensor) -> bool:
    """Whether the program gives what Python gave, bit for bit."""
    moment = torch.full((), time, dtype=point.dtype)
    try:
        own = native.evaluate(moment, point.detach())
    except RuntimeError:  # torch's operations refuse what the code around them would have treated otherwise
        return False
    return module.same_bits(own, value.detach())


_recorded: weakref.WeakKeyDictionary[Any, tuple[Any, Any]] = weakref.WeakKeyDictionary()


def _step_program(stepper: AbstractExplicitStepper[Any], module: ModuleType) -> tuple[Any, Any]:
    """The method's operations, and the same compiled; kept as long as the stepper."""
    if stepper not in _recorded:
        operations, results = recorded_step(stepper)
        _recorded[stepper] = operations, module.StepProgram(operations, results)
    return _recorded[stepper]
