"""The clean solve as a path: how far its states can be from the exact flow, and how fast that is.

On step j the flow from ŷ_j, its chord and all stages lie within ρ_j of the chord from ŷ_j to ŷ_{j+1}:
ρ_j = ℓ(h)v + Kvgh²(1/8 + max_i [(I − x|𝒜|)⁻¹κ]_i) + (c − 1)hvg, v = ‖f(ŷ_j)‖, g = e^{max(μ,0)ch}, c the latest node.
With the field's linear part and remainder on that set the local error is ℓ_j(h)v, and E_{j+1} = e^{μh}E_j + ℓ_j(h)v.

Proof: proofs/symbolic/adaptive_tube.py, proofs/coq/adaptive_affine_bound.v (error_on_a_known_grid).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from natrob_theory.bounds.adaptive.field_on_sets import FieldOnSets, Hull, SeenPath
from natrob_theory.bounds.adaptive.local_error import AffineRemainder, FlowConstants, local_error
from natrob_theory.bounds.adaptive.outward_series import polynomial_up
from natrob_theory.bounds.adaptive.recorded_solve import RecordedSolve
from natrob_theory.numbers.outward_exponentials import exponential_up, fraction_up
from natrob_theory.numbers.rounding import round_up
from natrob_theory.tableaus import ButcherTableau
from natrob_theory.tableaus.local_error_constants import error_polynomial

SLACK = 1.0 + 1e-9
"""For the rounding of times where it is asked which intervals a step can reach."""


@dataclass(frozen=True, kw_only=True)
class CleanPath:
    """Everything about the clean solve that a tube around it needs; rounded outward.

    Attributes:
        times: t_0, …, t_N as recorded.
        sizes: h_j.
        seen: its states.
        speeds: w_j, at least ‖f‖ of the exact flow of y_0 at t_j.
        own: ℓ_j(h_j)‖f(ŷ_j)‖, the local errors of its own steps.
        errors: E_j with the constants on all states, what rounds included.
        sags: how far the exact flow can be from the chord of step j, beside the errors of its ends.
    """

    times: Float[Tensor, "points batch"]
    sizes: Float[Tensor, "steps batch"]
    seen: SeenPath
    speeds: Float[Tensor, "points batch"]
    own: Float[Tensor, "steps batch"]
    errors: Float[Tensor, "points batch"]
    sags: Float[Tensor, "steps batch"]

    def left(self, step: int, most: float) -> Float[Tensor, " batch"]:
        """The largest step from a time of this interval on: at most so much, and no further than to the end."""
        return torch.minimum(round_up(self.times[-1] - self.times[step], 1), torch.full_like(self.times[0], most))

    def ahead(self, step: int, most: float) -> "Ahead":
        """The path from t_j on, as far as a step of at most so much can go that starts before t_{j+1}."""
        until = self.times[step + 1] + most * SLACK
        begun = self.times[step:-1] < until
        begun[0] = True
        count = int(begun.any(dim=1).sum())
        begun = begun[:count]
        ends = torch.cat([begun[:1], begun])
        errors = self.errors[step : step + count + 1]
        return Ahead(
            hull=self.seen.hull(step, ends),
            error=_most(errors, ends),
            sag=_most(self.sags[step : step + count], begun),
        )


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """A stretch of the path: its states' hull, and by how much the exact flow can leave it.

    Attributes:
        hull: of the states.
        error, sag: the largest E_j, and the largest sag.
    """

    hull: Hull
    error: Float[Tensor, " batch"]
    sag: Float[Tensor, " batch"]


def _most(values: Tensor, chosen: Bool[Tensor, "some batch"]) -> Tensor:
    return torch.where(chosen, values, 0.0).amax(dim=0)


def clean_path(
    tableau: ButcherTableau,
    solve: RecordedSolve,
    sets: FieldOnSets,
    constants: FlowConstants,
    *,
    rounding: Float[Tensor, " batch"],
    evaluation: Float[Tensor, "points batch"],
) -> CleanPath:
    """The path of a recorded solve.

    Args:
        tableau: of the pair, with nodes of at least 0.
        solve: with speeds in L2.
        sets: of the field.
        constants: K and μ in L2, on all states.
        rounding: what the solve's rounding adds to any of its states' distances from the exact flow.
        evaluation: what the field's evaluation may miss at each state.
    """
    sizes = solve.times.diff(dim=0)
    sizes = torch.where(sizes > 0, round_up(sizes, 1), 0.0)
    speeds = round_up(solve.speeds + evaluation, 1)
    seen = sets.seen(solve.states)
    radius = _around_chords(tableau, sizes, speeds[:-1], constants, rounding)
    parts = sets.on(seen.chords(), radius.flatten())
    local = constants_on(constants, parts.linear.view_as(radius), parts.remainder.view_as(radius))
    everywhere = local_error(tableau, sizes, constants)
    own = torch.minimum(local_error(tableau, sizes, local), everywhere) * speeds[:-1]
    own = round_up(torch.where((sizes > 0) & (speeds[:-1] > 0), own, 0.0), 1)
    growth = exponential_up(constants.one_sided * sizes)
    errors = [torch.zeros_like(speeds[0])]
    exact = [speeds[0]]
    for j, (step, grown) in enumerate(zip(own, growth, strict=True)):
        errors.append(torch.where(sizes[j] > 0, round_up(grown * errors[-1] + step, 2), errors[-1]))
        here = speeds[j + 1] + constants.lipschitz * (errors[-1] + rounding)
        exact.append(torch.minimum(round_up(grown * exact[-1], 1), round_up(here, 4)))
    flow_speeds = torch.stack(exact)
    forward = exponential_up(constants.one_sided.clamp_min(0.0) * sizes)
    fastest = torch.maximum(flow_speeds[:-1], speeds[:-1])
    return CleanPath(
        times=solve.times,
        sizes=sizes,
        seen=seen,
        speeds=flow_speeds,
        own=own,
        errors=round_up(torch.stack(errors) + rounding, 1),
        sags=round_up(0.125 * constants.lipschitz * fastest * forward * sizes**2, 6),
    )


def constants_on(
    everywhere: FlowConstants, linear: Tensor, remainder: Tensor, one_sided: Tensor | None = None
) -> FlowConstants:
    """K, μ, ‖A‖ and K_ρ on sets, no larger than on all states."""
    lipschitz = torch.minimum(round_up(linear + remainder, 1), everywhere.lipschitz)
    return FlowConstants(
        lipschitz=lipschitz,
        one_sided=everywhere.one_sided if one_sided is None else one_sided,
        affine=AffineRemainder(linear=linear, remainder=remainder),
    )


def stages_off_the_flow(tableau: ButcherTableau, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """The largest entry of (I − x|𝒜|)⁻¹κ: stages lie within Kvgh² times this of the flow, x = hK.

    Proof: proofs/coq/local_error.v (local_error_of_speed).
    """
    kappas = tableau.local_error_constants().stages
    rows = [
        polynomial_up(error_polynomial(tableau.a, row, kappas, own), x)
        for row, own in zip(tableau.a, kappas, strict=True)
    ]
    return torch.stack(rows).amax(dim=0)


def step_reach(
    tableau: ButcherTableau, sizes: Tensor, speeds: Tensor, constants: FlowConstants
) -> Float[Tensor, "..."]:
    """How far stages can be from the flow of a step, and the flow go on beyond its end: both as one distance."""
    latest = fraction_up(tableau.local_error_constants().reach)
    x = round_up(sizes * constants.lipschitz, 1)
    fastest = speeds * exponential_up(constants.one_sided.clamp_min(0.0) * latest * sizes)
    stages = x * sizes * fastest * stages_off_the_flow(tableau, x)
    return round_up(stages + (latest - 1.0) * sizes * fastest, 8)


def _around_chords(
    tableau: ButcherTableau, sizes: Tensor, speeds: Tensor, constants: FlowConstants, rounding: Tensor
) -> Tensor:
    """ρ_j, and what rounds."""
    fastest = speeds * exponential_up(constants.one_sided.clamp_min(0.0) * sizes)
    sag = 0.125 * constants.lipschitz * fastest * sizes**2
    missed = local_error(tableau, sizes, constants) * speeds
    return round_up(missed + sag + step_reach(tableau, sizes, speeds, constants) + rounding, 10)
