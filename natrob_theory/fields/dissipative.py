"""Dissipation added to any field: the one-sided constant falls by the rate."""

from typing import final

from torch import Tensor, nn

from natrob_theory.fields.combinations import require_module
from natrob_theory.numbers.argument_checks import require_nonnegative


@final
class DissipativeField(nn.Module):
    """f(t, y) − ρy: μ = μ_f − ρ and K ≤ K_f + ρ.

    With μ_f < ρ the exact flow contracts, e^{(μ_f − ρ)T}. Euler's method does so on every such field for
    h < 2(ρ − μ_f)/K²; beyond that some fields expand, and others, such as −diag(1, 10)y at h = 0.15, still contract.

    Args:
        field: an nn.Module with forward(time, state).
        rate: ρ ≥ 0.

    Source: theory, section 3.
    Proof: proofs/coq/one_sided.v, proofs/symbolic/field_combinations.py.
    """

    def __init__(self, field: nn.Module, rate: float) -> None:
        super().__init__()
        self.field = require_module("field", field)
        self.rate = require_nonnegative("rate", rate)

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """dy/dt, of the state's shape (batch, *state)."""
        return self.field(time, state) - self.rate * state

    def extra_repr(self) -> str:
        """The rate, for print(field)."""
        return f"rate={self.rate:g}"
