"""What to know of a model before its robustness is measured: does it return logits, and the same ones twice?"""

import warnings
from dataclasses import dataclass
from typing import Final, final

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.argument_checks import require_count

from .counted_model import Classifier, CountedModel, evaluation_mode

_TOLERANCE: Final = 1e-4
"""Sums of probabilities may be this far from 1, and logits this far apart (of the largest): rounding stays below."""


@final
class ProbabilitiesWarning(UserWarning):
    """The model seems to return probabilities, whose gradients vanish where it is sure; attacks need its logits."""


@final
class RandomisedModelError(ValueError):
    """The model answers the same images differently from call to call, so that no single answer is the model's."""


@final
@dataclass(frozen=True, kw_only=True)
class ModelCheck:
    """What a few calls on the same images showed.

    A model that is random only seldom, or on other images, may pass.

    Attributes:
        num_images, calls: how many images were shown how often; `calls` queries per image.
        num_classes: logits per image.
        probabilities: whether no output is negative and every row sums to 1.
        spread: the largest difference of a logit between two calls, over the largest logit (at least 1).
        changed_labels: the share of images whose label was not the same in all calls.
    """

    num_images: int
    calls: int
    num_classes: int
    probabilities: bool
    spread: float
    changed_labels: float

    @property
    def randomised(self) -> bool:
        """Whether logits or labels changed beyond rounding."""
        return self.spread > _TOLERANCE

    def require_deterministic(self) -> None:
        """Raise RandomisedModelError if the model is random."""
        if self.randomised:
            raise RandomisedModelError(
                f"`model` must answer the same images alike, got logits that differ by {self.spread:.2g} of the "
                f"largest, and other labels for {self.changed_labels:.1%} of {self.num_images} images, in {self.calls} "
                "calls; switch its randomness off, or attack AveragedModel(model, samples=20, generator=…)"
            )

    def warn_of_probabilities(self) -> None:
        """Warn with ProbabilitiesWarning if the model returns probabilities."""
        if self.probabilities:
            warnings.warn(
                "the model's outputs are nonnegative and sum to 1, like probabilities: gradients vanish where it is "
                "sure, and attacks look weaker than they are; let it return logits, without the last softmax",
                ProbabilitiesWarning,
                stacklevel=2,
            )


def check_model(model: Classifier, x: Float[Tensor, "batch channels height width"], *, calls: int = 3) -> ModelCheck:
    """Show the model the same images `calls` times, in eval mode, and compare what it answers.

    Raises:
        TypeError, ValueError: `calls` is not an integer of at least 2, or the output is not finite logits.
    """
    require_count("calls", calls, minimum=2)
    with evaluation_mode(model):
        meter = CountedModel(model, len(x), x.device)
        return compare_answers([meter.logits(x) for _ in range(calls)])


def compare_answers(answers: list[Float[Tensor, "batch classes"]]) -> ModelCheck:
    """What several answers of a model to the same images show."""
    logits = torch.stack([answer.double() for answer in answers])
    labels = logits.argmax(dim=2)
    largest = max(1.0, float(logits.abs().max()))
    sums = logits.sum(dim=2)
    return ModelCheck(
        num_images=logits.shape[1],
        calls=len(answers),
        num_classes=logits.shape[2],
        probabilities=bool((logits >= 0).all() & ((sums - 1).abs() <= _TOLERANCE).all()),
        spread=float((logits.amax(dim=0) - logits.amin(dim=0)).max()) / largest,
        changed_labels=float((labels != labels[0]).any(dim=0).double().mean()),
    )
