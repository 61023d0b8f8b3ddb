"""What a model costs, in operations and bytes, before anything is allocated."""

from dataclasses import dataclass
from typing import Final, final

import torch
from torch import Tensor, nn

from natrob_empirical.models.any_specification import AnyModelSpecification
from natrob_empirical.models.builder import assemble_classifier
from natrob_empirical.models.classifier import IntegratorClassifier
from natrob_empirical.models.counted_pass import PassCost, counted_pass
from natrob_empirical.models.trunk_cost import trunk_cost
from natrob_theory.numbers.argument_checks import require_count

FLOAT_BYTES: Final = 4
"""float32."""


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
            computes anew and holds at a time where it does so (checkpointed and adjoint gradients).
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
            None takes `trunk_cost.ASSUMED_EVALUATIONS`. The others' number is their own, and giving one is refused.
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
    """Stem, trunk and head apart: a trunk may decide about its steps from numbers that the meta device has not."""
    resident = _resident(classifier)
    state, stem = counted_pass(classifier.stem, images, resident)
    trunk, assumed = trunk_cost(classifier.trunk, state, field_evaluations)
    _, rest = counted_pass(lambda y: classifier.head(classifier.pool(y).flatten(1)), state, resident)
    return stem.plus(trunk).plus(rest), assumed


def _resident(classifier: nn.Module) -> list[Tensor]:
    return [*classifier.parameters(), *classifier.buffers()]
