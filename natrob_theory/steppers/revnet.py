"""RevNet's coupling, the paper's (21)."""

import math
from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor, nn

from natrob_theory.fields import evaluate_field, split_halves
from natrob_theory.numbers.rounding import round_up
from natrob_theory.steppers.abstract_stepper import AbstractStepper, Evaluation, no_one_sided_formula


@final
class CoupledField(nn.Module):
    """The two fields of one RevNet step: `first` moves the first half of the state, `second` the other half."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first = first
        self.second = second


@final
class RevNetStepper(AbstractStepper[CoupledField]):
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

    def with_fields(self, field: CoupledField, wrap: Callable[[Any], Any]) -> CoupledField:
        """Both fields, wrapped."""
        return CoupledField(wrap(field.first), wrap(field.second))

    def step(self, field: CoupledField, time: float, state: Tensor, step_size: float) -> Tensor:
        """y_{n+1} from y_n."""
        return self.step_with_evaluations(field, time, state, step_size)[0]

    def inverse_step(self, field: CoupledField, time: float, state: Tensor, step_size: float) -> Tensor:
        """y_n from y_{n+1}: the same two evaluations, subtracted in reverse order."""
        first, second = split_halves(state)
        second = second - step_size * evaluate_field(field.second, time, first)
        first = first - step_size * evaluate_field(field.first, time, second)
        return torch.cat([first, second], dim=1)

    def step_with_evaluations(
        self, field: CoupledField, time: float, state: Tensor, step_size: float
    ) -> tuple[Tensor, list[Evaluation]]:
        """y_{n+1}, and f₁ at b_n and f₂ at a_{n+1}."""
        first, second = split_halves(state)
        first_slope = evaluate_field(field.first, time, second)
        moved = first + step_size * first_slope
        second_slope = evaluate_field(field.second, time, moved)
        after = torch.cat([moved, second + step_size * second_slope], dim=1)
        return after, [Evaluation(second, first_slope), Evaluation(moved, second_slope)]

    def growth(self, x: Tensor) -> Tensor:
        """‖M‖₂ of one step with α = β = x."""
        return self.cumulative_growth(x.expand(1, 2, *x.shape))[-1]

    def one_sided_growth(self, x: Tensor, scaled_one_sided: Tensor) -> Tensor:
        """No formula from (μ, K) is known here."""
        raise no_one_sided_formula(self.name)

    def cumulative_growth(self, x: Tensor) -> Tensor:
        """‖M_n ⋯ M_1‖₂ from x[:, 0] = hK₁ and x[:, 1] = hK₂."""
        alpha, beta = x[:, 0], x[:, 1]
        one, zero = torch.ones_like(x[0, 0]), torch.zeros_like(x[0, 0])
        rows = (one, zero, zero, one)
        norms = [spectral_norm_2x2(*rows)]
        for a, b in zip(alpha, beta, strict=True):
            top = (rows[0] + a * rows[2], rows[1] + a * rows[3])
            rows = (*top, rows[2] + b * top[0], rows[3] + b * top[1])
            norms.append(spectral_norm_2x2(*rows))
        return round_up(torch.stack(norms), 4 * len(alpha) + 16)


def spectral_norm_2x2(p: Tensor, q: Tensor, r: Tensor, s: Tensor) -> Tensor:
    """‖[[p, q], [r, s]]‖₂ of nonnegative matrices, elementwise, without cancellation.

    σ₁² = ½(N + √(((p² + q²) − (r² + s²))² + 4(pr + qs)²)), N = p² + q² + r² + s²; the entries are scaled by the
    largest first so that nothing overflows before the result does.

    Proof: proofs/coq/spectral_norm_two_by_two.v, proofs/symbolic/spectral_norm_two_by_two.py.
    """
    scale = torch.maximum(torch.maximum(p, q), torch.maximum(r, s))
    p, q, r, s = p / scale, q / scale, r / scale, s / scale
    top, bottom, mixed = p**2 + q**2, r**2 + s**2, p * r + q * s
    squared = 0.5 * (top + bottom + torch.sqrt((top - bottom) ** 2 + 4 * mixed**2))
    return torch.nan_to_num(scale * torch.sqrt(squared), nan=math.inf, posinf=math.inf)
