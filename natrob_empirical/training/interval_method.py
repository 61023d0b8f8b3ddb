"""Certified training for L∞: cross-entropy of the worst logits that interval propagation leaves possible."""

from dataclasses import dataclass, replace
from typing import ClassVar, final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from natrob_empirical.models import IntegratorClassifier, SequentialClassifier
from natrob_empirical.training.abstract_method import AbstractTrainingMethod, StepOutcome
from natrob_theory.numbers.argument_checks import require_nonnegative
from natrob_theory.relaxation.trained_intervals import TrainedInterval, interval_after


@final
@dataclass(frozen=True, kw_only=True)
class IntervalTraining(AbstractTrainingMethod):
    """`κ·CE(s(x), y) + (1 − κ)·CE(z, y)`, z the worst logits on the L∞ ball of radius ε_t within the pixel range.

    z_j is an upper bound of s_j − s_y on the ball, z_y = 0: intervals go through stem, steps and pool as the forward
    pass is written, and the last layer enters as the rows w_j − w_y, so that what the logits share cancels. Of a run's
    steps the first `clean_share` have ε_t = 0 and κ = 1. Over the next `rising_share`, ε_t rises linearly to
    `epsilon` and κ falls linearly to `kappa`; there both stay. Nothing is drawn, and both depend on the number of the
    step alone, so a resumed run goes on as it would have.

    It is a loss, not a certificate: intervals in the model's own arithmetic, not rounded outward. What is certified
    afterwards is `certified_accuracy(..., norm="Linf")`; its method "intervals" is enough for most images.

    Beside it, weights that keep intervals from growing (`initialisation="interval"` of a `ModelSpecification`) and a
    limit of the gradient's length (`gradient_norm` of a `TrainingSpecification`) allow larger learning rates.

    Source: Gowal et al., "On the effectiveness of interval bound propagation for training verifiably robust models",
        arXiv 1810.12715 (ICCV 2019), sections 3 and 4: the loss, the elision of the last layer, the schedule; all of it
        is here. The initial weights are those of Shi et al., "Fast certified robust training with short warmup",
        NeurIPS 2021. Left out: their regularisers and batch norm; linear relaxations in the loss, of Zhang et al.,
        "Towards stable and efficient training of verifiably robust neural networks" (CROWN-IBP), ICLR 2020; boxes
        smaller than the ball, of Müller et al., "Certified training: small boxes are all you need", ICLR 2023.

    Attributes:
        epsilon: the radius in L∞ at the end, from 0 to 1.
        kappa: the weight of the clean images at the end, from 0 to 1.
        clean_share: of all steps, without a radius.
        rising_share: of all steps, over which the radius rises; the two shares are at most 1 in all.
    """

    name: ClassVar[str] = "interval"

    epsilon: float = 0.1
    kappa: float = 0.5
    clean_share: float = 0.02
    rising_share: float = 0.5

    def __post_init__(self) -> None:
        for name in ("epsilon", "kappa", "clean_share", "rising_share"):
            if require_nonnegative(name, getattr(self, name)) > 1:
                raise ValueError(f"`{name}` must be at most 1, got {getattr(self, name)}")
        if self.clean_share + self.rising_share > 1:
            raise ValueError(
                "`clean_share` and `rising_share` must be at most 1 in all, "
                f"got {self.clean_share} and {self.rising_share}"
            )

    def after(self, share: float) -> "IntervalTraining":
        """The method with the radius and the weight of the step that comes after this share of the run."""
        past = share - self.clean_share
        if past < 0:
            risen = 0.0
        elif past >= self.rising_share:
            risen = 1.0
        else:
            risen = past / self.rising_share
        return replace(
            self,
            epsilon=risen * self.epsilon,
            kappa=1.0 - risen * (1.0 - self.kappa),
            clean_share=0.0,
            rising_share=0.0,
        )

    def backward(self, model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator) -> StepOutcome:
        """One forward and one backward pass, and one of each on intervals unless κ is 1.

        Raises:
            TypeError: a model that is no classifier of this library.
            LayerRefusedError: a layer that has no interval rule; it is named.
        """
        logits = model(images)
        clean = nn.functional.cross_entropy(logits, labels)
        if self.kappa == 1:
            return StepOutcome.of_backward(clean, logits, labels)
        worst = worst_logits(model, images, labels, self.epsilon)
        loss = self.kappa * clean + (1.0 - self.kappa) * nn.functional.cross_entropy(worst, labels)
        return StepOutcome.of_backward(loss, worst, labels)


def worst_logits(
    model: nn.Module,
    images: Float[Tensor, "batch channels height width"],
    labels: Int64[Tensor, " batch"],
    epsilon: float,
) -> Float[Tensor, "batch classes"]:
    """At least s_j − s_y at every image within `epsilon` of each in L∞ and in [0, 1]; 0 for y itself.

    True up to rounding in the model's arithmetic, so no certificate; differentiable in the weights.

    Raises:
        TypeError, LayerRefusedError: as `IntervalTraining.backward`.
    """
    lower, upper = (images - epsilon).clamp_min(0.0), (images + epsilon).clamp_max(1.0)
    box = TrainedInterval(0.5 * (lower + upper), 0.5 * (upper - lower))
    features = interval_after(_feature_parts(model), box)
    head: nn.Linear = model.head  # type: ignore[assignment] - the parts come from a classifier
    middle, radius = features.middle.flatten(1), features.radius.flatten(1)
    rows = head.weight[None] - head.weight[labels][:, None]
    worst = torch.einsum("bcf,bf->bc", rows, middle) + torch.einsum("bcf,bf->bc", rows.abs(), radius)
    return worst if head.bias is None else worst + head.bias - head.bias[labels][:, None]


def _feature_parts(model: nn.Module) -> list[nn.Module]:
    """All that a classifier does before its head."""
    if isinstance(model, IntegratorClassifier):
        return [model.stem, model.trunk, model.pool]
    if isinstance(model, SequentialClassifier):
        return [model.layers]
    raise TypeError(
        "`model` must be an IntegratorClassifier or a SequentialClassifier for training by intervals, "
        f"got {type(model).__name__}"
    )
