"""A copy of a classifier whose weights stand still: what is certified."""

import copy
from typing import TypeVar

import torch
from torch.nn.utils import parametrize

from natrob_empirical.models import AbstractClassifier

Classifier = TypeVar("Classifier", bound=AbstractClassifier)


def frozen_copy(model: Classifier) -> Classifier:
    """The classifier in float64 and eval mode, with the very weights that it computes with in its own precision.

    A weight that is computed from parameters (a norm constraint, `torch.nn.utils.parametrize`) is computed once, in
    the model's own precision, and kept. Computed again in float64 it would be another one, and every pass would pay.
    """
    copied = copy.deepcopy(model).eval()
    with torch.no_grad():
        for module in list(copied.modules()):
            if parametrize.is_parametrized(module):
                for name in list(module.parametrizations):  # type: ignore[arg-type]
                    parametrize.remove_parametrizations(module, name, leave_parametrized=True)
    return copied.double().requires_grad_(False)
