"""Allows for what rounding adds to an adaptive solve on record, under the assumption of theory, section 7."""

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.bounds.adaptive import FlowConstants, RecordedSolve, recorded_flow_error
from natrob_theory.numbers.norms import per_sample_l2
from natrob_theory.numbers.rounding import unit_roundoff
from natrob_theory.tableaus import ButcherTableau

ROUNDING_SAFETY = 16.0
"""c of theory, section 7, per field evaluation of a step."""
SMALLEST_SCALED = 1e-3
"""(G(x) − 1)/x rises with x; taken at no less than this the outward rounding of G stays out of it."""


def solve_allowance(
    tableau: ButcherTableau, solve: RecordedSolve, constants: FlowConstants, field_error_factor: float
) -> Float[Tensor, " batch"]:
    """At least how far rounding moves y_N: Σ_j e^{μ(T − t_{j+1})} δ_j, the flow carrying every step's rounding to T.

    δ_j = a·s·(c·u·(‖y_j‖ + ‖y_{j+1}‖ + hV) + φ·u·h(V + K‖Y‖)) for s stages, a = max(1, (G(x) − 1)/x) for what later
    stages make of it, V ≥ ‖k_i‖ and ‖Y‖ ≥ ‖Y_i‖ from v(y_j), K and the tableau; besides, what φ says of the computed
    speeds. The times' own rounding is in the terms with hV.

    Args:
        tableau: the method.
        solve: with L2 speeds.
        constants: of the field.
        field_error_factor: φ, one evaluation errs by at most φu(‖f(y)‖ + K‖y‖).

    Source: theory, sections 7 and 8.
    Proof: proofs/coq/perturbed_recursion.v, proofs/symbolic/rounding_allowance.py.
    """
    u, tiny = unit_roundoff(solve.states.dtype), torch.finfo(solve.states.dtype).tiny
    mu, constant = constants.one_sided, constants.lipschitz
    size = torch.stack([per_sample_l2(state) for state in solve.states])
    steps, speed = solve.times.diff(dim=0), solve.speeds[:-1]
    x = steps * constant
    slope = speed * _largest_stage(tableau, x)
    row = max(float(sum(map(abs, entries))) for entries in tableau.a)
    stage = size[:-1] + steps * row * slope
    sums = ROUNDING_SAFETY * u * (size[:-1] + size[1:] + steps * slope)
    field = field_error_factor * u * steps * (slope + constant * stage)
    underflow = (ROUNDING_SAFETY + field_error_factor) * tiny * (1.0 + x)
    local = _amplification(tableau, x) * tableau.stages * (sums + field + underflow)
    carried = torch.where(steps > 0, torch.exp(mu * (solve.times[-1] - solve.times[1:])) * local, 0.0)
    of_speeds = field_error_factor * u * (speed + constant * size[:-1])
    total = 2.0 * carried.sum(dim=0) + recorded_flow_error(tableau, solve.times, of_speeds, constants)
    return torch.nan_to_num(total, nan=torch.inf, posinf=torch.inf)


def _largest_stage(tableau: ButcherTableau, x: Tensor) -> Tensor:
    """The largest entry of (I − x|A|)⁻¹𝟙: how much larger than v(y) a stage's slope can be."""
    absolute = torch.tensor([[abs(float(entry)) for entry in row] for row in tableau.a], dtype=x.dtype, device=x.device)
    total = power = torch.ones(*x.shape, tableau.stages, dtype=x.dtype, device=x.device)
    for _ in range(tableau.stages):
        power = x[..., None] * (power @ absolute.T)
        total = total + power
    return total.amax(dim=-1)


def _amplification(tableau: ButcherTableau, x: Tensor) -> Tensor:
    """max(1, (G(x) − 1)/x)."""
    above_zero = x.clamp_min(SMALLEST_SCALED)
    growth = torch.zeros_like(x)
    for coefficient in reversed(tableau.growth_polynomial()[1:]):
        growth = growth * above_zero + float(coefficient)
    return growth.clamp_min(1.0)
