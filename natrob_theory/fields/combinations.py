"""Sums and multiples of fields: μ(f + g) ≤ μ(f) + μ(g), and μ(cf) = cμ(f) for c ≥ 0."""

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from natrob_theory.fields.evaluation import field_name
from natrob_theory.numbers.argument_checks import require_finite


@final
class SumField(nn.Module):
    """f(t, y) = Σ f_i(t, y): K ≤ Σ K_i and μ ≤ Σ μ_i.

    Args:
        fields: at least one, each an nn.Module with forward(time, state).

    Proof: proofs/coq/one_sided.v, proofs/symbolic/field_combinations.py.
    """

    def __init__(self, fields: Sequence[nn.Module]) -> None:
        super().__init__()
        if len(fields) == 0:
            raise ValueError("`fields` must hold at least one field, got an empty sequence")
        self.fields = nn.ModuleList([require_module("fields", field) for field in fields])

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """dy/dt, of the state's shape (batch, *state)."""
        return torch.stack([field(time, state) for field in self.fields]).sum(dim=0)


@final
class ScaledField(nn.Module):
    """c·f(t, y): K = |c|K_f, and μ = cμ_f for c ≥ 0; for c < 0 only μ ≤ |c|K_f follows.

    Args:
        field: an nn.Module with forward(time, state).
        factor: c, finite.

    Proof: proofs/coq/one_sided.v, proofs/symbolic/field_combinations.py.
    """

    def __init__(self, field: nn.Module, factor: float) -> None:
        super().__init__()
        self.field = require_module("field", field)
        self.factor = require_finite("factor", factor)

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """dy/dt, of the state's shape (batch, *state)."""
        return self.factor * self.field(time, state)

    def extra_repr(self) -> str:
        """The factor, for print(field)."""
        return f"factor={self.factor:g}"


def require_module(name: str, field: object) -> nn.Module:
    """The field if it is a module, whose constants can be looked up by its class. Raises TypeError."""
    if not isinstance(field, nn.Module):
        raise TypeError(f"`{name}` must be an nn.Module with forward(time, state), got {field_name(field)}")
    return field
