"""Is the bound kept? Measured divergence against the growth bound, with rounding accounted for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from natrob_theory.bounds.network_growth import structure_of
from natrob_theory.checks.ball_comparison import compare_in_balls
from natrob_theory.checks.own_grids import compare_on_own_grids
from natrob_theory.checks.trajectories import PairRun, run_pair
from natrob_theory.networks import AbstractIntegratorNet, LipschitzConstants, NeuralODE, OneSidedConstants
from natrob_theory.networks.abstract_net import (
    constants_per_step,
    kind_of_constants,
    one_sided_fields,
    require_forward_in_time,
    step_growth,
    step_sizes,
)
from natrob_theory.networks.one_sided_growth import StepGrowth
from natrob_theory.numbers.argument_checks import require_choice, require_nonnegative
from natrob_theory.numbers.bound import Bound, BoundKind
from natrob_theory.numbers.norms import per_sample_l2
from natrob_theory.numbers.rounding import unit_roundoff
from natrob_theory.steppers import Evaluation
from natrob_theory.steppers.growth_factors import FieldConstants

Arithmetic: TypeAlias = Literal["float", "ball"]
Grids: TypeAlias = Literal["common", "own"]

ROUNDING_SAFETY = 16.0
"""c of theory, section 7, per field evaluation of a step."""


@dataclass(frozen=True, kw_only=True)
class BoundCheck:
    """Measured distance against its bound, per step and sample; row 0 is the start, where both are ‖ε‖.

    Attributes:
        times: of the common grid, (steps + 1,), or (steps + 1, batch) where every pair has a grid of its own.
        holds: distance ≤ bound + allowance, (steps + 1, batch); in ball arithmetic distance ≤ bound, proved.
        undecided: neither proved nor refuted: in ball arithmetic the balls of a tight case overlap, in floating point
            the allowance overflows.
        ratio: distance/bound, 0 where both are 0.
        bound: growth(0 … n)·‖z_0 − y_0‖.
        distance: ‖z_n − y_n‖₂ as computed.
        allowance: what rounding, and for backward Euler the residuals of the inexact solves, may have added.
        kind: "upper" if the constants were upper bounds, or the pair's own secant constants; "estimate" otherwise,
            and then a violation refutes the constant, not the theorem.
        rounding: how rounding was treated, in words.
        of_pairs_only: whether the constants are each pair's own secant constants. The bound is then a theorem for these
            very pairs, holds for every field, one without a Lipschitz constant too, and bounds no other pair.
    """

    times: Float[Tensor, "points *grid"]
    holds: Bool[Tensor, "points batch"]
    undecided: Bool[Tensor, "points batch"]
    ratio: Float[Tensor, "points batch"]
    bound: Float[Tensor, "points batch"]
    distance: Float[Tensor, "points batch"]
    allowance: Float[Tensor, "points batch"]
    kind: BoundKind
    rounding: str
    of_pairs_only: bool = False

    @property
    def all_hold(self) -> bool:
        """Whether the bound was kept at every step by every sample."""
        return bool(self.holds.all())

    @property
    def violated(self) -> Bool[Tensor, "points batch"]:
        """Where the bound was exceeded, in ball arithmetic provably so."""
        return ~self.holds & ~self.undecided

    @property
    def resolved(self) -> Bool[Tensor, "points batch"]:
        """Where the allowance is at most 1 % of the bound, so that the ratio measures the method, not rounding."""
        return self.allowance <= 0.01 * self.bound

    @property
    def worst_ratio(self) -> float:
        """The largest distance/bound over the resolved comparisons after the start: 1 is a tight case.

        0 if rounding resolves none of them; violations are told by `holds`, resolved or not.
        """
        return float(torch.where(self.resolved, self.ratio, torch.zeros_like(self.ratio))[1:].max())


def check_bound(
    net: AbstractIntegratorNet,
    y0: Tensor,
    perturbation: Tensor,
    *,
    lipschitz: LipschitzConstants | None = None,
    one_sided: OneSidedConstants | None = None,
    field_error_factor: float | None = None,
    arithmetic: Arithmetic = "float",
    grids: Grids = "common",
) -> BoundCheck:
    """Run a clean and a perturbed solution and compare ‖z_n − y_n‖ with Π G(h_i K_i)·‖z_0 − y_0‖ at every step.

    Args:
        net: any network of this library.
        y0: (batch, *state), floating point. In float32 the allowance is large; float64 says more.
        perturbation: ε, of the same shape and dtype.
        lipschitz: K, see `LipschitzConstants`. None takes, per step and sample, the largest secant constant at
            the points where the step evaluates the field: then the bound is a theorem for this very pair, which says
            nothing of K (`BoundCheck.of_pairs_only`).
        one_sided: μ, an upper bound for all steps or one per step; each step and sample then takes the smaller of
            its factors from K and from (μ, K). A `Bound` that is not an upper one makes the check an estimate where
            it is used; a method without a formula from (μ, K) leaves it aside.
        field_error_factor: φ such that one evaluation of the field errs by at most φu(‖f(y)‖ + K‖y‖), u the unit
            roundoff. None takes d^1.5 for d state entries, the worst case of one dense layer
            (Higham, *Accuracy and Stability of Numerical Algorithms*, (3.12)). A field whose intermediate values are
            far larger than y and f(y) (large biases that cancel) rounds by more: give its factor, or a "violation"
            may be rounding. Only for "float".
        arithmetic: "float" runs the network as it is, with an allowance for rounding. "ball" encloses both sides in
            Arb balls, and then `holds` is a proof for this instance: see `compare_in_balls`. That needs
            python-flint (`pip install 'natrob[certified]'`), flat states and fields with a rule in `ball_field`.
        grids: "common" takes both solutions over the clean one's steps. "own" is for a Neural ODE with
            `max_step_size`: each solution on the grid that it chooses, against the affine bound
            (`adaptive_affine_bound`). The rows are then the start and the end; K is one number, and must be given.

    Returns:
        The comparison. The allowance is A_{n+1} = G_n A_n + δ_n with
        δ_n = a_n(c·u·(‖y_n‖ + ‖z_n‖ + Σ h‖k‖) + φu·Σ h(‖k‖ + K_n‖Y‖)) + G_n(‖r_y‖ + ‖r_z‖), sums over the step's
        evaluations k = f(Y) of both solutions, c = 16 per evaluation, a_n = max(1, (G_n − 1)/x_n) for what later
        stages make of an error in an earlier one (G_n from K alone; for methods with one evaluation max(1, G_n) is
        another such bound), r the residuals of implicit solves.

    Raises:
        TypeError, ValueError: as for the network and its growth bound; for "ball" also as for `compare_in_balls`, for
            "own" as for `adaptive_affine_bound`.
        ImportError: "ball" without python-flint.

    Source: theory, sections 1 and 7.
    Proof: proofs/coq/one_step_methods.v (growth_along_a_pair); of the allowance proofs/coq/perturbed_recursion.v,
        proofs/symbolic/rounding_allowance.py.
    """
    if arithmetic not in get_args(Arithmetic):
        raise ValueError(f'`arithmetic` must be "float" or "ball", got {arithmetic!r}')
    if require_choice("grids", grids, get_args(Grids)) == "own":
        return _check_on_own_grids(net, y0, perturbation, lipschitz, one_sided, field_error_factor, arithmetic)
    run = run_pair(net, y0, perturbation)
    growth, kind = _growth_of_run(net, run, lipschitz, one_sided)
    if arithmetic == "ball":
        if field_error_factor is not None:
            raise ValueError(f"`field_error_factor` is for arithmetic 'float' only, got {field_error_factor}")
        return _check_in_balls(net, run, lipschitz, one_sided, kind)
    return _check_in_floats(net, run, growth, kind, field_error_factor, of_pairs_only=lipschitz is None)


def _check_on_own_grids(
    net: AbstractIntegratorNet,
    y0: Tensor,
    perturbation: Tensor,
    lipschitz: LipschitzConstants | None,
    one_sided: OneSidedConstants | None,
    field_error_factor: float | None,
    arithmetic: Arithmetic,
) -> BoundCheck:
    """The check of two adaptive solves, each on its own grid: at the start and at the end."""
    if arithmetic != "float":
        raise ValueError(f'`arithmetic` must be "float" with `grids` = "own", got {arithmetic!r}')
    if not isinstance(net, NeuralODE):
        raise TypeError(f'`net` must be a NeuralODE with `grids` = "own", got {type(net).__name__}')
    if lipschitz is None or isinstance(lipschitz, Sequence) or isinstance(one_sided, Sequence):
        raise ValueError(
            f'`lipschitz` and `one_sided` must be one number or Bound each with `grids` = "own", got {lipschitz!r} and '
            f"{one_sided!r}"
        )
    found = compare_on_own_grids(
        net, y0, perturbation, lipschitz=lipschitz, one_sided=one_sided, field_error_factor=field_error_factor
    )
    distance, limit = (torch.stack([found.start, end]) for end in (found.measured, torch.as_tensor(found.bound.value)))
    holds = torch.stack([torch.ones_like(found.holds), found.holds])
    return BoundCheck(
        times=found.times,
        holds=holds,
        undecided=~holds & ~torch.isfinite(found.allowance),
        ratio=torch.stack([torch.where(found.start > 0, 1.0, 0.0).to(found.ratio), found.ratio]),
        bound=limit,
        distance=distance,
        allowance=torch.stack([torch.zeros_like(found.allowance), found.allowance]),
        kind=found.affine.kind,
        rounding=f"{y0.dtype} with allowance for both solves, c = {ROUNDING_SAFETY:g} per evaluation",
    )


def check_growth_bound(net: AbstractIntegratorNet, y0: Tensor, perturbation: Tensor) -> BoundCheck:
    """Compares as `check_bound` does, with the steps' factors of which `growth_upper_bound` is the product.

    Raises:
        TypeError, ValueError, LayerRefusedError: as for `check_bound` and `growth_upper_bound`.

    Proof: proofs/coq/one_step_methods.v, with the factors of `growth_upper_bound`; of the allowance
    proofs/coq/perturbed_recursion.v.
    """
    run = run_pair(net, y0, perturbation)
    structure = structure_of(net, tuple(y0.shape[1:]))
    constants = constants_per_step(structure.lipschitz, len(run.plan), net.stepper.couplings)
    growth, kind = _shared_growth(net, run, constants, structure.fields)
    return _check_in_floats(net, run, growth, kind, None, of_pairs_only=False)


def _check_in_floats(
    net: AbstractIntegratorNet,
    run: PairRun,
    growth: StepGrowth,
    kind: BoundKind,
    field_error_factor: float | None,
    *,
    of_pairs_only: bool,
) -> BoundCheck:
    """The check with an allowance for rounding."""
    if field_error_factor is None:
        field_error_factor = float(run.clean[0, 0].numel()) ** 1.5
    factor = require_nonnegative("field_error_factor", field_error_factor)
    return compared(
        times=run.times,
        distance=run.distance,
        growth=growth.cumulative(),
        allowance=_allowance(net, run, growth, factor),
        kind=kind,
        rounding=f"{run.clean.dtype} with allowance, c = {ROUNDING_SAFETY:g} per evaluation, field factor {factor:g}",
        of_pairs_only=of_pairs_only,
    )


def compared(
    *,
    times: Float[Tensor, "points *grid"],
    distance: Float[Tensor, "points batch"],
    growth: Float[Tensor, "points batch"],
    allowance: Float[Tensor, "points batch"],
    kind: BoundKind,
    rounding: str,
    of_pairs_only: bool = False,
) -> BoundCheck:
    """The distances against growth·‖z_0 − y_0‖, in floating point: where two solutions start as one the bound is 0.

    Args:
        times, distance, allowance, kind, rounding, of_pairs_only: as in `BoundCheck`.
        growth: from the start to each point, of every sample.

    Proof: proofs/coq/one_step_methods.v (growth_along_a_pair), where `growth` is that of a pair or larger.
    """
    start = distance[0]
    bound = torch.where(start > 0, growth * start, torch.zeros_like(distance))
    safe = torch.where(bound > 0, bound, torch.ones_like(bound))
    ratio = torch.where(bound > 0, distance / safe, torch.where(distance > 0, torch.inf, 0.0).to(bound))
    # An infinite allowance shows nothing: only a distance below the bound itself then counts as kept.
    holds = (distance <= bound) | ((distance <= bound + allowance) & torch.isfinite(allowance))
    return BoundCheck(
        times=times,
        holds=holds,
        undecided=~holds & ~torch.isfinite(allowance),
        ratio=ratio,
        bound=bound,
        distance=distance,
        allowance=allowance,
        kind=kind,
        rounding=rounding,
        of_pairs_only=of_pairs_only,
    )


def _check_in_balls(
    net: AbstractIntegratorNet,
    run: PairRun,
    lipschitz: LipschitzConstants | None,
    one_sided: OneSidedConstants | None,
    kind: BoundKind,
) -> BoundCheck:
    """The check without an allowance: nothing is rounded that is not enclosed."""
    comparison = compare_in_balls(net, run, lipschitz, one_sided)
    return BoundCheck(
        times=run.times,
        holds=comparison.proved,
        undecided=~comparison.proved & ~comparison.refuted,
        ratio=comparison.ratio,
        bound=comparison.bound,
        distance=comparison.distance,
        allowance=torch.zeros_like(comparison.distance),
        kind=kind,
        rounding=f"Arb balls of up to {comparison.bits} bits; `holds` is a proof for this instance",
        of_pairs_only=lipschitz is None,
    )


def _growth_of_run(
    net: AbstractIntegratorNet,
    run: PairRun,
    lipschitz: LipschitzConstants | None,
    one_sided: OneSidedConstants | None,
) -> tuple[StepGrowth, BoundKind]:
    """The growth of every step and sample, and the kind of a bound computed from it."""
    couplings = net.stepper.couplings
    sizes = [abs(step.step_size) for step in run.plan]
    if one_sided is not None:
        require_forward_in_time(step.step_size for step in run.plan)
    if lipschitz is None:
        x = step_sizes(run.plan).to(run.times.device).view(len(sizes), -1) * run.secant_constants()
        fields = one_sided_fields(one_sided, len(sizes))
        growth = StepGrowth(net.stepper, sizes, x[:, None, :].expand(-1, couplings, -1), fields)
        return growth, kind_of_constants(growth.one_sided_in_use)
    constants = constants_per_step(lipschitz, len(run.plan), couplings)
    return _shared_growth(net, run, constants, one_sided_fields(one_sided, constants))


def _shared_growth(
    net: AbstractIntegratorNet,
    run: PairRun,
    constants: Sequence[tuple[Bound | float, ...]],
    fields: Sequence[FieldConstants] | None,
) -> tuple[StepGrowth, BoundKind]:
    """The growth from constants that all samples share, and the kind of a bound computed from it."""
    sizes = [abs(step.step_size) for step in run.plan]
    shared = step_growth(net.stepper, run.plan, constants, fields)
    x = shared.x.to(run.times.device)
    x = (x if x.dim() == 3 else x[:, :, None]).expand(-1, -1, run.clean.shape[1])
    flat = [constant for row in constants for constant in row]
    growth = StepGrowth(net.stepper, sizes, x, shared.fields)
    return growth, kind_of_constants([*flat, *growth.one_sided_in_use])


def _allowance(
    net: AbstractIntegratorNet, run: PairRun, growth: StepGrowth, field_error_factor: float
) -> Float[Tensor, "points batch"]:
    """A_0 = 0, A_{n+1} = G_n A_n + δ_n."""
    x = growth.x
    factors = [growth.of_step(n) for n in range(len(run.plan))]
    added = []
    for n, factor in enumerate(factors):
        amplification = _amplification(net, x[n], factor)
        local = torch.zeros_like(x[0, 0])
        for states, evaluations in ((run.clean, run.clean_evaluations), (run.perturbed, run.perturbed_evaluations)):
            rounding = _local_rounding(run, n, states[n], evaluations[n], x[n].amax(dim=0), field_error_factor)
            local = local + amplification * rounding
            if net.stepper.implicit:
                local = local + factor * _residual(run, n, states, evaluations[n][0])
        added.append(local)
    return accumulated_allowance(factors, added)


def accumulated_allowance(factors: Sequence[Tensor], added: Sequence[Tensor]) -> Float[Tensor, "points batch"]:
    """A_0 = 0, A_{n+1} = G_n A_n + δ_n from the growth factors G_n and the errors δ_n of the steps; ∞ for 0·∞.

    Proof: proofs/coq/perturbed_recursion.v.
    """
    rows = [torch.zeros_like(added[0])]
    for factor, local in zip(factors, added, strict=True):
        rows.append(factor * rows[-1] + local)
    return torch.nan_to_num(torch.stack(rows), nan=torch.inf, posinf=torch.inf)


def _amplification(
    net: AbstractIntegratorNet, x: Float[Tensor, "couplings batch"], factor: Float[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    """How much the rest of a step can enlarge an error in one evaluation: at most max(1, (G(x) − 1)/x).

    For a tableau the factor of stage i is (|b|ᵀ(I − x|A|)⁻¹)_i ≤ (G(x) − 1)/x. The quotient rises with x, so taking it
    at no less than x = 10⁻³ is safe, and keeps the outward rounding of G out of it. The error of a step's only
    evaluation enters with 1 (Euler) or with the step's own factor (backward Euler): `keeps_errors`.
    """
    above_zero = x.clamp_min(1e-3)
    growth = net.stepper.cumulative_growth(above_zero[None])[-1]
    quotient = ((growth - 1.0) / above_zero.amax(dim=0)).clamp_min(1.0)
    return torch.minimum(quotient, factor.clamp_min(1.0)) if net.stepper.keeps_errors else quotient


def _local_rounding(
    run: PairRun, n: int, state: Tensor, evaluations: list[Evaluation], x: Tensor, field_error_factor: float
) -> Tensor:
    """δ_n of one solution without the residual: rounding of the step's sums and of the field."""
    u = unit_roundoff(state.dtype)
    step_size = abs(run.plan[n].step_size)
    safety = ROUNDING_SAFETY * len(evaluations)
    # Below the normal numbers errors are absolute; they reach the step through the field, hence the factor 1 + x.
    underflow = (safety + field_error_factor) * torch.finfo(state.dtype).tiny
    total = safety * u * per_sample_l2(state) + underflow * (1.0 + x)
    for point, value in evaluations:
        slope = step_size * per_sample_l2(value)
        total = total + safety * u * slope + field_error_factor * u * (slope + x * per_sample_l2(point))
    return total


def _residual(run: PairRun, n: int, states: Tensor, evaluation: Evaluation) -> Tensor:
    """‖y_{n+1} − y_n − h f(y_{n+1})‖ of a backward Euler step."""
    return per_sample_l2(
        states[n + 1].double() - states[n].double() - run.plan[n].step_size * evaluation.value.double()
    )
