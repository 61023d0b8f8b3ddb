"""The affine bound for adaptive solves, each solution on its own grid: an estimate and a theorem, never c‖ε‖.

An adaptive solver accepts or rejects each step, so its numerical map jumps: two starts as close as one likes can be
solved on different grids, and end as far apart as their errors allow. A bound c‖ε‖ therefore exists only for both
solutions on one grid (`check_bound`, `net.growth_bound`); on two grids the errors of both solves stand beside it.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from natrob_theory.adaptive import IntegrationError, SolveRecord, SolveStatus, describe_failures
from natrob_theory.bounds.adaptive import TimeDependentFieldError, affine_bound_obstacle
from natrob_theory.bounds.growth import exponential_bound
from natrob_theory.checks.own_grids import OwnGridComparison, compare_on_own_grids
from natrob_theory.checks.trajectories import checked_pair
from natrob_theory.networks import NeuralODE
from natrob_theory.networks.abstract_net import require_forward_in_time
from natrob_theory.networks.one_sided_growth import one_sided_per_step
from natrob_theory.numbers.bound import (
    Bound,
    describe_lipschitz,
    describe_one_sided,
    lipschitz_value,
    one_sided_value,
)
from natrob_theory.numbers.norms import per_sample_l2
from natrob_theory.numbers.rounding import round_up

ESTIMATED_ERRORS = (
    "the local errors are embedded estimates: the tolerances do not bound the true ones, and kinks of f break the order"
)
EXACT_ARITHMETIC = "the solves' rounding is not counted"


@dataclass(frozen=True, kw_only=True)
class AffineBoundCheck:
    """Measured distance of two adaptive solves, each on its own grid, against an estimate that is affine in ε.

    Attributes:
        exact_flow: e^{μT}‖ε‖, (batch,), an upper bound for the exact flow (an estimate if μ or K is one), and for no
            numerical solution.
        error_terms: E_y + E_z, (batch,), always an estimate.
        bound: their sum, always an estimate.
        measured: ‖z(T) − y(T)‖₂ as computed, (batch,), float64.
        ratio: measured/bound, (batch,), 0 where both are 0.
        clean, perturbed: how either solve went, with its grid.
        kind: "estimate", whatever the constants: where `covered` is False the estimate has failed, no theorem.
        theorem: the same pair against the affine bound that rests on `max_step_size` and on no estimate, of kind
            "upper": where its `holds` is False a constant is wrong. None where it is not known.
        without_theorem: why it is not known, in words; None where it is.
    """

    exact_flow: Bound
    error_terms: Bound
    bound: Bound
    measured: Float[Tensor, " batch"]
    ratio: Float[Tensor, " batch"]
    clean: SolveRecord
    perturbed: SolveRecord
    kind: Literal["estimate"] = "estimate"
    theorem: OwnGridComparison | None = None
    without_theorem: str | None = None

    @property
    def covered(self) -> Bool[Tensor, " batch"]:
        """Where the measured distance is at most the estimate."""
        return self.ratio <= 1.0


def check_affine_bound(
    net: NeuralODE,
    y0: Tensor,
    perturbation: Tensor,
    *,
    lipschitz: Bound | float,
    one_sided: Bound | float | None = None,
) -> AffineBoundCheck:
    """Solve from y_0 and from y_0 + ε, each on its own grid, and compare with e^{μT}‖ε‖ + E_y + E_z.

    E = Σ_j e^{μ(T − t_{j+1})}‖LTE_j‖ over the solve's own steps: the flow carries the local error of step j from
    t_{j+1} to T. For ‖LTE_j‖ stands the embedded estimate of the step, which bounds nothing; so the sum is an estimate.
    With `max_step_size` and constants that are upper bounds the result has a theorem beside it
    (`adaptive_affine_bound`), which needs no estimate.

    Args:
        net: with `solver="natrob"`. Afterwards `net.last_solve` is the solve from y_0, so that `net.growth_bound`
            is the same-grid bound of the same pair.
        y0: (batch, *state).
        perturbation: ε, of the same shape and dtype.
        lipschitz: K.
        one_sided: μ; the smaller of μ and K is used, K if None.

    Raises:
        TypeError, ValueError: as for the network; a constant is not finite, K < 0, μ < −K for a true μ; the solver
            is torchdiffeq's, which keeps no error estimates.
        IntegrationError: a sample of either solve did not reach the end, also where the network would only warn.

    Source: theory, section 4 (Hairer, Nørsett, Wanner, *Solving ODEs I*, II.3).
    Proof: proofs/coq/affine_bound.v, proofs/symbolic/affine_adaptive_bound.py; why never c‖ε‖ is in
        proofs/symbolic/adaptive_steps_jump.py.
    """
    if net.solver != "natrob":
        raise ValueError(f'`net` must have `solver` = "natrob", which keeps error estimates, got {net.solver!r}')
    y0, perturbation = checked_pair(y0, perturbation)
    if one_sided is not None:
        one_sided_per_step(one_sided, [(lipschitz,)])
        require_forward_in_time([net.end_time - net.start_time])
    start = y0 + perturbation
    theorem, without_theorem = _theorem(net, y0, perturbation, lipschitz, one_sided)
    (z_end, z_record), (y_end, y_record) = (_solved(net, state) for state in (start, y0))
    exact_flow = _exact_flow(net, y0, start, lipschitz, one_sided)
    rate = lipschitz_value(lipschitz)
    rate = rate if one_sided is None else min(rate, one_sided_value(one_sided))
    error_terms = Bound(
        value=accumulated_error(y_record, rate) + accumulated_error(z_record, rate),
        kind="estimate",
        assumptions=(*exact_flow.assumptions, ESTIMATED_ERRORS),
        source="E_y + E_z, E = Σ e^{μ(T − t_{j+1})}‖LTE_j‖ with embedded estimates for LTE_j",
    )
    bound = Bound(
        value=torch.as_tensor(exact_flow.value) + torch.as_tensor(error_terms.value),
        kind="estimate",
        assumptions=(*error_terms.assumptions, EXACT_ARITHMETIC),
        source="e^{μT}‖ε‖ + E_y + E_z, each solution on its own grid; affine in ε, no c‖ε‖",
    )
    measured = per_sample_l2(z_end.double() - y_end.double())
    return AffineBoundCheck(
        exact_flow=exact_flow,
        error_terms=error_terms,
        bound=bound,
        measured=measured,
        ratio=torch.where(measured == 0, 0.0, measured / torch.as_tensor(bound.value)),  # a NaN covers nothing
        clean=y_record,
        perturbed=z_record,
        theorem=theorem,
        without_theorem=without_theorem,
    )


def _theorem(
    net: NeuralODE, y0: Tensor, perturbation: Tensor, lipschitz: Bound | float, one_sided: Bound | float | None
) -> tuple[OwnGridComparison | None, str | None]:
    """The comparison that is a theorem, or why there is none."""
    obstacle = affine_bound_obstacle(net)
    if obstacle is not None:
        return None, obstacle
    try:
        found = compare_on_own_grids(net, y0, perturbation, lipschitz=lipschitz, one_sided=one_sided)
    except TimeDependentFieldError as refusal:
        return None, str(refusal)
    if found.affine.kind != "upper":
        return None, "a constant that is no upper bound makes the affine bound an estimate"
    return found, None


def accumulated_error(record: SolveRecord, rate: float) -> Float[Tensor, " batch"]:
    """E = Σ_j e^{μ(T − t_{j+1})}‖LTE_j‖ of each sample, with μ = `rate` and the local errors on record.

    If these were the true local errors, E would bound ‖y_N − y(T)‖ of an exact-arithmetic solve.

    Raises:
        ValueError: no local errors are on record.
    """
    errors = record.error_estimates
    if errors is None:
        raise ValueError("`record` must hold error estimates, got none: torchdiffeq keeps none")
    weights = torch.exp(rate * (record.times[-1] - record.times[1:]).abs())
    weighted = torch.where(errors == 0, 0.0, weights * errors)
    return torch.nan_to_num(weighted, nan=torch.inf, posinf=torch.inf).sum(dim=0)


@torch.no_grad()
def _solved(net: NeuralODE, state: Tensor) -> tuple[Tensor, SolveRecord]:
    """The end of a solve and its record, from which no sample may be missing."""
    end = net(state)
    record = net.last_solve
    assert record is not None
    if any(status is not SolveStatus.REACHED_END for status in record.status):
        reached = record.times[-1].tolist()
        message = describe_failures(record.status, reached, net.end_time) or SolveStatus.EVENT.reason
        raise IntegrationError(
            f"the affine bound needs both solutions at the end time: {message}", status=record.status
        )
    return end, record


def _exact_flow(
    net: NeuralODE, y0: Tensor, start: Tensor, lipschitz: Bound | float, one_sided: Bound | float | None
) -> Bound:
    """e^{μT}‖z_0 − y_0‖ of each sample, rounded outward; the norm is taken of scaled entries, so that none underflows.

    The difference, the scaling, the squares and the root make less than d + 8 roundings for d entries.
    """
    growth = exponential_bound(lipschitz, *sorted((net.start_time, net.end_time)), one_sided=one_sided)
    difference = (start.double() - y0.double()).flatten(1)
    largest = difference.abs().amax(dim=1)
    scaled = difference / torch.where(largest > 0, largest, 1.0)[:, None]
    distance = largest * torch.linalg.vector_norm(scaled, dim=1)
    value = torch.where(largest > 0, float(growth) * distance, 0.0)
    constants = (describe_lipschitz(lipschitz), *(() if one_sided is None else (describe_one_sided(one_sided),)))
    return Bound(
        value=round_up(value, difference.shape[1] + 8),
        kind=growth.kind,
        assumptions=constants,
        source="e^{μT}‖ε‖, for the exact flow only",
    )
