"""Classifiers: features, a linear head, and the first affine layer apart from the rest."""

import abc
from collections.abc import Sequence
from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from natrob_empirical.models.residual_block import ResidualBlock
from natrob_theory import AbstractIntegratorNet


class AbstractClassifier(nn.Module, abc.ABC):
    """logits = head(features(x)), with the first layer apart from the rest.

    Training methods that keep the gradient behind the first layer fixed (YOPO) need the two parts separately;
    `forward(x)` is exactly `after_first_layer(first_layer(x))`.
    """

    head: nn.Linear

    @property
    @abc.abstractmethod
    def first_layer(self) -> nn.Module:
        """The first layer that the image meets: affine, or a stem with its activations."""

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


@final
class IntegratorClassifier(AbstractClassifier):
    """logits = head(pool(trunk(stem(x)))) with a stem, a pool and an affine head.

    A Lipschitz bound of the features is ‖pool‖ · growth · ‖stem‖, and the head's rows turn it into margins (theory,
    section 6).

    Args:
        stem: image -> state: a convolution, pixels rearranged and zeros appended, or convolutions with activations and
            a linear map.
        trunk: state -> state of the same shape.
        pool: state -> what the head's features are when flattened: an average, or nn.Flatten().
        head: features -> logits.
    """

    def __init__(self, stem: nn.Module, trunk: AbstractIntegratorNet, pool: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.stem = stem
        self.trunk = trunk
        self.pool = pool
        self.head = head

    @property
    def first_layer(self) -> nn.Module:
        """The stem."""
        return self.stem

    def features_after_first_layer(self, z: Float[Tensor, "batch *state"]) -> Float[Tensor, "batch size"]:
        """pool(trunk(z)), flattened."""
        return self.pool(self.trunk(z)).flatten(1)


@final
class ResidualClassifier(AbstractClassifier):
    """logits = head(pool(last(block_N(… block_1(stem(x)))))), with pool to a single pixel.

    Args:
        stem: a convolution, and what follows it before the first block.
        blocks: in order.
        last: between blocks and pool: the final normalisation and ReLU of a pre-activation network, else the identity.
        head: from the channels of the last block to the classes.
    """

    def __init__(
        self, stem: nn.Sequential, blocks: Sequence[ResidualBlock], *, last: nn.Module | None = None, head: nn.Linear
    ) -> None:
        super().__init__()
        self.stem = stem
        self.blocks = nn.ModuleList(blocks)
        self.last = nn.Identity() if last is None else last
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = head

    @property
    def first_layer(self) -> nn.Module:
        """The stem's convolution."""
        return self.stem[0]

    def features_after_first_layer(self, z: Float[Tensor, "batch width rows columns"]) -> Float[Tensor, "batch size"]:
        """The averaged channels of the last block."""
        y = z
        for layer in list(self.stem)[1:]:
            y = layer(y)
        for block in self.blocks:
            y = block(y)
        return self.pool(self.last(y)).flatten(1)


@final
class SequentialClassifier(AbstractClassifier):
    """logits = head(layers(x)).

    Args:
        layers: one after the other; what the last one gives is flattened into features.
        head: features -> logits.
    """

    def __init__(self, layers: Sequence[nn.Module], head: nn.Linear) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.head = head

    @property
    def first_layer(self) -> nn.Module:
        """The first layer; a chain of none where the head is all there is."""
        return self.layers[:1]

    def features_after_first_layer(self, z: Float[Tensor, "batch *state"]) -> Float[Tensor, "batch size"]:
        """The output of the other layers, flattened."""
        return self.layers[1:](z).flatten(1)
