"""The continuous adjoint: gradients by a second solve backward in time, along the states of the first."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from natrob_theory.adaptive.accepted_steps import AcceptedSteps
from natrob_theory.adaptive.adjoint_sweep import AdjointSweep
from natrob_theory.adaptive.driver import solve
from natrob_theory.adaptive.embedded_method import EmbeddedMethod, is_transformed
from natrob_theory.adaptive.field_pull import FieldPull
from natrob_theory.adaptive.native_solve import native_solve
from natrob_theory.adaptive.record import SolveLog, SolveRecord
from natrob_theory.adaptive.settings import SolveSettings
from natrob_theory.adaptive.used_tensors import UsedTensors, used_tensors
from natrob_theory.fields.generator_states import GeneratorStates
from natrob_theory.fields.outer_tensors import Substituted, leaves_behind, restored_afterwards


class AdjointProblem(NamedTuple):
    """Everything that the adjoint solve needs besides tensors."""

    field: nn.Module
    method: EmbeddedMethod
    settings: SolveSettings


def solve_with_adjoint(problem: AdjointProblem, y0: Tensor) -> tuple[Tensor, SolveLog | SolveRecord]:
    """y(T) and the log, differentiable in y_0 and in what the field uses by the continuous adjoint.

    dy/dt = f, da/dt = −(∂f/∂y)ᵀa with a(T) = ∂L/∂y(T), and dL/dθ = ∫ aᵀ ∂f/∂θ dt (Pontryagin et al. 1962; Chen et
    al., NeurIPS 2018). The states of the accepted steps are kept, one a step, and y between them is interpolated as
    accurately as the steps are: y is not integrated backward, which would undo a contraction by an expansion. a is
    solved with the same method and a relative tolerance of rtol, so the gradient is that of the exact flow up to the
    tolerances, not that of the computed steps.

    θ is every tensor that requires a gradient and that the field's graph leads to, whoever owns it. Gradients of
    gradients (create_graph) and torch.func's transforms take the direct gradient of the same steps instead.

    Raises:
        ValueError: the field draws random numbers, does not repeat itself, or normalises by its batch; in backward,
            it uses a tensor that it did not use at t_0.
    """
    if is_transformed(y0) or _inside_transform():
        return solve(problem.field, y0, problem.method, problem.settings)
    found = native_solve(problem.field, y0, problem.method, problem.settings, adjoint=True)
    if found is not None:
        return found
    before = GeneratorStates.now(y0.device)
    used = used_tensors(problem.field, problem.settings.start_time, y0.detach())
    with torch.no_grad():
        settings = replace(problem.settings, keep_states=True)
        final, log = solve(problem.field, y0.detach(), problem.method, settings)
        record = log.record()
        steps = AcceptedSteps.of(record.times, record.accepted, log.states())
    used.require_still(problem.field, before)
    return _AdjointSolve.apply(problem, used, steps, final, y0, *used.tensors), record


def _inside_transform() -> bool:
    """Whether a transform of torch.func is at work, be it on what the field uses alone."""
    # torch has no public way to ask, and its stubs leave this one out.
    return torch._C._functorch.peek_interpreter_stack() is not None  # type: ignore[attr-defined]


class _AdjointSolve(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, problem: AdjointProblem, used: UsedTensors, steps: AcceptedSteps, final: Tensor, y0: Tensor,
        *tensors: Tensor,
    ) -> Tensor:  # fmt: skip
        ctx.problem, ctx.written = problem, used.written
        ctx.grid = steps._replace(states=steps.states.new_empty(0))
        ctx.reached = torch.isfinite(final).flatten(1).all(dim=1)
        ctx.save_for_backward(y0, steps.states, *tensors)  # torch counts what is written into them until backward
        return final.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:  # type: ignore[override] - torch's stub has one
        (gradient,) = gradients
        y0, states, *tensors = ctx.saved_tensors
        with restored_afterwards(ctx.written):
            if torch.is_grad_enabled():
                found = _direct_gradients(ctx.problem, ctx.reached, gradient, y0, tensors)
            else:
                pull = FieldPull([tensor for tensor in tensors if tensor.requires_grad])
                result = _solve_backward(ctx.problem, ctx.grid._replace(states=states), ctx.reached, gradient, pull)
                found = [result, *pull.sums]
        return (None, None, None, None, *found)


def _solve_backward(
    problem: AdjointProblem, steps: AcceptedSteps, reached: Tensor, gradient: Tensor, pull: FieldPull
) -> Tensor:
    """a(t_0), 0 for samples that did not reach the end; adds the gradients of the field's tensors to `pull`."""
    arriving = gradient.flatten(1)
    finite = torch.isfinite(arriving).all(dim=1)
    rows = (reached & finite & (arriving != 0).any(dim=1)).nonzero()[:, 0]
    result = torch.zeros_like(gradient)
    if len(rows) > 0:
        sweep = AdjointSweep(problem.field, problem.method, problem.settings, steps, pull)
        result[rows] = sweep.run(rows, gradient[rows])
    spoilt = reached & ~finite
    if bool(spoilt.any()):
        result[spoilt] = torch.nan
        for total in pull.sums:
            total.fill_(torch.nan)
    return result


def _direct_gradients(
    problem: AdjointProblem, reached: Tensor, gradient: Tensor, y0: Tensor, tensors: Sequence[Tensor]
) -> list[Tensor | None]:
    """The gradients through the steps themselves, with a graph of their own.

    y_0 and the field's tensors are replaced by views of themselves, at which these gradients end; what lies behind
    is left to the caller's own pass through it.
    """
    originals = [y0, *tensors]
    views = [tensor.view_as(tensor) for tensor in originals]
    with Substituted(originals, views):
        final, _ = solve(problem.field, views[0], problem.method, problem.settings)
    if leaves_behind(final, [view for view in views if view.requires_grad]):
        raise NotImplementedError(
            'second derivatives with `gradients` = "adjoint" need a field that hands its tensors to torch\'s own '
            'functions (no compiled field, no custom autograd function on them); use `gradients` = "direct"'
        )
    wanted = [view for view in views if view.requires_grad]
    found = iter(
        torch.autograd.grad(final[reached], wanted, gradient[reached], create_graph=True, allow_unused=True)
        if final.requires_grad
        else [None] * len(wanted)
    )
    return [next(found) if view.requires_grad else None for view in views]
