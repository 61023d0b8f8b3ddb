"""A passage that keeps only y_N: backward finds the earlier states again by the steps' inverse."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage]
from torch.nn.modules.dropout import _DropoutNd  # pyright: ignore[reportPrivateUsage]

from natrob_theory.networks.abstract_net import StepPlan
from natrob_theory.networks.passage import stored_passage
from natrob_theory.steppers import RevNetStepper


def reversible_passage(stepper: RevNetStepper, steps: Sequence[StepPlan], y0: Tensor) -> Tensor:
    """y_N, for whose gradients nothing but y_N is kept (Gomez et al., NeurIPS 2017).

    Backward goes home from y_N: y_n = inverse of the step, then the step again from y_n with gradients. That costs
    one more evaluation of every field to go back and one to repeat. The gradients are those of the stored passage at
    states that the inverse has moved by roundings, each grown at most by the steps' growth bound.

    Raises:
        ValueError: with gradients on, a field has batch normalisation or dropout in training mode: it would not take
            the same step twice.
    """
    parameters = _parameters(steps)
    if not torch.is_grad_enabled() or not any(tensor.requires_grad for tensor in (y0, *parameters)):
        return stored_passage(stepper, steps, y0)
    _require_repeatable(steps)
    return _ReversiblePassage.apply(stepper, steps, y0, *parameters)


class _ReversiblePassage(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, stepper: RevNetStepper, steps: Sequence[StepPlan], y0: Tensor, *parameters: Tensor) -> Tensor:
        final = stored_passage(stepper, steps, y0)  # gradients are off in here
        ctx.stepper, ctx.steps, ctx.parameters = stepper, steps, parameters
        ctx.save_for_backward(final)
        return final

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:  # type: ignore[override] - the decorator's type
        (gradient,) = gradients
        (state,) = ctx.saved_tensors
        sums: dict[Tensor, Tensor] = {parameter: torch.zeros_like(parameter) for parameter in ctx.parameters}
        for step in reversed(ctx.steps):
            before = ctx.stepper.inverse_step(step.field, step.time, state, step.step_size)
            state = before
            with torch.enable_grad():
                start = before.detach().requires_grad_()
                after = ctx.stepper.step(step.field, step.time, start, step.step_size)
            used = _trainable(step.field)
            gradient, *of_parameters = torch.autograd.grad(after, (start, *used), gradient, allow_unused=True)
            for parameter, share in zip(used, of_parameters, strict=True):
                if share is not None:
                    sums[parameter] += share
        return None, None, gradient, *(sums[parameter] for parameter in ctx.parameters)


def _trainable(field: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in field.parameters() if parameter.requires_grad]


def _parameters(steps: Sequence[StepPlan]) -> list[nn.Parameter]:
    """The parameters of all steps, each once."""
    return list(dict.fromkeys(parameter for step in steps for parameter in _trainable(step.field)))


def _require_repeatable(steps: Sequence[StepPlan]) -> None:
    for field in {step.field: None for step in steps}:
        for module in field.modules():
            if isinstance(module, (_BatchNorm, _DropoutNd)) and module.training:
                raise ValueError(
                    f'`memory` = "reversible" takes every step twice and so needs fields that repeat themselves, got '
                    f'{type(module).__name__} in training mode; switch it to eval(), or use `memory` = "stored"'
                )
