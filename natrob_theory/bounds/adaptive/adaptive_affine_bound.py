"""The bound for what an adaptive solver really returns, given a cap on the steps that it takes."""

from dataclasses import replace

import torch
from torch import Tensor

from natrob_theory.bounds.adaptive.affine_remainder import affine_part_in
from natrob_theory.bounds.adaptive.decoupled_units import (
    DecoupledUnits,
    activity,
    decoupled_flow_error,
    decoupled_units_of,
)
from natrob_theory.bounds.adaptive.flow_error import (
    any_flow_error,
    any_flow_error_of_perturbed,
    recorded_flow_error,
)
from natrob_theory.bounds.adaptive.local_error import FlowConstants
from natrob_theory.bounds.adaptive.recorded_solve import RecordedSolve, recorded_solve
from natrob_theory.bounds.adaptive.solve_requirements import require_affine_bound_known
from natrob_theory.networks import NeuralODE, Trajectory
from natrob_theory.networks.one_sided_growth import one_sided_per_step
from natrob_theory.numbers.affine_bound import AffineBound
from natrob_theory.numbers.argument_checks import require_state
from natrob_theory.numbers.bound import (
    Bound,
    BoundKind,
    describe_lipschitz,
    describe_one_sided,
    kind_from_lipschitz,
    lipschitz_value,
    one_sided_value,
)
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.outward_exponentials import exponential_up
from natrob_theory.numbers.rounding import round_up

ASSUMPTIONS = (
    "the field does not depend on t",
    "whenever the perturbed solve reaches the end time",
    "exact arithmetic: what the solves and the field round is not counted",
)


def adaptive_affine_bound(
    net: NeuralODE,
    y0: Tensor,
    *,
    lipschitz: Bound | float,
    one_sided: Bound | float | None = None,
    norm: Norm = "L2",
    trajectory: Trajectory | None = None,
) -> AffineBound:
    """‖Φ(z_0) − Φ(y_0)‖ ≤ e^{μT}‖ε‖ + E_clean + E_any for every z_0 = y_0 + ε, each solve on its own grid.

    Φ is what the solver returns. No tolerance and no controller enters: steps may be accepted and rejected in any way,
    as long as none that is taken exceeds `max_step_size`. E_clean bounds the clean solve's distance from the exact
    flow, on the grid it took. E_any = C(v(y_0) + K‖ε‖) bounds that of the perturbed one, on any grid. v(y) = ‖f(y)‖.

    Local errors are those of a field that is Lipschitz and no more. Where a field's linear part is known, as for a
    gradient flow of a convex potential in L2, or chains of matrices and activations in L∞, a second bound may be
    smaller (`local_error`).

    Args:
        net: with `max_step_size`; forward in time, without event and jump times, with a field that leaves t aside.
            Afterwards `net.last_solve` is the clean solve.
        y0: (batch, *state).
        lipschitz: K in `norm`, on a convex set that holds both exact flows, all states and all stages.
        one_sided: μ in `norm`, there; the smaller of μ and K is used, K if None.
        norm: "L2", "Linf" or "L1"; a constant that is a `Bound` must be one of this norm.
        trajectory: `net.trajectory(y0)` if that is at hand; None solves.

    Returns:
        An upper bound, one number per sample, rounded outward; an estimate where K or μ is one.

    Raises:
        TypeError: `net` is no Neural ODE, or as for states and constants.
        ValueError: naming what `net` lacks, a constant of another norm, μ < −K, a trajectory of another input, a field
            that looks at t, a tableau with negative nodes.
        IntegrationError: a sample of the clean solve did not reach the end.

    Source: theory, section 8.
    Proof: proofs/coq/adaptive_affine_bound.v (runge_kutta_affine_bound), proofs/coq/exact_flow.v,
        proofs/coq/exact_flow_in_any_norm.v.
    """
    require_affine_bound_known(net)
    require_state("y0", y0)
    _require_norm(norm, lipschitz, one_sided)
    constants, kind = flow_constants(net, y0, lipschitz, one_sided, norm)
    solve = recorded_solve(net, y0, norm=norm, trajectory=trajectory)
    used = (describe_lipschitz(lipschitz), *(() if one_sided is None else (describe_one_sided(one_sided),)))
    units = decoupled_units_of(net.field) if norm == "L2" else None
    bound = affine_bound_from(net, solve, constants, kind=kind, norm=norm, units=units)
    return replace(bound, assumptions=(*used, *ASSUMPTIONS))


def flow_constants(
    net: NeuralODE, y0: Tensor, lipschitz: Bound | float, one_sided: Bound | float | None, norm: Norm
) -> tuple[FlowConstants, BoundKind]:
    """The constants as tensors, with the field's linear part where it is known, and the kind of a bound from them."""
    if one_sided is not None:
        one_sided_per_step(one_sided, [(lipschitz,)], norm=norm)
    constant = lipschitz_value(lipschitz, norm=norm)
    mu = constant if one_sided is None else min(constant, one_sided_value(one_sided, norm=norm))
    sources = [lipschitz] if one_sided is None or mu == constant else [lipschitz, one_sided]
    kind: BoundKind = "estimate" if "estimate" in map(kind_from_lipschitz, sources) else "upper"
    affine = affine_part_in(norm, net.field, tuple(y0.shape[1:]))
    numbers = (torch.tensor(value, dtype=torch.float64, device=y0.device) for value in (constant, max(mu, -constant)))
    return FlowConstants(lipschitz=next(numbers), one_sided=next(numbers), affine=affine), kind


def affine_bound_from(
    net: NeuralODE,
    solve: RecordedSolve,
    constants: FlowConstants,
    *,
    kind: BoundKind,
    norm: Norm,
    units: DecoupledUnits | None = None,
) -> AffineBound:
    """The bound from a recorded solve and constants of its field.

    Args:
        net: with `max_step_size`.
        solve: the clean one, with speeds in `norm`.
        constants: in `norm`; one number for all, or one per sample.
        kind: of the constants.
        norm: of all distances.
        units: those of a dense gradient flow of ReLUs, in L2; the smaller of both errors is taken.

    Source: theory, section 8.
    Proof: proofs/coq/adaptive_affine_bound.v (adaptive_affine_bound); with `units` proofs/symbolic/decoupled_units.py.
    """
    assert net.max_step_size is not None
    duration = net.end_time - net.start_time
    coefficient = any_flow_error(net.tableau, net.max_step_size, duration, constants)
    clean = recorded_flow_error(net.tableau, solve.times, solve.speeds[:-1], constants)
    any_error = any_flow_error_of_perturbed(coefficient, solve.speeds[0], constants.lipschitz, kind=kind, norm=norm)
    if units is not None:
        clean, any_error = _smaller_errors(net, solve, units, clean, any_error)
    flow = exponential_up(constants.one_sided * duration).expand_as(clean)
    return AffineBound(
        slope=round_up(flow + any_error.slope, 1),
        constant=round_up(clean + any_error.constant, 1),
        kind=kind,
        norm=norm,
        source=f"e^{{μT}}‖ε‖ + E_clean + E_any, steps of {net.tableau.name} of at most {net.max_step_size:g}",
        flow_growth=flow,
        clean_error=clean,
        any_error=any_error,
    )


def _smaller_errors(
    net: NeuralODE, solve: RecordedSolve, units: DecoupledUnits, clean: Tensor, any_error: AffineBound
) -> tuple[Tensor, AffineBound]:
    """E_clean and E_any, each as it is or by the theorem on decoupled units, whichever is smaller for ‖ε‖ → 0."""
    assert net.max_step_size is not None
    duration = net.end_time - net.start_time
    found = decoupled_flow_error(
        net.tableau,
        net.max_step_size,
        duration,
        units,
        speed=solve.speeds[0],
        active=activity(units, solve.states[0]),
        kind=any_error.kind,
    )
    if found is None:
        return clean, any_error
    constant, slope = torch.as_tensor(found.constant), torch.as_tensor(found.slope)
    # A smaller slope is a slower recursion, which `solve_rounding` with its own covers.
    better = (constant < torch.as_tensor(any_error.constant)) & (slope <= torch.as_tensor(any_error.slope))
    smaller = replace(
        any_error,
        constant=torch.where(better, constant, any_error.constant),
        slope=torch.where(better, slope, any_error.slope),
    )
    return torch.where(better, torch.minimum(clean, constant), clean), smaller


def _require_norm(norm: Norm, *constants: Bound | float | None) -> None:
    """Raise ValueError for a constant that says it is one of another norm."""
    for constant in constants:
        if isinstance(constant, Bound) and constant.norm != norm:
            raise ValueError(f"constants must be of the norm {norm}, got a Bound of norm {constant.norm}")
