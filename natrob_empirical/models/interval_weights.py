"""Initial weights for training by intervals, whose radius plain ones let grow from layer to layer."""

import math

from torch import nn

from natrob_empirical.models.classifiers import IntegratorClassifier


def weigh_for_intervals(classifier: IntegratorClassifier) -> None:
    """Draws every weight anew, from torch's current generator: normal with deviation √(2π)/n, n the inputs of an entry.

    |w| has the mean 2/n then, so that half of it, which a ReLU lets through of an interval around 0, keeps the mean
    radius. Biases stay as they are.

    Args:
        classifier: changed in place.

    Source: Shi et al., "Fast certified robust training with short warmup", NeurIPS 2021: their initialisation for
        interval bounds.
    """
    for module in classifier.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            nn.init.normal_(module.weight, std=math.sqrt(2 * math.pi) / module.weight[0].numel())
