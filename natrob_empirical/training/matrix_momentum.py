"""Muon for matrices and AdamW for everything else, stepped as one optimiser."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, final

import torch
from torch import nn

VECTOR_SHARE: Final = 0.2
"""AdamW's rate as a share of Muon's: a step of Muon has spectral norm 1, one of AdamW entries of size 1."""


@final
class MatrixMomentum:
    """W ← W − rate·O, O the momentum of the gradients with every singular value brought near 1.

    That is the steepest descent in the spectral norm, in which the weights of networks with ‖W‖₂ ≤ 1 are measured.
    Parameters with another number of axes than two take AdamW's step at `VECTOR_SHARE` of the rate.

    Args:
        parameters: that ask for gradients.
        learning_rate: of the matrices.
        momentum: of the matrices.
        weight_decay: of both, decoupled.
        fused: whether AdamW takes one kernel for all.

    Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; Bernstein and Newhouse,
        "Old optimizer, new norm", arXiv 2409.20325. The iteration is `torch.optim.Muon`'s.
    """

    def __init__(
        self,
        parameters: Sequence[nn.Parameter],
        *,
        learning_rate: float,
        momentum: float,
        weight_decay: float,
        fused: bool,
    ) -> None:
        matrices = [parameter for parameter in parameters if parameter.dim() == 2]
        others = [parameter for parameter in parameters if parameter.dim() != 2]
        self._parts: dict[str, torch.optim.Optimizer] = {}
        if matrices:
            self._parts["matrices"] = torch.optim.Muon(
                matrices, lr=learning_rate, momentum=momentum, weight_decay=weight_decay
            )
        if others:
            share = {"params": others, "share": VECTOR_SHARE}
            self._parts["others"] = torch.optim.AdamW(
                [share], lr=VECTOR_SHARE * learning_rate, weight_decay=weight_decay, fused=fused
            )

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of both; a group's `share`, 1 where it has none, multiplies the rate that it is given."""
        return [group for part in self._parts.values() for group in part.param_groups]

    def zero_grad(self, *, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for part in self._parts.values():
            part.zero_grad(set_to_none=set_to_none)

    def step(self) -> None:
        """Change all parameters once."""
        for part in self._parts.values():
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """Moments and counts of both, as plain data."""
        return {name: part.state_dict() for name, part in self._parts.items()}

    def load_state_dict(self, content: Mapping[str, Any]) -> None:
        """Continue with what `state_dict` returned."""
        for name, part in self._parts.items():
            part.load_state_dict(content[name])
