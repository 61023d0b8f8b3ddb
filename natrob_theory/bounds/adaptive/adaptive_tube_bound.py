"""The affine bound of an adaptive solve with the field's constants on a tube around the clean one.

D(t) bounds the distance of every perturbed solve, on whatever grid, from the exact flow y(t) of y_0. It is built
forward, from one recorded time t_j to the next.

* With the constants on all states D can grow to D⁺ on [t_j, t_{j+1}] and not beyond. So every perturbed state of that
  time, the flow from it over a step and its stages lie within r_j = gD⁺ + E + sag + what stages miss of the hull of the
  recorded states from t_j to t_{j+1} + H.
* On that set the field has a linear part A_j and a remainder K_ρ,j, and a step of size h from it errs by at most
  λ_j h‖f(ẑ)‖ e^{μh}, ‖f(ẑ)‖ ≤ e^{μ(s − t_j)}w_j + K_j D.
* A step that ends in [t_j, t_{j+1}] began at most H earlier, on a grid that is not known. So there
  D′ = μD + a + bD, with a the largest λ_i e^{μ(t − t_i)}w_i and b the largest λ_i K_i of the intervals within reach.

Where the constants on all states have μ > 0, μ_j = max(0, λ_max of A_j's symmetric part + K_ρ,j) takes its place.
The slope is that of ‖ε‖, the rest the constant; both hold for ‖ε‖ up to `reach`, for which the tube was built.

Proof: proofs/symbolic/adaptive_tube.py.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.bounds.adaptive.adaptive_affine_bound import ASSUMPTIONS, affine_bound_from, flow_constants
from natrob_theory.bounds.adaptive.clean_path import SLACK, CleanPath, clean_path, constants_on, step_reach
from natrob_theory.bounds.adaptive.decoupled_units import decoupled_units_of
from natrob_theory.bounds.adaptive.field_on_sets import FieldOnSets
from natrob_theory.bounds.adaptive.local_error import FlowConstants, error_rate, local_error
from natrob_theory.bounds.adaptive.recorded_solve import RecordedSolve, recorded_solve
from natrob_theory.bounds.adaptive.solve_requirements import require_affine_bound_known
from natrob_theory.bounds.adaptive.step_rounding import step_rounding
from natrob_theory.layers.remembered import remembered
from natrob_theory.networks import NeuralODE, Trajectory
from natrob_theory.numbers.affine_bound import AffineBound
from natrob_theory.numbers.argument_checks import require_state
from natrob_theory.numbers.bound import Bound
from natrob_theory.numbers.norms import per_sample_l2
from natrob_theory.numbers.outward_exponentials import exponential_quotient_up, exponential_up, fraction_up
from natrob_theory.numbers.rounding import round_up


class SolvesRounding(NamedTuple):
    """Bounds what rounding adds to the distances from the exact flow: of the clean solve, of the perturbed one."""

    clean: Float[Tensor, " batch"]
    perturbed: Float[Tensor, " batch"]


def adaptive_tube_bound(
    net: NeuralODE,
    y0: Tensor,
    *,
    lipschitz: Bound | float,
    one_sided: Bound | float | None = None,
    reach: Float[Tensor, " batch"],
    rounding: SolvesRounding | None = None,
    trajectory: Trajectory | None = None,
) -> AffineBound:
    """‖Φ(z_0) − Φ(y_0)‖₂ ≤ slope·‖ε‖ + constant for every z_0 = y_0 + ε with ‖ε‖ ≤ `reach`, each on its own grid.

    The smaller at `reach` of two bounds: `adaptive_affine_bound`, and that with the field's linear part and remainder
    along the tube of solves that start so near. Smooth fields, and rectifiers that cannot switch, hardly have a
    remainder there, and steps keep the method's order.

    Args:
        net, y0, lipschitz, one_sided, trajectory: as for `adaptive_affine_bound`, constants in L2.
        reach: of each sample; no perturbation is larger.
        rounding: of both solves, from above (`solve_rounding`). The tube holds the states as they are computed then.
            None: exact arithmetic.

    Returns:
        An upper bound, one number per sample, rounded outward; what rounds is not in it.

    Raises:
        LayerRefusedError: the field has a layer with neither a matrix nor known slopes.
        TypeError, ValueError, IntegrationError: as for `adaptive_affine_bound`; `reach` that is no number of at
            least 0 for each sample.

    Source: theory, section 8, "affine part and remainder" on a tube.
    Proof: proofs/symbolic/adaptive_tube.py.
    """
    require_affine_bound_known(net)
    require_state("y0", y0)
    if reach.shape != y0.shape[:1] or not bool((reach >= 0).all()):
        raise ValueError(f"`reach` must be one number of at least 0 a sample, got {reach}")
    constants, kind = flow_constants(net, y0, lipschitz, one_sided, "L2")
    solve = recorded_solve(net, y0, trajectory=trajectory)
    everywhere = affine_bound_from(net, solve, constants, kind=kind, norm="L2", units=decoupled_units_of(net.field))
    shape = tuple(y0.shape[1:])
    sets = remembered(net.field, shape, lambda: FieldOnSets(net.field, shape), what="on sets")
    zero = torch.zeros(len(y0), dtype=torch.float64, device=y0.device)
    rounded = SolvesRounding(zero, zero) if rounding is None else rounding
    path = clean_path(
        net.tableau,
        solve,
        sets,
        constants,
        rounding=rounded.clean,
        evaluation=_evaluation_errors(net, solve, constants),
    )
    tube = _Tube(net, path, sets, constants, reach.double(), rounded.perturbed)
    return _smaller_at(reach, replace(tube.bound(), kind=kind), everywhere)


def _evaluation_errors(net: NeuralODE, solve: RecordedSolve, constants: FlowConstants) -> Tensor:
    """Bounds what the field's evaluation may miss at each recorded state."""
    assert net.max_step_size is not None
    states = solve.states
    rounded = step_rounding(
        net.tableau, net.field, largest_step=net.max_step_size, lipschitz=constants.lipschitz,
        input_shape=tuple(states.shape[2:]), dtype=states.dtype,
    )  # fmt: skip
    sizes = per_sample_l2(states.flatten(0, 1)).view(states.shape[:2])
    return round_up(rounded.field_slope * sizes + rounded.field_constant, states[0, 0].numel() + 10)


def _smaller_at(reach: Tensor, tube: AffineBound, everywhere: AffineBound) -> AffineBound:
    """Sample by sample the bound that is smaller for perturbations of norm `reach`."""
    better = torch.as_tensor(tube.at(reach).value) < torch.as_tensor(everywhere.at(reach).value)
    assert tube.any_error is not None
    assert everywhere.any_error is not None

    def chosen(name: str, first: AffineBound, second: AffineBound) -> Tensor:
        return torch.where(better, torch.as_tensor(getattr(first, name)), torch.as_tensor(getattr(second, name)))

    parts = {name: chosen(name, tube, everywhere) for name in ("slope", "constant", "flow_growth", "clean_error")}
    any_error = {name: chosen(name, tube.any_error, everywhere.any_error) for name in ("slope", "constant")}
    return replace(
        everywhere,
        **parts,
        any_error=replace(everywhere.any_error, **any_error),
        assumptions=("perturbations of at most `reach`", *ASSUMPTIONS),
        source=f"{everywhere.source}, with the field's linear part and remainder on a tube where that is smaller",
    )


class _Charge(NamedTuple):
    """The errors of steps that begin in an interval: until when they count, λ_i e^{μ(t − t_i)}w_i and λ_i K_i."""

    until: Tensor
    constant: Tensor
    slope: Tensor


@dataclass(frozen=True, kw_only=True)
class _Reached:
    """D = slope·‖ε‖ + constant at a recorded time, the flow's own growth, and the clean solve's error."""

    slope: Tensor
    constant: Tensor
    flow: Tensor
    clean: Tensor


@final
class _Tube:
    """The recursion of D from t_0 to T."""

    def __init__(
        self,
        net: NeuralODE,
        path: CleanPath,
        sets: FieldOnSets,
        constants: FlowConstants,
        reach: Tensor,
        rounding: Tensor,
    ) -> None:
        assert net.max_step_size is not None
        self._tableau, self._cap = net.tableau, net.max_step_size
        self._path, self._sets, self._everywhere = path, sets, constants
        self._reach, self._rounding = reach, rounding
        self._expands = bool((constants.one_sided > 0).any())
        self._largest_rate = self._rate(constants)

    def bound(self) -> AffineBound:
        """The bound at T, of kind "upper"."""
        zero, one = torch.zeros_like(self._reach), torch.ones_like(self._reach)
        reached = _Reached(slope=one, constant=zero, flow=one, clean=zero)
        charges: list[_Charge] = []
        for step in range(len(self._path.sizes)):
            reached, charges = self._advance(step, reached, charges)
        beyond = (reached.slope - reached.flow).clamp_min(0.0)
        any_error = AffineBound(
            slope=round_up(beyond, 1), constant=reached.constant, kind="upper", source="D(T) on a tube"
        )
        return AffineBound(
            slope=reached.slope,
            constant=round_up(reached.constant + reached.clean, 1),
            kind="upper",
            flow_growth=reached.flow,
            clean_error=reached.clean,
            any_error=any_error,
        )

    def _advance(self, step: int, reached: _Reached, charges: list[_Charge]) -> tuple[_Reached, list[_Charge]]:
        """D at t_{j+1}, and the charges as they are there."""
        path, known = self._path, self._everywhere
        size = path.sizes[step]
        earlier = self._earlier(path.times[step] - self._cap * SLACK, charges)
        own = self._charge(step, self._largest_rate, known.lipschitz)
        forward = replace(known, one_sided=known.one_sided.clamp_min(0.0))
        far = self._grown(reached, size, forward.one_sided, earlier, own)
        distance = round_up(far.slope * self._reach + far.constant + self._rounding, 3)
        local = self._constants_near(step, distance)
        own = self._charge(step, torch.minimum(self._rate(local), self._largest_rate), local.lipschitz)
        after = self._grown(reached, size, local.one_sided, earlier, own)
        growth = exponential_up(local.one_sided * size)
        after = replace(after, clean=round_up(after.clean + path.own[step], 1))
        moves = size > 0
        after = _Reached(
            **{name: torch.where(moves, getattr(after, name), value) for name, value in vars(reached).items()}
        )
        kept = [
            _Charge(each.until, torch.where(moves, round_up(each.constant * growth, 1), each.constant), each.slope)
            for each in [*charges, own]
        ]
        return after, kept

    def _constants_near(self, step: int, distance: Tensor) -> FlowConstants:
        """The constants where perturbed steps that begin in this interval go, for states so far from the flow."""
        path, known = self._path, self._everywhere
        ahead = path.ahead(step, self._cap)
        left = path.left(step, self._cap)
        latest = fraction_up(self._tableau.local_error_constants().reach)
        up = known.one_sided.clamp_min(0.0)
        speed = exponential_up(up * path.sizes[step]) * path.speeds[step] + known.lipschitz * distance
        spread = exponential_up(up * latest * left) * distance
        stages = step_reach(self._tableau, left, round_up(speed, 3), known)
        radius = round_up(spread + ahead.error + ahead.sag + stages, 6)
        parts = self._sets.on(ahead.hull, radius, one_sided=self._expands)
        mu = known.one_sided
        if self._expands:
            mu = torch.minimum(parts.one_sided.clamp_min(0.0), mu)
        return constants_on(known, parts.linear, parts.remainder, mu)

    def _rate(self, constants: FlowConstants) -> Tensor:
        """λ with e^{−∫μ}ℓ(h) ≤ λh for every step of at most H, where μ is not negative or the same everywhere."""
        if not self._expands:
            return error_rate(self._tableau, self._cap, constants)
        step = torch.tensor(self._cap, dtype=torch.float64, device=self._reach.device)
        return round_up(local_error(self._tableau, step, constants) / step, 1)

    def _charge(self, step: int, rate: Tensor, lipschitz: Tensor) -> _Charge:
        path = self._path
        moves = path.sizes[step] > 0
        constant, slope = (
            torch.where(moves, round_up(rate * value, 1), 0.0) for value in (path.speeds[step], lipschitz)
        )
        return _Charge(path.times[step + 1], constant, slope)

    def _earlier(self, since: Tensor, charges: list[_Charge]) -> tuple[Tensor, Tensor]:
        """The largest charges of intervals that end at this time or later."""
        constant, slope = torch.zeros_like(self._reach), torch.zeros_like(self._reach)
        for each in charges:
            counts = each.until >= since
            constant = torch.where(counts, torch.maximum(constant, each.constant), constant)
            slope = torch.where(counts, torch.maximum(slope, each.slope), slope)
        return constant, slope

    def _grown(
        self, reached: _Reached, size: Tensor, mu: Tensor, earlier: tuple[Tensor, Tensor], own: _Charge
    ) -> _Reached:
        """D after so much time under D′ = μD + a + bD; the clean error grows by μ alone."""
        constant, slope = torch.maximum(earlier[0], own.constant), torch.maximum(earlier[1], own.slope)
        exponent, flow = round_up(slope * size, 1), exponential_up(mu * size)
        grown = flow * exponential_up(exponent)
        added = flow * constant * size * exponential_quotient_up(exponent)
        return _Reached(
            slope=round_up(grown * reached.slope, 2),
            constant=round_up(grown * reached.constant + added, 6),
            flow=round_up(flow * reached.flow, 1),
            clean=round_up(flow * reached.clean, 1),
        )
