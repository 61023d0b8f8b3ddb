"""Checks of a model before its robustness is measured: does it return logits, and one answer per image?"""

import warnings
from dataclasses import dataclass, field, replace
from typing import Final, final

import torch

from natrob_theory.numbers.argument_checks import require_count

from .company import CompanyLook, OneImageAtATime, look_at_company
from .counted_model import Classifier, CountedModel, evaluation_mode
from .tensor_types import Images, Logits

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
    """The findings of a few calls on the same images, in one batch, in others and alone.

    A model that is random or depends on the batch only seldom, or on other images, may pass; see `look_at_company`.

    Attributes:
        num_images, calls: how many images were shown how often in one and the same batch.
        num_classes: logits per image.
        probabilities: whether no output is negative and every row sums to 1.
        spread: the largest difference of a logit between two calls, over the largest logit.
        changed_labels: the share of images whose label was not the same in all calls.
        company: what other batches and images alone showed; None where nobody looked.
    """

    num_images: int
    calls: int
    num_classes: int
    probabilities: bool
    spread: float
    changed_labels: float
    company: CompanyLook | None = field(default=None, compare=False)

    @property
    def randomised(self) -> bool:
        """Whether an image has more than one answer, beyond rounding: from call to call, or from batch to batch."""
        return self.random or self.depends_on_batch

    @property
    def random(self) -> bool:
        """Whether logits changed beyond rounding from call to call, in a batch or for an image alone."""
        return self.largest_spread > _TOLERANCE

    @property
    def largest_spread(self) -> float:
        """As `spread`, calls on one image alone included."""
        return max(self.spread, 0.0 if self.company is None else self.company.repeat_difference)

    @property
    def depends_on_batch(self) -> bool:
        """Whether the answers to images depend on their company; such a model is attacked one image at a time."""
        return not self.random and self.company is not None and self.company.depends

    def require_deterministic(self) -> None:
        """Raise RandomisedModelError if the answers change from call to call."""
        if self.random:
            raise RandomisedModelError(
                f"`model` must answer the same images alike, got logits that differ by {self.largest_spread:.2g} of "
                f"the largest, and other labels for {self.changed_labels:.1%} of {self.num_images} images, in "
                f"{self.calls} calls; switch its randomness off, or attack AveragedModel(model, samples=20, "
                "generator=…)"
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


def check_model(model: Classifier, x: Images, *, calls: int = 3) -> ModelCheck:
    """Show the model the same images `calls` times, in eval mode, then in other company, and compare its answers.

    Raises:
        TypeError, ValueError: `calls` is not an integer of at least 2, or the output is not finite logits.
    """
    require_count("calls", calls, minimum=2)
    with evaluation_mode(model):
        meter = CountedModel(model, len(x), x.device)
        answers = [meter.logits(x) for _ in range(calls)]
        return replace(compare_answers(answers), company=look_at_company(model, x, answers[0]))


def shown_alone_if_needed(model: Classifier, x: Images, in_company: Logits | None = None) -> Classifier:
    """The model; where its answers depend on the batch, `OneImageAtATime` around it.

    Args:
        model: in the mode it is to be attacked in.
        x: the images it is judged by, as in `look_at_company`.
        in_company: its answer to all of them, if it is known.

    Raises:
        RandomisedModelError: an image alone has more than one answer.
        TypeError, ValueError: as `look_at_company`.
    """
    if isinstance(model, OneImageAtATime):
        return model
    look = look_at_company(model, x, in_company)
    if look.random:
        raise RandomisedModelError(
            f"`model` must answer the same images alike, got logits that differ by {look.repeat_difference:.2g} of the "
            "largest between two calls on one image alone; switch its randomness off, or attack "
            "AveragedModel(model, samples=20, generator=…)"
        )
    return OneImageAtATime(model) if look.depends else model


def compare_answers(answers: list[Logits]) -> ModelCheck:
    """Compares several answers of a model to the same images."""
    logits = torch.stack([answer.double() for answer in answers])
    labels = logits.argmax(dim=2)
    largest = float(logits.abs().max()) or 1.0
    sums = logits.sum(dim=2)
    return ModelCheck(
        num_images=logits.shape[1],
        calls=len(answers),
        num_classes=logits.shape[2],
        probabilities=bool((logits >= 0).all() & ((sums - 1).abs() <= _TOLERANCE).all()),
        spread=float((logits.amax(dim=0) - logits.amin(dim=0)).max()) / largest,
        changed_labels=float((labels != labels[0]).any(dim=0).double().mean()),
    )
