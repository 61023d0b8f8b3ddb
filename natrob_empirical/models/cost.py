"""The cost of a model, in operations and bytes, before anything is allocated."""

from dataclasses import dataclass
from typing import Final, final

import torch
from torch import Tensor, nn

from natrob_empirical.models.any_specification import AnyModelSpecification
from natrob_empirical.models.builder import assemble_classifier
from natrob_empirical.models.classifiers import IntegratorClassifier
from natrob_empirical.models.counted_pass import PassCost, counted_pass
from natrob_theory import AbstractIntegratorNet, NeuralODE, StackedNeuralODE
from natrob_theory.fields import evaluate_field
from natrob_theory.networks import AbstractFixedStepNet
from natrob_theory.numbers.argument_checks import require_count

FLOAT_BYTES: Final = 4
"""float32."""

ASSUMED_EVALUATIONS: Final = 100
"""Field evaluations of a Neural ODE's whole solve, unless told. Untrained, the networks of Table A1 take 44 and 80 at a
tolerance of 10⁻³; training raises the number."""

ASSUMED_EVALUATIONS_PER_IMPLICIT_STEP: Final = 10
"""Field evaluations of one step of backward Euler, unless told."""


@final
@dataclass(frozen=True, kw_only=True)
class ModelCost:
    """Operations and bytes of a classifier in float32.

    Attributes:
        parameters: trainable numbers.
        forward_flops: of one image's forward pass: convolutions and matrix products, a multiply-add counting as two.
            A backward pass costs about twice that (the gradients of the input and of the weights).
        training_bytes: weights, their gradients, the optimiser's state, and buffers.
        activation_bytes: what one image's forward pass keeps for backward, its pixels included, and what backward
            computes anew and holds at a time where it does so (checkpointed and adjoint gradients). The compiled loop
            of small networks on a CPU keeps a little more (RevNet, by 6 %) or less (a Neural ODE, by a third).
        assumed_evaluations: of the field in one forward pass, where the network itself decides about them, else None.
        is_estimate: whether operations and bytes rest on that assumption.
    """

    parameters: int
    forward_flops: int
    training_bytes: int
    activation_bytes: int
    assumed_evaluations: int | None

    @property
    def is_estimate(self) -> bool:
        """Whether operations and bytes rest on an assumed number of field evaluations."""
        return self.assumed_evaluations is not None

    def peak_training_bytes(self, batch_size: int) -> int:
        """Weights, gradients, optimiser and a batch's activations: a floor, as the kernels' workspace comes on top."""
        return self.training_bytes + require_count("batch_size", batch_size) * self.activation_bytes


def model_cost(
    specification: AnyModelSpecification,
    image_shape: tuple[int, int, int],
    num_classes: int,
    batch_size: int = 2,
    *,
    field_evaluations: int | None = None,
    optimiser_states: int = 1,
) -> ModelCost:
    """Count one training step's forward pass on the meta device: shapes without numbers, no memory.

    Args:
        specification: of the model.
        image_shape: (channels, height, width).
        num_classes: at least 2.
        batch_size: that the counts are taken at and divided by; what does not grow with it is spread over it.
        field_evaluations: of one forward pass of a Neural ODE or of backward Euler, which decide about it themselves;
            None takes `ASSUMED_EVALUATIONS`. The others' number is their own, and giving one is refused.
        optimiser_states: numbers that the optimiser keeps per parameter: 1 for SGD with momentum, 2 for Adam.

    Raises:
        ValueError: as `build_classifier`; `field_evaluations` for a network with a number of its own.
    """
    require_count("batch_size", batch_size)
    require_count("optimiser_states", optimiser_states, minimum=0)
    with torch.device("meta"):
        classifier = assemble_classifier(specification, image_shape, num_classes).train()
        images = torch.empty((batch_size, *image_shape))
        if isinstance(classifier, IntegratorClassifier):
            cost, assumed = _integrator_cost(classifier, images, field_evaluations)
        elif field_evaluations is not None:
            raise ValueError(f"`field_evaluations` is no setting of {specification.network}, got {field_evaluations}")
        else:
            (_, cost), assumed = counted_pass(classifier, images, _resident(classifier)), None
    parameters = sum(parameter.numel() for parameter in classifier.parameters())
    buffers = sum(buffer.numel() * buffer.element_size() for buffer in classifier.buffers())
    return ModelCost(
        parameters=parameters,
        forward_flops=round(cost.flops / batch_size),
        training_bytes=parameters * FLOAT_BYTES * (2 + optimiser_states) + buffers,
        activation_bytes=round(cost.saved_bytes / batch_size),
        assumed_evaluations=assumed,
    )


def _integrator_cost(
    classifier: IntegratorClassifier, images: Tensor, field_evaluations: int | None
) -> tuple[PassCost, int | None]:
    """Stem, trunk and head apart: a trunk may decide about its steps from numbers that the meta device has not.

    So may the trunks of further stages, which stand in the pool.
    """
    resident = _resident(classifier)
    state, cost = counted_pass(classifier.stem, images, resident)
    *stages, pool = [classifier.pool] if not isinstance(classifier.pool, nn.Sequential) else classifier.pool
    assumed: int | None = None
    for part in (classifier.trunk, *stages):
        if isinstance(part, AbstractIntegratorNet):
            more, evaluations = _trunk_cost(part, state, field_evaluations)
            assumed = evaluations if assumed is None or evaluations is None else assumed + evaluations
        else:
            state, more = counted_pass(part, state, resident)
        cost = cost.plus(more)
    _, rest = counted_pass(lambda y: classifier.head(pool(y).flatten(1)), state, resident)
    return cost.plus(rest), assumed


def _resident(classifier: nn.Module) -> list[Tensor]:
    return [*classifier.parameters(), *classifier.buffers()]


def _trunk_cost(
    trunk: AbstractIntegratorNet, state: Tensor, field_evaluations: int | None
) -> tuple[PassCost, int | None]:
    """The cost of a forward pass from `state`, and the field evaluations that were assumed (None: they are known).

    Raises:
        TypeError: a trunk that there is no rule for.
        ValueError: `field_evaluations` for a trunk that has a number of its own.
    """
    if field_evaluations is not None:
        require_count("field_evaluations", field_evaluations)
    if isinstance(trunk, StackedNeuralODE):
        evaluations = ASSUMED_EVALUATIONS * len(trunk.parts) if field_evaluations is None else field_evaluations
        share = -(-evaluations // len(trunk.parts))
        return _adaptive_cost(trunk.parts[0], state, share).times(len(trunk.parts)), evaluations
    if isinstance(trunk, NeuralODE):
        evaluations = ASSUMED_EVALUATIONS if field_evaluations is None else field_evaluations
        return _adaptive_cost(trunk, state, evaluations), evaluations
    if not isinstance(trunk, AbstractFixedStepNet):
        raise TypeError(f"a trunk of type {type(trunk).__name__} has no rule for its cost")
    if trunk.stepper.implicit:
        assumed = ASSUMED_EVALUATIONS_PER_IMPLICIT_STEP * trunk.num_steps
        evaluations = assumed if field_evaluations is None else field_evaluations
        return _implicit_cost(trunk, state, evaluations), evaluations
    if field_evaluations is not None:
        raise ValueError(f"`field_evaluations` is no setting of {type(trunk).__name__}, got {field_evaluations}")
    return _fixed_step_cost(trunk, state), None


def _fixed_step_cost(trunk: AbstractFixedStepNet, state: Tensor) -> PassCost:
    first = trunk.plan()[0]
    _, step = counted_pass(
        lambda y: trunk.stepper.step(first.field, first.time, y, first.step_size), state, trunk.parameters()
    )
    return step.times(trunk.num_steps)


def _implicit_cost(trunk: AbstractFixedStepNet, state: Tensor, evaluations: int) -> PassCost:
    """Two of a step's evaluations are made with gradients on and kept: f at the root, for either of its gradients."""
    _, one = counted_pass(lambda y: evaluate_field(trunk.fields[0], 0.0, y), state, trunk.parameters())
    return PassCost(one.flops * evaluations, one.saved_bytes * 2 * trunk.num_steps)


def _adaptive_cost(trunk: NeuralODE, state: Tensor, evaluations: int) -> PassCost:
    """Takes every trial step as accepted, so that with direct gradients all of them are kept."""
    _, one = counted_pass(lambda y: evaluate_field(trunk.field, 0.0, y), state, trunk.parameters())
    _, step = counted_pass(lambda y: trunk.stepper.step(trunk.field, 0.0, y, 1.0), state, trunk.parameters())
    per_step = max(1, step.flops // one.flops)
    steps = -(-evaluations // per_step)
    state_bytes = state.numel() * state.element_size()
    # torchdiffeq finds the grid first, and the library's steps on that grid are a second set of evaluations.
    flops = one.flops * evaluations + (step.flops * steps if trunk.solver == "torchdiffeq" else 0)
    kept = {
        "direct": step.saved_bytes * steps,
        "checkpointed": state_bytes * steps + step.saved_bytes,
        # The states of the way back, y_0 besides, and a trial's graphs, which are held until it is judged.
        "adjoint": state_bytes * (steps + 2) + one.saved_bytes * per_step,
    }
    return PassCost(flops, kept[trunk.gradients])
