"""The continuous adjoint: gradients by a second solve backward in time, with memory that does not grow with it."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from natrob_theory.adaptive.driver import solve
from natrob_theory.adaptive.embedded_method import EmbeddedMethod
from natrob_theory.adaptive.record import SolveLog
from natrob_theory.adaptive.settings import SolveSettings
from natrob_theory.adaptive.status import IntegrationError, describe_failures
from natrob_theory.fields import evaluate_field


class AdjointProblem(NamedTuple):
    """What the adjoint solve needs besides tensors."""

    field: nn.Module
    method: EmbeddedMethod
    settings: SolveSettings


def solve_with_adjoint(problem: AdjointProblem, y0: Tensor) -> tuple[Tensor, SolveLog]:
    """y(T) and the log, differentiable in y_0 and in the field's parameters by the continuous adjoint.

    dy/dt = f, da/dt = −(∂f/∂y)ᵀa with a(T) = ∂L/∂y(T), and dL/dθ = ∫ aᵀ ∂f/∂θ dt (Pontryagin et al. 1962; Chen et
    al., NeurIPS 2018). (y, a) is solved backward with the same method, tolerances and per-sample steps; the
    integral is the quadrature of the method's own weights b on those steps. The gradient is that of the exact flow
    up to the tolerances, not that of the computed steps. Tensors that the field uses without being its parameters
    get no gradient.
    """
    logs: list[SolveLog] = []
    final = _AdjointSolve.apply(problem, logs, y0, *_parameters(problem.field))
    return final, logs[0]


def _parameters(field: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in field.parameters() if parameter.requires_grad]


class _AdjointSolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, problem: AdjointProblem, logs: list[SolveLog], y0: Tensor, *parameters: Tensor) -> Tensor:
        with torch.no_grad():
            final, log = solve(problem.field, y0, problem.method, problem.settings)
        logs.append(log)
        ctx.problem = problem
        ctx.save_for_backward(final)
        return final

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:  # type: ignore[override] - the decorator's type
        (gradient,) = gradients
        (final,) = ctx.saved_tensors
        problem: AdjointProblem = ctx.problem
        reached = torch.isfinite(final).flatten(1).all(dim=1)
        result = torch.zeros_like(final)
        sums = [torch.zeros_like(parameter) for parameter in _parameters(problem.field)]
        if bool(reached.any()):
            result[reached] = _solve_backward(problem, final[reached], gradient[reached], sums)
        return (None, None, result, *sums)


def _solve_backward(problem: AdjointProblem, final: Tensor, gradient: Tensor, sums: list[Tensor]) -> Tensor:
    """a(t_0); adds the parameters' gradients to `sums`."""
    settings = problem.settings
    span = settings.end_time - settings.start_time
    backward = SolveSettings(
        start_time=0.0, end_time=span, rtol=settings.rtol, atol=settings.atol,
        max_num_steps=settings.max_num_steps, controller=settings.controller,
    )  # fmt: skip
    field = _AdjointField(problem, sums)
    with torch.no_grad():
        augmented, log = solve(field, torch.stack([final, gradient], dim=1), problem.method, backward, field.observe)
    record = log.record()
    if any(record.status):
        reached = [settings.end_time - time for time in record.times[-1].tolist()]
        raise IntegrationError(
            f"the adjoint solve, backward from t = {settings.end_time:.6g}, failed: "
            f"{describe_failures(record.status, reached, settings.start_time)}",
            status=record.status,
        )
    return augmented[:, 1]


class _Evaluation(NamedTuple):
    """One evaluation of f with its graph: s, (y, a), the graph's leaf with y's values, and f(T − s, y) from it."""

    time: Tensor
    augmented: Tensor
    leaf: Tensor
    slope: Tensor


class _AdjointField:
    """d(y, a)/ds for s = T − t on states (batch, 2, *state), and the quadrature of the parameters' gradients.

    The graphs of a trial step's evaluations are kept until it is judged. If all samples accept it, the parameters'
    gradients follow from these graphs; otherwise the accepted samples are evaluated again, as others may be NaN.
    """

    def __init__(self, problem: AdjointProblem, sums: list[Tensor]) -> None:
        self.problem = problem
        self.parameters = _parameters(problem.field)
        self.sums = sums
        self.evaluations: list[_Evaluation] = []
        self.last: _Evaluation | None = None

    def __call__(self, time: Tensor, augmented: Tensor) -> Tensor:
        evaluation = self._evaluate(time, augmented)
        self.evaluations.append(evaluation)
        slope, adjoint = evaluation.slope, augmented[:, 1]
        pulled = None
        if slope.requires_grad:
            keep = bool(self.parameters)
            (pulled,) = torch.autograd.grad(slope, evaluation.leaf, adjoint, allow_unused=True, retain_graph=keep)
        return torch.stack([slope.detach().neg(), torch.zeros_like(adjoint) if pulled is None else pulled], dim=1)

    def observe(self, rows: Tensor, time: Tensor, step: Tensor, augmented: Tensor, accepted: Tensor) -> None:
        """Add h Σ bᵢ aᵢᵀ ∂f/∂θ(Yᵢ) of the accepted samples."""
        stages, last = self.evaluations[1 - self.problem.method.tableau.stages :], self.last
        self.evaluations, self.last = [], None
        if not self.parameters or not bool(accepted.any()):
            return
        if not bool(accepted.all()):
            again = [(time.to(augmented.dtype), augmented), *((stage.time, stage.augmented) for stage in stages)]
            step = step[accepted]
            stages = [self._evaluate(moment[accepted], point[accepted]) for moment, point in again]
        else:
            # The last stage of a step that all took is the first of the next, unless a sample has left in between.
            fits = last is not None and len(last.augmented) == len(augmented)
            first = last if last is not None and fits else self._evaluate(time.to(augmented.dtype), augmented)
            self.last = stages[-1] if self.problem.method.first_same_as_last else None
            stages = [first, *stages]
        self._add(stages, step.to(augmented.dtype).view(-1, *[1] * (augmented.dim() - 2)))

    def _evaluate(self, time: Tensor, augmented: Tensor) -> _Evaluation:
        with torch.enable_grad():
            leaf = augmented[:, 0].detach().requires_grad_()
            slope = evaluate_field(self.problem.field, self.problem.settings.end_time - time, leaf)
        return _Evaluation(time, augmented, leaf, slope)

    def _add(self, stages: list[_Evaluation], step: Tensor) -> None:
        """One backward pass through all stages that count."""
        counted = [
            (stage.slope, stage.augmented[:, 1] * (float(weight) * step))
            for weight, stage in zip(self.problem.method.tableau.b, stages, strict=True)
            if weight != 0 and stage.slope.requires_grad
        ]
        if not counted:
            return
        slopes, weighted = zip(*counted, strict=True)
        pulled = torch.autograd.grad(slopes, self.parameters, weighted, allow_unused=True)
        for total, part in zip(self.sums, pulled, strict=True):
            if part is not None:
                total.add_(part)
