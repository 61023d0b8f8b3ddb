"""Layers that change the shape of a state and no distance."""

from typing import final

import torch
from torch import Tensor, nn

from natrob_theory.numbers.argument_checks import require_count


@final
class PaddedChannels(nn.Module):
    """Zeros appended along the first axis after the batch axis, channels or features; an isometry.

    Args:
        inputs: the length of that axis before; anything else is refused, as the rest of a network was built for it.
        channels: its length afterwards.

    Raises:
        ValueError: fewer `channels` than `inputs`; when called, an axis of another length than `inputs`.
    """

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.inputs = require_count("inputs", inputs)
        self.channels = require_count("channels", channels, minimum=inputs)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, *rest) -> (batch, channels, *rest)."""
        if x.shape[1] != self.inputs:
            raise ValueError(f"`x` must have {self.inputs} channels or features before the padding, got {x.shape[1]}")
        missing = self.channels - self.inputs
        return x if missing == 0 else torch.cat([x, x.new_zeros((len(x), missing, *x.shape[2:]))], dim=1)

    def extra_repr(self) -> str:
        """Inputs and channels, for print(module)."""
        return f"inputs={self.inputs}, channels={self.channels}"
