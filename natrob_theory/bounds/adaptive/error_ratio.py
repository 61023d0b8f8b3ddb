"""Bounds the error ratio by which a solver accepts a step, and finds the steps that it cannot reject.

The ratio is the embedded estimate over (atol + rtol·max|y|)√D, entry by entry, so at most ‖estimate‖/(atol √D). For a
field with constants K and μ, ‖estimate‖ ≤ K h² v e^{max(μ,0)ch}(κ_d + x|d|ᵀ(I − x|A|)⁻¹κ) + what is rounded, x = hK,
d = b − b̂, c the latest node, v = ‖f(y)‖. What is rounded is at most h times a constant: the estimate is a sum of h k_i.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.bounds.adaptive.local_error import FlowConstants
from natrob_theory.bounds.adaptive.step_rounding import StepRounding
from natrob_theory.layers.affine import RELATIVE
from natrob_theory.numbers.outward_exponentials import exponential_up, fraction_up
from natrob_theory.tableaus import ButcherTableau

HALVINGS = 60
SMALLEST_SHARE = 1e-12
"""Of H: smaller steps are not looked for."""


@dataclass(frozen=True, kw_only=True)
class ErrorRatio:
    """An upper bound r(h) of the error ratio of any step of size h ≤ H, increasing in h.

    Attributes:
        tableau: of the pair.
        constants: K and μ, in L2.
        speed: v(ẑ) at most, wherever a step may start, (batch,).
        rounding: what the estimate rounds per unit of h, (batch,).
        tolerance: atol √D, from below, as it is computed.
    """

    tableau: ButcherTableau
    constants: FlowConstants
    speed: Float[Tensor, " batch"]
    rounding: Float[Tensor, " batch"]
    tolerance: float

    def at(self, step: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """r(h), rounded outward.

        Source: theory, section 8.
        Proof: proofs/coq/local_error.v (embedded_estimate), proofs/symbolic/evaluation_error.py.
        """
        x = step * self.constants.lipschitz
        polynomial = torch.zeros_like(x)
        for coefficient in reversed(self.tableau.embedded_estimate_polynomial()):
            polynomial = polynomial * x + fraction_up(coefficient)
        reach = fraction_up(self.tableau.local_error_constants().reach)
        along = exponential_up(self.constants.one_sided.clamp_min(0.0) * reach * step)
        estimate = x * step * self.speed * along * polynomial + step * self.rounding
        return torch.nan_to_num(estimate * RELATIVE / self.tolerance, nan=math.inf, posinf=math.inf)

    def largest_step(self, ratio: float, cap: float) -> Float[Tensor, " batch"]:
        """The largest h ≤ H found with r(h) ≤ `ratio`, from below; 0 where there is none above 10⁻¹²H."""
        upper = torch.full_like(self.speed, cap)
        lower = upper * SMALLEST_SHARE
        whole, none = self.at(upper) <= ratio, self.at(lower) > ratio
        for _ in range(HALVINGS):
            middle = torch.sqrt(lower * upper)
            fits = self.at(middle) <= ratio
            lower, upper = torch.where(fits, middle, lower), torch.where(fits, upper, middle)
        return torch.where(whole, cap, torch.where(none, 0.0, lower))


def error_ratio(
    tableau: ButcherTableau,
    constants: FlowConstants,
    rounded: StepRounding,
    *,
    norm: Float[Tensor, " batch"],
    speed: Float[Tensor, " batch"],
    atol: float,
    entries: int,
    unit: float,
) -> ErrorRatio:
    """The ratio's bound for steps that start where ‖y‖ ≤ `norm` and ‖f(y)‖ ≤ `speed`.

    Args:
        tableau: of an embedded pair.
        constants: of the field.
        rounded: what its steps round.
        norm, speed: on the whole way.
        atol: the smallest absolute tolerance of an entry.
        entries: D of a state.
        unit: u of the state's dtype. The quotient, its squares, their sum and its root round D + 10 times at most.

    Raises:
        ValueError: the tableau has no embedded weights.
    """
    if rounded.estimate is None:
        raise ValueError(f"tableau {tableau.name}: `b_embedded` must be given for an estimate, got None")
    per_norm, per_speed, constant = rounded.estimate
    lost = (entries + 10) * unit
    if lost >= 0.5:
        raise ValueError(f"states must have fewer than {0.5 / unit:.3g} entries in this dtype, got {entries}")
    return ErrorRatio(
        tableau=tableau,
        constants=constants,
        speed=speed,
        rounding=per_norm * norm + per_speed * speed + constant,
        tolerance=atol * math.sqrt(entries) * (1.0 - 2.0 * lost),
    )
