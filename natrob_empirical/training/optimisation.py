"""Optimisers and the learning rate of each step."""

import math
from typing import Any, final

import torch
from torch import nn

from natrob_empirical.training.matrix_momentum import MatrixMomentum
from natrob_empirical.training.specification import TrainingSpecification


@final
class ScheduledOptimiser:
    """The specification's optimiser with its rate set before every step.

    One fused kernel steps all parameters where torch has it for their device and type; the formulas are the same.

    Args:
        model: its parameters that ask for gradients are stepped.
        specification: optimiser and schedule.
        steps_per_epoch: at least 1.

    Raises:
        ValueError: no parameter asks for a gradient.
    """

    def __init__(self, model: nn.Module, specification: TrainingSpecification, *, steps_per_epoch: int) -> None:
        self._specification, self._steps_per_epoch = specification, steps_per_epoch
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        if not parameters:
            raise ValueError("`model` must have a parameter that asks for a gradient, got none")
        self._parameters = parameters
        self._torch = _optimiser_of(parameters, specification)

    def learning_rate(self, step: int) -> float:
        """The rate of the step after `step` finished ones."""
        return learning_rate_at(self._specification, step, steps_per_epoch=self._steps_per_epoch)

    def clear_gradients(self) -> None:
        """Before a method adds its own."""
        self._torch.zero_grad(set_to_none=True)

    def step(self, step: int) -> None:
        """Change the parameters along their gradients, after `step` finished steps."""
        if self._specification.gradient_norm is not None:
            nn.utils.clip_grad_norm_(self._parameters, self._specification.gradient_norm)
        for group in self._torch.param_groups:
            group["lr"] = self.learning_rate(step) * group.get("share", 1.0)
        self._torch.step()

    def all_finite(self) -> bool:
        """Whether no parameter has a NaN or an infinity; waits for the device."""
        return bool(torch.stack([parameter.detach().isfinite().all() for parameter in self._parameters]).all())

    def content(self) -> dict[str, Any]:
        """Moments and counts, as plain data."""
        return self._torch.state_dict()

    def restore(self, content: dict[str, Any]) -> None:
        """Continue with what `content` returned."""
        self._torch.load_state_dict(content)


def _optimiser_of(
    parameters: list[nn.Parameter], specification: TrainingSpecification
) -> torch.optim.Optimizer | MatrixMomentum:
    fused = all(parameter.is_floating_point() and parameter.device.type in ("cpu", "cuda") for parameter in parameters)
    rate, decay = specification.learning_rate, specification.weight_decay
    if specification.optimiser == "adamw":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=fused)
    if specification.optimiser == "muon":
        return MatrixMomentum(
            parameters, learning_rate=rate, momentum=specification.momentum, weight_decay=decay, fused=fused
        )
    return torch.optim.SGD(parameters, lr=rate, momentum=specification.momentum, weight_decay=decay, fused=fused)


def learning_rate_at(specification: TrainingSpecification, step: int, *, steps_per_epoch: int) -> float:
    """The rate η of the step after `step` finished ones.

    "cosine": η·(1 + cos(π·step / steps)) / 2 (Loshchilov and Hutter, "SGDR", ICLR 2017, equation 5, without restarts).
    "milestones": η·0.1ᵏ with k the number of milestones among the finished epochs.
    Either times min(1, (step + 1) / (warmup·steps)) (Goyal et al., arXiv 1706.02677, section 2.2).
    """
    steps = steps_per_epoch * specification.epochs
    rising = specification.warmup * steps
    rate = specification.learning_rate * min(1.0, (step + 1) / rising if rising else 1.0)
    if specification.schedule == "cosine":
        return 0.5 * rate * (1 + math.cos(math.pi * (step / steps)))
    finished = step // steps_per_epoch
    return rate * 0.1 ** sum(milestone <= finished for milestone in specification.milestones)
