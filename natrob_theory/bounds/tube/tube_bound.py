"""The tube of a trajectory (theory, section 5): r_{n+1} = G(h K(B(y_n, r_n))) r_n, stage by stage.

Rounding. The tube lies around the *computed* clean states ŷ_n and holds every solution of the exact map that starts
within `radius` of y_0. One step adds what its own rounding may have moved ŷ_{n+1}: c·u(‖ŷ_n‖ + Σh‖k‖) for its sums,
c = 16 per evaluation k = f(Y), and φu(‖k‖ + K‖Y‖) for every evaluation of the field, as in `check_bound`
(theory, section 7). That is an assumption on the field's own rounding, φ. What softplus drops beyond its threshold is
added to it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.bounds.local.local_bound import BallConstants, ball_constants
from natrob_theory.bounds.local.radii import radii_per_sample
from natrob_theory.bounds.tube.step_balls import FieldError, StepBalls, departure_of
from natrob_theory.fields import evaluate_field
from natrob_theory.layers.statements import Affine
from natrob_theory.networks import AbstractFixedStepNet, AbstractIntegratorNet, StepPlan, StepStructure
from natrob_theory.numbers.argument_checks import require_nonnegative, require_state
from natrob_theory.numbers.bound import Bound
from natrob_theory.numbers.norms import per_sample_l2
from natrob_theory.numbers.rounding import round_up
from natrob_theory.steppers import (
    AbstractArithmetic,
    AbstractExplicitStepper,
    AbstractStepper,
    Coefficient,
    Evaluation,
)
from natrob_theory.steppers.arithmetic import Term, weighted
from natrob_theory.steppers.coupled_growth import spectral_norm_2x2
from natrob_theory.steppers.growth_factors import step_constants

REFINEMENTS = 3
"""How often backward Euler's ball is made smaller with the constant of the ball before."""


@dataclass(frozen=True, kw_only=True)
class Tube:
    """Where solutions can be that start near a clean one, per sample.

    Attributes:
        times: (steps + 1,).
        radii: (steps + 1, batch), float64: every exact solution with ‖z_0 − y_0‖ ≤ radius has
            ‖z_n − ŷ_n‖ ≤ radii[n], ŷ_n the computed clean state. Rounding included.
        constants: (steps, batch): the largest local Lipschitz constant that step n rests on.
        growth: G per sample, kind "upper": any two exact solutions that start within `radius` of y_0 have
            ‖z_N − y_N‖ ≤ G‖z_0 − y_0‖. So G is a local Lipschitz constant of the whole network.
    """

    times: Float[Tensor, " points"]
    radii: Float[Tensor, "points batch"]
    constants: Float[Tensor, "steps batch"]
    growth: Bound


def tube_bound(
    net: AbstractIntegratorNet,
    y0: Tensor,
    radius: float | Tensor,
    *,
    field_error_factor: float | None = None,
    structure: Sequence[StepStructure] | None = None,
) -> Tube:
    """The tube around the clean trajectory from y_0, with the field's constants on the balls along it.

    For a method with stages each stage has a ball of its own: a perturbed stage departs from the clean one by at most
    r + h Σ|a_ij| K_j ρ_j, ρ_j the radius of stage j. Backward Euler needs hK < 1 for the constant K on all states; its
    ball is then made smaller with the constants of the balls found. RevNet's halves have balls of their own, and the
    growth is the norm of the product of the coupling matrices.

    Args:
        net: a network with a fixed grid and fields that `local_lipschitz_upper_bound` can bound.
        y0: (batch, *state).
        radius: at least 0, one number or one per sample.
        field_error_factor: φ; None takes d^1.5 for d state entries, as `check_bound` does.
        structure: what is known of every step on all states (`natrob_theory.step_structures`). Each step then takes the
            smallest of its factors: from its stages, on all states, and those of the method's `growth_factors` with K
            on the ball. The growth is then never above the product of the factors on all states.

    Raises:
        TypeError: an adaptive network, for which a perturbed solution has another grid; a method that is neither
            explicit nor backward Euler.
        LayerRefusedError: a field that cannot be bounded.
        ValueError: a negative radius, hK ≥ 1 for backward Euler without structure, not one `structure` per step,
            or as for the network.
        OverflowError: a clean state is not finite.

    Source: theory, sections 1, 5 and 7.
    Proof: proofs/coq/tube.v, proofs/symbolic/trajectory_tube.py.
    """
    if not isinstance(net, AbstractFixedStepNet):
        raise TypeError(
            f"`net` must be a network with a fixed grid, got {type(net).__name__}: an adaptive solver may choose "
            f"another grid for a perturbed input, and then no tube of this form holds it"
        )
    y0 = require_state("y0", y0).detach()
    radii = radii_per_sample(radius, y0)
    factor = float(y0[0].numel()) ** 1.5 if field_error_factor is None else field_error_factor
    known = [StepStructure(math.inf)] * len(net.plan()) if structure is None else list(structure)
    if len(known) != len(net.plan()):
        raise ValueError(f"`structure` must hold one entry per step, {len(net.plan())}, got {len(known)}")
    run = _CleanRun(net, y0, radii, require_nonnegative("field_error_factor", factor), known)
    tube = _rows(run) if net.stepper.couplings == 1 else _coupled_rows(run)
    return Tube(
        times=run.times,
        radii=torch.stack([radii, *tube.radii]),
        constants=torch.stack(tube.constants),
        growth=Bound(
            value=tube.growth,
            kind="upper",
            assumptions=("between two solutions that start in the ball", "exact arithmetic with the stored weights"),
            source=f"theory, section 5: tube of {net.stepper.name}, local constants along the trajectory",
        ),
    )


class _Rows(NamedTuple):
    """Radii and largest constants of every step, and the growth over all of them."""

    radii: list[Tensor]
    constants: list[Tensor]
    growth: Tensor


_Reach: TypeAlias = tuple[Tensor, Tensor]
"""(w, η), see `StepBalls`."""


class _CleanRun:
    """The clean trajectory with its steps, and the local constants of its fields."""

    def __init__(
        self,
        net: AbstractFixedStepNet,
        y0: Tensor,
        radii: Tensor,
        field_error_factor: float,
        structure: list[StepStructure],
    ) -> None:
        with torch.no_grad():
            trajectory = net.trajectory(y0)
        if not bool(torch.isfinite(trajectory.states).all()):
            raise OverflowError("the clean trajectory has NaN or infinite entries; take fewer or smaller steps")
        self.stepper = net.stepper
        self.times, self.states = trajectory.times, trajectory.states
        self.plan: list[StepPlan] = net.plan()
        self.radii = radii
        self.structure = structure
        self._factor = field_error_factor
        self._constants: dict[nn.Module, BallConstants] = {}
        self._departures: dict[nn.Module, Affine] = {}

    def constants_of(self, field: nn.Module, state: Tensor) -> BallConstants:
        """The local constants of a field, prepared once however many steps share it."""
        if field not in self._constants:
            self._constants[field] = ball_constants(field, tuple(state.shape[1:]))
        return self._constants[field]

    def departure_of(self, field: nn.Module, state: Tensor) -> Affine:
        """Finds once what the field's evaluation departs by where nothing rounds."""
        if field not in self._departures:
            self._departures[field] = departure_of(field, tuple(state.shape[1:]))
        return self._departures[field]

    def balls(
        self, n: int, field: nn.Module, evaluations: list[Evaluation], *, drift: Tensor, radius: Tensor
    ) -> StepBalls:
        """The balls of step n for evaluations of one field."""
        return StepBalls(
            self.constants_of(field, evaluations[0].point),
            evaluations,
            step_size=self.plan[n].step_size,
            start=self.states[n],
            entering=torch.stack([torch.ones_like(drift), drift, torch.zeros_like(drift)]),
            radius=radius,
            trace=None if self.stepper.implicit else _explicit(self.stepper).trace,
            field_error=FieldError(self._factor, self.departure_of(field, evaluations[0].point)),
        )


def _explicit(stepper: AbstractStepper[Any]) -> AbstractExplicitStepper[Any]:
    """The stepper, known to be explicit. Raises TypeError where it is not."""
    if isinstance(stepper, AbstractExplicitStepper):
        return stepper
    raise TypeError(f"no tube bound is known for {stepper.name}; write its step as an AbstractExplicitStepper")


def _rows(run: _CleanRun) -> _Rows:
    """r and η step by step: ‖z_n − ŷ_n‖ ≤ growth_n·radius + η_n."""
    growth, drift = torch.ones_like(run.radii), torch.zeros_like(run.radii)
    radii, constants = [], []
    step_reach: Callable[..., tuple[_Reach, Tensor]] = (
        _backward_euler_reach if run.stepper.implicit else _explicit_reach
    )
    for n in range(len(run.plan)):
        (factor, drift), largest = step_reach(run, n, drift, round_up(growth * run.radii, 2))
        growth = round_up(growth * factor, 2)
        radii.append(round_up(growth * run.radii + drift, 4))
        constants.append(largest)
    return _Rows(radii, constants, growth)


def _explicit_reach(run: _CleanRun, n: int, drift: Tensor, radius: Tensor) -> tuple[_Reach, Tensor]:
    """(w, η) of y_{n+1}, and the largest constant.

    With a smaller factor G from structure, a computed state of error η is followed by one of error Gη + λ, λ what the
    step itself rounded.
    """
    field, time, step_size, _ = run.plan[n]
    with torch.no_grad():
        _, evaluations = run.stepper.step_with_evaluations(field, time, run.states[n], step_size)
    balls = run.balls(n, field, evaluations, drift=drift, radius=radius)
    factor, reach, own = _explicit(run.stepper).advance(balls, balls.base)
    known = _structural_factor(run, n, balls.largest_constant)
    reach = torch.minimum(reach, round_up(known * drift + own, 4))
    return (torch.minimum(factor, known), reach), balls.largest_constant


def _structural_factor(run: _CleanRun, n: int, constant: Tensor) -> Tensor:
    """The step's smallest factor from structure, with K on the ball; ∞ where nothing is known."""
    known, step_size = run.structure[n], run.plan[n].step_size
    constants = step_constants([step_size], round_up(step_size * constant, 1)[None], [known.field])
    factor = torch.full_like(constant, known.factor)
    for candidate in run.stepper.growth_factors:
        if candidate.applies_to(constants):
            factor = torch.minimum(factor, candidate.growth(constants)[0])
    return factor


def _backward_euler_reach(run: _CleanRun, n: int, drift: Tensor, radius: Tensor) -> tuple[_Reach, Tensor]:
    """‖z_{n+1} − ŷ_{n+1}‖ ≤ (‖z_n − ŷ_n‖ + ‖residual‖)/(1 − hK), K first of all states, then of the ball this gives."""
    field, time, step_size, _ = run.plan[n]
    root = run.states[n + 1]
    with torch.no_grad():
        evaluation = Evaluation(root, evaluate_field(field, time + step_size, root))
    residual = per_sample_l2(root.double() - run.states[n].double() - step_size * evaluation.value.double())
    everywhere = run.constants_of(field, root).everywhere
    known = run.structure[n].factor
    if known == math.inf:
        run.stepper.require_bound_exists(step_size, everywhere)
    balls = run.balls(n, field, [evaluation], drift=drift, radius=radius)
    constant = torch.full_like(drift, everywhere)
    error = step_size * balls.field_error(evaluation, constant) + balls.rounding[1] + residual

    def reach() -> Tensor:
        factor = run.stepper.growth(round_up(step_size * constant, 1)).clamp_max(known)
        return round_up(torch.stack([factor, factor * (drift + error)]), 8)

    for _ in range(REFINEMENTS):
        constant, _ = balls.measure(evaluation, reach())
    factor, drift = reach()
    return (factor, drift), constant


def _coupled_rows(run: _CleanRun) -> _Rows:
    """Two halves: the rows of the product M_n ⋯ M_1 bound them, its norm bounds both together."""
    one, zero = torch.ones_like(run.radii), torch.zeros_like(run.radii)
    halves: list[Tensor] = [torch.stack([one, zero, zero]), torch.stack([zero, one, zero])]
    radii, constants = [], []
    growth = one
    for n in range(len(run.plan)):
        balls = _CoupledBalls(run, n)
        halves = _explicit(run.stepper).advance_parts(balls, halves)
        growth = round_up(spectral_norm_2x2(*halves[0][:2], *halves[1][:2]), 16)
        radii.append(round_up(growth * run.radii + torch.hypot(halves[0][2], halves[1][2]), 8))
        constants.append(balls.largest_constant)
    return _Rows(radii, constants, growth)


@final
class _CoupledBalls(AbstractArithmetic[Tensor]):
    """The reaches of the halves of a coupled step, (3, batch) each: a row of M_n ⋯ M_1, and η as in `StepBalls`."""

    def __init__(self, run: _CleanRun, n: int) -> None:
        field, time, self._step_size, _ = run.plan[n]
        with torch.no_grad():
            _, evaluations = run.stepper.step_with_evaluations(field, time, run.states[n], self._step_size)
        zero = torch.zeros_like(run.radii)
        self._balls = [
            run.balls(n, part, evaluations, drift=zero, radius=run.radii) for part in run.stepper.fields_of(field)
        ]
        self._waiting = list(evaluations)
        self.largest_constant = zero

    def slope(self, node: Coefficient, point: Tensor, *, part: int = 0) -> Tensor:
        """hK times the row, and what the evaluation may err by."""
        balls = self._balls[part]
        reach = torch.stack([round_up(torch.linalg.vector_norm(point[:2], dim=0), 4), point[2]])
        constant, error = balls.measure(self._waiting.pop(0), reach)
        self.largest_constant = torch.maximum(self.largest_constant, constant)
        moved = self._step_size * (constant * point[2] + error) + balls.rounding[1]
        return torch.cat([self._step_size * constant * point[:2], moved[None]])

    def mix(self, base: Tensor | None, *terms: Term[Tensor]) -> Tensor:
        """The sum with absolute weights."""
        shares = [value if weight is None else abs(weight.number) * value for weight, value in weighted(terms)]
        total = sum(shares, torch.zeros_like(self._balls[0].base) if base is None else base)
        # two roundings led to a slope's row, four to its drift; a product and its weight round, and so does each sum
        sums = len(terms) + 2 * any(isinstance(term, tuple) for term in terms)
        return torch.cat([round_up(total[:2], 2 + sums), round_up(total[2:], 4 + sums)])
