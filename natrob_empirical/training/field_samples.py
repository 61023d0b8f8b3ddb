"""A field of a classifier with states of its clean trajectory; the seam where other classifiers say what theirs are."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, singledispatch
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_empirical.models import IntegratorClassifier, ResidualClassifier
from natrob_theory import NeuralODE, StackedNeuralODE
from natrob_theory.fields import evaluate_field
from natrob_theory.networks import AbstractFixedStepNet


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class FieldSample:
    """States, and the map whose local constants there count.

    Attributes:
        function: the field at the time of the states, or the branch of the residual block that they enter.
        points: one state per image, detached.
    """

    function: Callable[[Tensor], Tensor]
    points: Float[Tensor, "batch *state"]


@singledispatch
def field_sample(model: nn.Module, images: Tensor, *, generator: torch.Generator) -> FieldSample:
    """A field and states y_n of the images' clean trajectories, n drawn anew at each call.

    A network with a fixed grid: one n for all images, so that one field at one time counts; of RevNet's two fields one
    is drawn, with the half that it sees. A Neural ODE: an accepted step of its own for each image. A residual network:
    one block for all images.

    Args:
        model: in eval mode, so that samples do not depend on each other.
        images: (batch, channels, height, width).
        generator: on the CPU.

    Raises:
        TypeError: a classifier whose fields are not known.
    """
    raise TypeError(
        f"`model` must be an IntegratorClassifier or a ResidualClassifier to be penalised by its field, got "
        f"{type(model).__name__}; register others with natrob_empirical.training.field_sample.register"
    )


@field_sample.register
@torch.no_grad()
def _(model: IntegratorClassifier, images: Tensor, *, generator: torch.Generator) -> FieldSample:
    state = model.first_layer(images)
    if isinstance(model.trunk, StackedNeuralODE):
        chosen = _draw(len(model.trunk.parts), generator)
        for part in model.trunk.parts[:chosen]:
            state = part(state)
        return _adaptive_sample(model.trunk.parts[chosen], state, generator=generator)
    if isinstance(model.trunk, NeuralODE):
        return _adaptive_sample(model.trunk, state, generator=generator)
    if isinstance(model.trunk, AbstractFixedStepNet):
        return _fixed_step_sample(model.trunk, state, generator=generator)
    raise TypeError(f"a trunk of type {type(model.trunk).__name__} has no rule for its states")


@field_sample.register
@torch.no_grad()
def _(model: ResidualClassifier, images: Tensor, *, generator: torch.Generator) -> FieldSample:
    chosen = _draw(len(model.blocks), generator)
    state = model.stem(images)
    for block in list(model.blocks)[:chosen]:
        state = block(state)
    return FieldSample(function=model.blocks[chosen].branch, points=state)  # type: ignore[arg-type]


def _fixed_step_sample(trunk: AbstractFixedStepNet, state: Tensor, *, generator: torch.Generator) -> FieldSample:
    chosen = _draw(trunk.num_steps, generator)
    *before, step = trunk.plan()[: chosen + 1]
    for earlier in before:
        state = trunk.stepper.step(earlier.field, earlier.time, state, earlier.step_size)
    if trunk.stepper.couplings == 1:
        return FieldSample(function=partial(evaluate_field, step.field, step.time), points=state)
    _, evaluations = trunk.stepper.step_with_evaluations(step.field, step.time, state, step.step_size)
    half = _draw(2, generator)
    field = trunk.stepper.fields_of(step.field)[half]
    return FieldSample(function=partial(evaluate_field, field, step.time), points=evaluations[half].point)


def _adaptive_sample(trunk: NeuralODE, state: Tensor, *, generator: torch.Generator) -> FieldSample:
    trajectory = trunk.trajectory(state)
    times = trajectory.times if trajectory.times.dim() == 2 else trajectory.times[:, None].expand(-1, len(state))
    steps = (times < times[-1]).sum(dim=0)
    share = torch.rand(len(state), generator=generator, dtype=torch.float64).to(steps.device)
    chosen = (share * steps).long()
    rows = torch.arange(len(state), device=steps.device)
    return FieldSample(
        function=partial(evaluate_field, trunk.field, times[chosen, rows]), points=trajectory.states[chosen, rows]
    )


def _draw(count: int, generator: torch.Generator) -> int:
    """One of 0, …, count − 1, all equally likely."""
    return int(torch.randint(count, (), generator=generator))
