"""The classifier made of residual blocks: stem, blocks, pooling, linear head."""

from collections.abc import Sequence
from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from natrob_empirical.models.abstract_classifier import AbstractClassifier
from natrob_empirical.models.residual_block import ResidualBlock


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
