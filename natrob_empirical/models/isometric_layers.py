"""Layers that change the shape of a state and no distance."""

from typing import final

import torch
from torch import Tensor, nn

from natrob_theory.argument_checks import require_count


@final
class PaddedChannels(nn.Module):
    """Zeros appended along the first axis after the batch axis, up to `channels`; an isometry.

    Args:
        channels: the length of that axis afterwards.

    Raises:
        ValueError: when called on a longer axis.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = require_count("channels", channels)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, few, *rest) -> (batch, channels, *rest)."""
        missing = self.channels - x.shape[1]
        if missing < 0:
            raise ValueError(f"`x` must have at most {self.channels} channels, got {x.shape[1]}")
        return x if missing == 0 else torch.cat([x, x.new_zeros((len(x), missing, *x.shape[2:]))], dim=1)

    def extra_repr(self) -> str:
        """The channels, for print(module)."""
        return f"channels={self.channels}"
