"""The tensor and callable types that signatures of natrob_theory share.

A *state* has shape `(batch, *state)`: the first axis counts independent samples, the rest is one point of
the phase space. A *field* is the right-hand side of `dy/dt = f(t, y)`.
"""

from collections.abc import Callable
from typing import TypeAlias

import torch

Field: TypeAlias = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""`field(t, y) -> dy/dt`: t is a scalar tensor, y has shape (batch, *state), and so has the result."""
