"""A copy of a classifier whose weights stand still: what is certified."""

from typing import TypeVar

from natrob_empirical.models import AbstractClassifier
from natrob_theory import materialised

ClassifierT = TypeVar("ClassifierT", bound=AbstractClassifier)


def frozen_copy(model: ClassifierT) -> ClassifierT:
    """The classifier in float64 and eval mode, with the very weights that it computes with in its own precision.

    A weight that is computed from parameters (a norm constraint) is computed once, in the model's own precision, and
    kept. Computed again in float64 it would be another one, and every pass would pay for it.
    """
    return materialised(model).eval().double().requires_grad_(False)
