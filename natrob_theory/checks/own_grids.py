"""Two adaptive solves, each on its own grid, against the affine bound that is a theorem for them."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from natrob_theory.bounds.adaptive import (
    FlowConstants,
    adaptive_affine_bound,
    any_flow_error,
    flow_constants,
    recorded_solve,
    require_affine_bound_known,
)
from natrob_theory.checks.solve_allowance import solve_allowance
from natrob_theory.checks.trajectories import checked_pair
from natrob_theory.networks import NeuralODE, Trajectory
from natrob_theory.numbers.affine_bound import AffineBound
from natrob_theory.numbers.argument_checks import require_nonnegative
from natrob_theory.numbers.bound import Bound
from natrob_theory.numbers.norms import per_sample_l2
from natrob_theory.numbers.rounding import round_up, unit_roundoff


@final
@dataclass(frozen=True, kw_only=True)
class OwnGridComparison:
    """The measured distance of two solves, each on its own grid, against the affine bound.

    Attributes:
        affine: the bound for every perturbation of the clean starts, of kind "upper" where K and μ are upper bounds.
        bound: its value at this perturbation, (batch,).
        start: ‖z_0 − y_0‖₂, (batch,), rounded outward.
        measured: ‖z(T) − y(T)‖₂ as computed, (batch,), float64.
        allowance: what rounding of both solves may have added, (batch,); see `solve_allowance`.
        times: of the start and the end, (2,).
    """

    affine: AffineBound
    bound: Bound
    start: Float[Tensor, " batch"]
    measured: Float[Tensor, " batch"]
    allowance: Float[Tensor, " batch"]
    times: Float[Tensor, " 2"]

    @property
    def holds(self) -> Bool[Tensor, " batch"]:
        """Where the distance is at most the bound and the allowance; elsewhere a constant is wrong, or this library."""
        limit = torch.as_tensor(self.bound.value)
        return (self.measured <= limit) | ((self.measured <= limit + self.allowance) & torch.isfinite(self.allowance))

    @property
    def ratio(self) -> Float[Tensor, " batch"]:
        """distance/bound, 0 where both are 0."""
        return torch.where(self.measured == 0, 0.0, self.measured / torch.as_tensor(self.bound.value))


def compare_on_own_grids(
    net: NeuralODE,
    y0: Tensor,
    perturbation: Tensor,
    *,
    lipschitz: Bound | float,
    one_sided: Bound | float | None = None,
    field_error_factor: float | None = None,
) -> OwnGridComparison:
    """Solve from y_0 + ε and from y_0, each on its own grid, and compare the ends with `adaptive_affine_bound`.

    Args:
        net: as for `adaptive_affine_bound`; afterwards `net.last_solve` is the solve from y_0.
        y0: (batch, *state).
        perturbation: ε, of the same shape and dtype.
        lipschitz, one_sided: K and μ in L2.
        field_error_factor: φ such that one evaluation of the field errs by at most φu(‖f(y)‖ + K‖y‖); None takes d^1.5
            for d state entries, as `check_bound` does.

    Raises:
        TypeError, ValueError, IntegrationError: as for `adaptive_affine_bound`, also for the perturbed solve.

    Source: theory, section 8.
    Proof: proofs/coq/adaptive_affine_bound.v (adaptive_affine_bound).
    """
    y0, perturbation = checked_pair(y0, perturbation)
    factor = float(y0[0].numel()) ** 1.5 if field_error_factor is None else field_error_factor
    require_nonnegative("field_error_factor", factor)
    start = y0 + perturbation
    require_affine_bound_known(net)
    other, clean = recorded_solve(net, start), recorded_solve(net, y0)  # the clean solve is the one on record
    run = Trajectory(times=clean.times, states=clean.states)
    affine = adaptive_affine_bound(net, y0, lipschitz=lipschitz, one_sided=one_sided, trajectory=run)
    constants, _ = flow_constants(net, y0, lipschitz, one_sided, "L2")
    allowance = sum(solve_allowance(net.tableau, solve, constants, factor) for solve in (other, clean))
    allowance = allowance + _of_first_speed(net, clean.states[0], clean.speeds[0], constants, factor)
    distance = round_up(per_sample_l2(start.double() - y0.double()), y0[0].numel() + 8)
    return OwnGridComparison(
        affine=affine,
        bound=affine.at(distance),
        start=distance,
        measured=per_sample_l2(other.states[-1].double() - clean.states[-1].double()),
        allowance=allowance,
        times=torch.tensor([net.start_time, net.end_time], dtype=torch.float64, device=y0.device),
    )


def _of_first_speed(
    net: NeuralODE, state: Tensor, speed: Tensor, constants: FlowConstants, factor: float
) -> Float[Tensor, " batch"]:
    """Bounds what the field's rounding at y_0 may hide from E_any."""
    assert net.max_step_size is not None
    error = factor * unit_roundoff(state.dtype) * (speed + constants.lipschitz * per_sample_l2(state))
    return any_flow_error(net.tableau, net.max_step_size, net.end_time - net.start_time, constants) * error
