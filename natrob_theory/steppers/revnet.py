"""RevNet's coupling, the paper's (21)."""

from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor, nn

from natrob_theory.fields import evaluate_field, split_halves
from natrob_theory.steppers.arithmetic import AbstractArithmetic
from natrob_theory.steppers.coefficient import ZERO
from natrob_theory.steppers.explicit_stepper import AbstractExplicitStepper


@final
class CoupledField(nn.Module):
    """The two fields of one RevNet step: `first` moves the first half of the state, `second` the other half."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first = first
        self.second = second


@final
class RevNetStepper(AbstractExplicitStepper[CoupledField]):
    """a_{n+1} = a_n + h f₁(t, b_n), b_{n+1} = b_n + h f₂(t, a_{n+1}); (a, b) are the halves of the state's first axis.

    The second line uses a_{n+1}, so this is the symplectic Euler method, not Euler's. With α = hK₁ and β = hK₂,
    (‖Δa‖, ‖Δb‖) grows at most by M = [[1, α], [β, 1 + αβ]] entrywise, so n steps grow ‖Δ‖₂ at most by the norm of
    the *product* of the M's, which is at most the product of their norms (theory, section 1).

    Proof: proofs/coq/revnet.v, proofs/symbolic/revnet_growth.py, proofs/symbolic/revnet_is_symplectic_euler.py.
    """

    couplings = 2

    @property
    def name(self) -> str:
        """RevNet coupling."""
        return "RevNet coupling"

    @property
    def growth_formula(self) -> str:
        """The norm of the product of the coupling matrices."""
        return "RevNet coupling: ‖Π [[1, hK₁], [hK₂, 1 + h²K₁K₂]]‖₂"

    def fields_of(self, field: CoupledField) -> tuple[Any, ...]:
        """Both fields."""
        return field.first, field.second

    def with_fields(self, field: CoupledField, wrap: Callable[[Any], Any]) -> CoupledField:
        """Both fields, wrapped."""
        return CoupledField(wrap(field.first), wrap(field.second))

    def advance(self, arithmetic: AbstractArithmetic[Any], state: Any) -> Any:
        """The first half moves by f₁ of the second, then the second by f₂ of the moved first."""
        first, second = state
        first = arithmetic.mix(first, arithmetic.slope(ZERO, second, part=0))
        second = arithmetic.mix(second, arithmetic.slope(ZERO, first, part=1))
        return first, second

    def inverse_step(self, field: CoupledField, time: float, state: Tensor, step_size: float) -> Tensor:
        """y_n from y_{n+1}: the same two evaluations, subtracted in reverse order."""
        first, second = split_halves(state)
        second = second - step_size * evaluate_field(field.second, time, first)
        first = first - step_size * evaluate_field(field.first, time, second)
        return torch.cat([first, second], dim=1)
