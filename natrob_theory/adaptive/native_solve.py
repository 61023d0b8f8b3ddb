"""The adaptive solve in C++: for plain fields on plain states the steps that the Python driver would take."""

import math
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import torch
from torch import Tensor, nn

from natrob_theory.adaptive.driver import solve as solve_in_python
from natrob_theory.adaptive.embedded_method import EmbeddedMethod
from natrob_theory.adaptive.record import SolveLog
from natrob_theory.adaptive.settings import SolveSettings
from natrob_theory.adaptive.status import IntegrationError, SolveStatus, describe_adjoint_failure
from natrob_theory.adaptive.step_ends import StepPlanner
from natrob_theory.fields import evaluate_field, field_name
from natrob_theory.native import (
    FieldProgram,
    NotNativeError,
    extension,
    field_program,
    refuse_field,
    require_plain_state,
)
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.numbers.transformed import stored_values


def solve(field: Field, y0: Tensor, method: EmbeddedMethod, settings: SolveSettings) -> tuple[Tensor, SolveLog]:
    """y(T) of every sample and the log, as the Python driver gives them: in C++ where that can be, else by it.

    Values and log are the same, bit for bit. Gradients are sums of the same terms, which C++ adds in another order, so
    that they agree to rounding. C++ takes solves without event, jump times and output times, with tolerances that
    are numbers, whose field is traced (`natrob_theory.native`) and takes any batch. A field that looks
    at t is left to the driver once t becomes too coarse in the state's dtype.
    """
    found = native_solve(field, y0, method, settings)
    return solve_in_python(field, y0, method, settings) if found is None else found


def native_solve(
    field: Field, y0: Tensor, method: EmbeddedMethod, settings: SolveSettings, *, adjoint: bool = False
) -> tuple[Tensor, SolveLog] | None:
    """y(T) and the log from C++; None where the solve stays in Python. Raises like `evaluate_field`.

    `adjoint`: gradients are those of the continuous adjoint, see `solve_with_adjoint`.
    """
    if not isinstance(field, nn.Module) or not _takes(settings):
        return None
    try:
        require_plain_state(y0)
        module = extension()
        program = None if module is None else field_program(field, module)
        if module is None or program is None:
            return None
        parameters = program.parameters(y0)
    except NotNativeError:
        return None
    recorded = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (y0, *parameters))
    if recorded and settings.keep_states:
        return None  # states on the way have gradients, which only the driver gives them
    with torch.no_grad():
        time = torch.full((len(y0),), settings.start_time, dtype=torch.float64)
        slope = evaluate_field(field, time, y0)
    run = _Run(module, program, method, settings, adjoint=adjoint)
    if recorded and adjoint:
        parameters = _with_unused(parameters, field)
    outcome = run.recorded(parameters, y0, slope, field_name(field)) if recorded else run.plain(parameters, y0, slope)
    if not outcome.agrees:
        refuse_field(field, "its program gives other bits than its code")
    if not outcome.supported:
        return None
    final = outcome.state
    outcome.forget_state()  # the log keeps the outcome, and must not keep the graph
    return final, _log(outcome, y0, method, settings)


def _takes(settings: SolveSettings) -> bool:
    """Whether the loop in C++ knows all that these settings ask for."""
    return (
        settings.event is None
        and not settings.whole_batch
        and not settings.jump_times
        and not settings.output_times
        and not isinstance(settings.rtol, Tensor)
        and not isinstance(settings.atol, Tensor)
    )


_methods: Final[weakref.WeakKeyDictionary[EmbeddedMethod, dict[torch.dtype, Any]]] = weakref.WeakKeyDictionary()
_memories: Final[weakref.WeakKeyDictionary[EmbeddedMethod, Tensor]] = weakref.WeakKeyDictionary()
"""Of the stages; a solve takes it away while it runs, so that two threads never share it."""


class _Run:
    """Makes the compiled parts of a solve, and runs it with or without a graph."""

    def __init__(
        self, module: Any, program: FieldProgram, method: EmbeddedMethod, settings: SolveSettings, *, adjoint: bool
    ) -> None:
        self._module, self._program, self._method, self._settings = module, program, method, settings
        self._adjoint = adjoint

    def plain(self, parameters: list[Tensor], y0: Tensor, slope: Tensor) -> Any:
        """The outcome of a solve whose result has no graph."""
        memory = _memories.pop(self._method, None)
        outcome = self._module.solve(
            self._module.Field(self._program.compiled, parameters), self._compiled_method(y0),
            self._compiled_settings(y0), y0, slope, memory,
        )  # fmt: skip
        _memories[self._method] = outcome.memory
        return outcome

    def recorded(self, parameters: list[Tensor], y0: Tensor, slope: Tensor, name: str) -> Any:
        """The outcome of a solve whose result has a graph."""
        changed = (
            f'`gradients` = "checkpointed" evaluates the field again in backward, and field {name} gave other values '
            f'there: it was changed after forward; use `gradients` = "direct"'
        )
        memory = _memories.pop(self._method, None)
        outcome = self._module.solve_recorded(
            self._program.compiled, parameters, self._compiled_method(y0), self._compiled_settings(y0), y0, slope,
            memory, self._with_graph, _fail(self._settings.end_time), changed,
        )  # fmt: skip
        _memories[self._method] = outcome.memory
        return outcome

    def _compiled_method(self, like: Tensor) -> Any:
        known = _methods.setdefault(self._method, {})
        if like.dtype not in known:
            weights = self._method.weights_for(like)
            # Made inside a transform of torch.func they may be wrapped still.
            rows = [stored_values(row.dense) for row in (*weights.a, weights.b, weights.error)]
            known[like.dtype] = self._module.Method(
                rows[:-2], rows[-2], rows[-1], stored_values(weights.c),
                self._method.first_same_as_last, self._method.error_order, self._method.tableau.order,
            )  # fmt: skip
        return known[like.dtype]

    def _compiled_settings(self, like: Tensor) -> Any:
        settings, controller = self._settings, self._settings.controller
        planner = StepPlanner(settings, like, self._method.smallest_gap)
        compiled = self._module.SolveSettings()
        compiled.start_time, compiled.end_time = settings.start_time, settings.end_time
        compiled.rtol, compiled.atol = settings.rtol, settings.atol
        compiled.max_num_steps = settings.max_num_steps
        compiled.safety, compiled.beta = controller.safety, controller.beta
        compiled.smallest_factor, compiled.largest_factor = controller.smallest_factor, controller.largest_factor
        compiled.smallest_step, compiled.smallest_start = planner.smallest_step, planner.smallest_start
        compiled.coarsest = planner.coarsest
        compiled.largest_step = math.inf if planner.cap is None else planner.cap
        compiled.keep_states = settings.keep_states
        compiled.checkpointed, compiled.adjoint = settings.checkpointed, self._adjoint
        return compiled

    def _with_graph(self, cotangent: Tensor, y0: Tensor, parameters: list[Tensor]) -> list[Tensor | None]:
        """The gradients of y_0 and the parameters by the driver's own graph, on the program that was solved.

        y_0 and the parameters are replaced by views of themselves, at which these gradients end; what lies behind is
        left to the caller's own pass through it.
        """
        create_graph = torch.is_grad_enabled()
        with torch.enable_grad():
            views = [tensor.view_as(tensor) for tensor in (y0, *parameters)]
            field = self._module.Field(self._program.compiled, views[1 : 1 + self._program.count]).evaluate
            final, log = solve_in_python(field, views[0], self._method, _direct(self._settings))
            reached = final[log.ended_well]
        wanted = [view for view in views if view.requires_grad]
        gradients = (
            torch.autograd.grad(
                reached, wanted, cotangent[log.ended_well], create_graph=create_graph, allow_unused=True
            )
            if final.requires_grad
            else [None] * len(wanted)
        )
        found = iter(gradients)
        return [next(found) if view.requires_grad else None for view in views]


def _with_unused(parameters: list[Tensor], field: nn.Module) -> list[Tensor]:
    """The parameters, and those of the field that f does not use: the adjoint gives them zeros."""
    used = {id(tensor) for tensor in parameters}
    return [*parameters, *(one for one in field.parameters() if one.requires_grad and id(one) not in used)]


def _direct(settings: SolveSettings) -> SolveSettings:
    """The settings of the same solve, whose graph keeps every stage."""
    return replace(settings, checkpointed=False, keep_states=False)


def _fail(end_time: float) -> Callable[[int, float, int, int], None]:
    """Raises the error of an adjoint that can go back no further: status, t, samples that failed, samples."""

    def fail(code: int, time: float, failed: int, samples: int) -> None:
        status = SolveStatus(code)
        raise IntegrationError(
            describe_adjoint_failure(status, time, end_time, failed, samples), status=(status,) * failed
        )

    return fail


def _log(outcome: Any, y0: Tensor, method: EmbeddedMethod, settings: SolveSettings) -> SolveLog:
    """The log of a solve in C++, as the driver would have written it."""
    return SolveLog(
        y0,
        settings.start_time,
        keep_states=settings.keep_states,
        stages=method.tableau.stages,
        first_same_as_last=method.first_same_as_last,
        outcome=outcome,
    )
