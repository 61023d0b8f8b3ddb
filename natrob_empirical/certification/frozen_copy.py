"""A copy of a classifier whose weights stand still: what is certified."""

from typing import TypeVar

from torch import nn

from natrob_empirical.models import AbstractClassifier, IntegratorClassifier, SequentialClassifier
from natrob_theory import materialised
from natrob_theory.layers.altered_layers import computes_as

ClassifierT = TypeVar("ClassifierT", bound=AbstractClassifier)


def frozen_copy(model: ClassifierT) -> ClassifierT:
    """The classifier in float64 and eval mode, with the very weights that it computes with in its own precision.

    A weight that is computed from parameters (a norm constraint) is computed once, in the model's own precision, and
    kept. Computed again in float64 it would be another one, and every pass would pay for it.

    A layer of a chain computes the same in place or not; in place it would write into the images, which are the
    caller's. Inside a field or a block that uses its input twice it does not, so there nothing is changed.
    """
    frozen = materialised(model).eval().double().requires_grad_(False)
    if isinstance(frozen, IntegratorClassifier):
        _work_beside(frozen.stem)
        _work_beside(frozen.pool)
    elif isinstance(frozen, SequentialClassifier):
        _work_beside(frozen.layers)
    return frozen


def _work_beside(chain: nn.Module) -> None:
    """Switch off `inplace` of the layers of a chain."""
    if computes_as(chain, nn.Sequential):
        for layer in chain:
            _work_beside(layer)
    elif hasattr(chain, "inplace"):
        vars(chain)["inplace"] = False
