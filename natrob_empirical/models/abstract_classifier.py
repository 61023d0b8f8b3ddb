"""What every classifier of the experiments offers: features, a linear head, and its first affine layer apart."""

import abc
from typing import final

from jaxtyping import Float
from torch import Tensor, nn


class AbstractClassifier(nn.Module, abc.ABC):
    """logits = head(features(x)), with the first affine layer apart from the rest.

    Training methods that keep the gradient behind the first layer fixed (YOPO) need the two parts separately;
    `forward(x)` is exactly `after_first_layer(first_layer(x))`.
    """

    head: nn.Linear

    @property
    @abc.abstractmethod
    def first_layer(self) -> nn.Module:
        """The first affine layer that the image meets."""

    @abc.abstractmethod
    def features_after_first_layer(self, z: Float[Tensor, "batch *state"]) -> Float[Tensor, "batch size"]:
        """The feature vectors that the head sees, from what the first layer gave."""

    @final
    def features(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch size"]:
        """The feature vectors that the head sees."""
        return self.features_after_first_layer(self.first_layer(x))

    @final
    def after_first_layer(self, z: Float[Tensor, "batch *state"]) -> Float[Tensor, "batch classes"]:
        """Logits from what the first layer gave."""
        return self.head(self.features_after_first_layer(z))

    @final
    def forward(self, x: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch classes"]:
        """Logits of images in [0, 1]."""
        return self.head(self.features(x))
