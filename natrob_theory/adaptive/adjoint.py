"""The continuous adjoint: gradients by a second solve backward in time, with memory that does not grow with it."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from natrob_theory.adaptive.driver import SolveSettings, solve
from natrob_theory.adaptive.embedded_method import EmbeddedMethod
from natrob_theory.adaptive.record import SolveLog
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


class _AdjointField:
    """d(y, a)/ds for s = T − t on states (batch, 2, *state), and the quadrature of the parameters' gradients."""

    def __init__(self, problem: AdjointProblem, sums: list[Tensor]) -> None:
        self.problem = problem
        self.parameters = _parameters(problem.field)
        self.sums = sums
        self.points: list[tuple[Tensor, Tensor]] = []

    def __call__(self, time: Tensor, augmented: Tensor) -> Tensor:
        state, adjoint = augmented[:, 0], augmented[:, 1]
        self.points.append((time, augmented))
        with torch.enable_grad():
            point = state.detach().requires_grad_()
            slope = evaluate_field(self.problem.field, self.problem.settings.end_time - time, point)
            pulled = torch.zeros_like(state)
            if slope.requires_grad:
                (pulled,) = torch.autograd.grad(slope, point, adjoint, allow_unused=True, materialize_grads=True)
        return torch.stack([-slope.detach(), pulled], dim=1)

    def observe(self, rows: Tensor, time: Tensor, step: Tensor, augmented: Tensor, accepted: Tensor) -> None:
        """Add h Σ bᵢ aᵢᵀ ∂f/∂θ(Yᵢ) of the accepted samples."""
        tableau = self.problem.method.tableau
        stages = [(time.to(augmented.dtype), augmented), *self.points[1 - tableau.stages :]]
        self.points.clear()
        if not self.parameters or not bool(accepted.any()):
            return
        for weight, (moment, point) in zip(tableau.b, stages, strict=True):
            if weight != 0:
                scale = (float(weight) * step[accepted]).to(point.dtype)
                self._add(moment[accepted], point[accepted], scale)

    def _add(self, moment: Tensor, augmented: Tensor, scale: Tensor) -> None:
        state, adjoint = augmented[:, 0], augmented[:, 1]
        with torch.enable_grad():
            slope = evaluate_field(self.problem.field, self.problem.settings.end_time - moment, state)
            if not slope.requires_grad:
                return
            pulled = torch.autograd.grad(
                slope,
                self.parameters,
                adjoint * scale.view(-1, *[1] * (adjoint.dim() - 1)),
                allow_unused=True,
                materialize_grads=True,
            )
        for total, part in zip(self.sums, pulled, strict=True):
            total.add_(part)
