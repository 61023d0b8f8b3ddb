"""Bounds what rounding does to a whole adaptive solve: how far it may end beyond the bound of exact arithmetic.

E_j ≥ ‖ẑ_j − φ_{t_j}(z_0)‖ of the states as computed obeys
E_{j+1} ≤ (e^{μΔ} + Kℓ(Δ)) E_j + ℓ(Δ) e^{μt_j} v(z_0) + δ_j, with δ_j what the step rounds (`step_rounding`). It grows
with ‖ẑ_j‖ ≤ ‖φ_{t_j}(z_0)‖ + E_j and v(ẑ_j) ≤ e^{μt_j}v(z_0) + K E_j. Without δ the recursion is the truncation's,
with the closed form P. What is left, Q = E − P, starts at 0 and is fed by δ_j only:

Q_N ≤ e^{Nγ'} max(1, e^{rT}) (T S + N γ n̄), r = μ + λK + (what δ has of E, per unit time), γ' = γ e^{max(−μ,0)H}.

S is what rounds per unit time and γn̄ what rounds per step, at the largest norm n̄ and speed v̄ on the way. S holds:

* evaluations, coefficients and products by h (`StepRounding`);
* h, which is t_{j+1} − t_j rounded to float64 and to the state's dtype, within ηΔ: the flow moves by ηΔv, and the
  local error ℓ changes by less than `ELASTICITY`·η of itself;
* speeds as computed in place of ‖f‖: λ times the field's own error.
"""

import math
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from natrob_theory.bounds.adaptive.local_error import FlowConstants, error_rate
from natrob_theory.bounds.adaptive.step_rounding import StepRounding, step_rounding
from natrob_theory.layers.affine import RELATIVE
from natrob_theory.layers.statements import Shape
from natrob_theory.networks import NeuralODE
from natrob_theory.numbers.affine_bound import AffineBound
from natrob_theory.numbers.argument_checks import require_choice
from natrob_theory.numbers.norms import NORMS, Norm
from natrob_theory.numbers.outward_exponentials import exponential_quotient_up, exponential_up
from natrob_theory.numbers.rounding import unit_roundoff

ELASTICITY = 64.0
"""More than h ℓ'(h)/ℓ(h) ever is, with room for a second order, but for what grows with hK."""


def rounding_allowance(  # noqa: PLR0913 - each is a number that the bound is made of
    net: NeuralODE,
    *,
    state_norm: Float[Tensor, " batch"],
    distance: Float[Tensor, " batch"] | float,
    speed: Float[Tensor, " batch"],
    lipschitz: Float[Tensor, "*batch"] | float,
    one_sided: Float[Tensor, "*batch"] | float,
    input_shape: Shape,
    dtype: torch.dtype,
    steps: int | Int[Tensor, " batch"] | None = None,
) -> Float[Tensor, " batch"]:
    """Bounds what rounding adds to the distance of ONE computed solve from the exact flow, from any z_0 near y_0.

    Add it once for the clean solve (`distance` = 0, `steps` = accepted steps on record) and once for the perturbed one.
    It grows with `distance`, affinely: `solve_rounding` has slope and constant.

    Args:
        net: with `max_step_size`.
        state_norm: ‖y_0‖₂, from above.
        distance: ‖z_0 − y_0‖₂, at most.
        speed: ‖f(y_0)‖₂ as computed, norm rounded up.
        lipschitz, one_sided: K and μ ≤ K in L2, upper bounds on a convex set that holds everything computed here.
        input_shape: of one state.
        dtype: of the states.
        steps: accepted steps at most; None: `max_num_steps`. Where `completion` is proved, its `most_trials`.

    Raises:
        ValueError: `net` has no `max_step_size`, or the tableau has a negative node.
        LayerRefusedError: the field's rounding is not known.

    Source: theory, section 8.
    Proof: proofs/coq/perturbed_recursion.v, proofs/symbolic/evaluation_error.py, proofs/coq/affine_bound.v.
    """
    constants = FlowConstants(
        lipschitz=torch.as_tensor(lipschitz, dtype=torch.float64),
        one_sided=torch.as_tensor(one_sided, dtype=torch.float64),
    )
    bound = solve_rounding(
        net,
        state_norm=state_norm,
        speed=speed,
        constants=constants,
        input_shape=input_shape,
        dtype=dtype,
        steps=steps,
    )
    return torch.as_tensor(bound.at(distance).value).expand_as(state_norm)


def solve_rounding(  # noqa: PLR0913 - each is a number that the bound is made of
    net: NeuralODE,
    *,
    state_norm: Float[Tensor, " batch"],
    speed: Float[Tensor, " batch"],
    constants: FlowConstants,
    input_shape: Shape,
    dtype: torch.dtype,
    steps: int | Int[Tensor, " batch"] | None = None,
    norm: Norm = "L2",
    norm_constants: FlowConstants | None = None,
) -> AffineBound:
    """The allowance of `rounding_allowance` as slope·‖z_0 − y_0‖₂ + constant, in any norm.

    Args:
        net, state_norm, speed, input_shape, dtype, steps: as for `rounding_allowance`.
        constants: K and μ in L2, which bound how far states and speeds go.
        norm: "L2", "Linf" or "L1", in which the result is known. The distance from y_0 is one of L2 in any case: of an
            L∞ ball of radius ε in D dimensions it is ε√D.
        norm_constants: K and μ in `norm`, where that is not L2.

    Raises:
        ValueError: as for `rounding_allowance`; constants of `norm` are missing.
        LayerRefusedError: the field's rounding is not known.

    Source: theory, section 8.
    Proof: proofs/coq/perturbed_recursion.v, proofs/symbolic/evaluation_error.py, proofs/coq/affine_bound.v.
    """
    require_choice("norm", norm, NORMS)
    if net.max_step_size is None:
        raise ValueError("`net` must have a `max_step_size`, got None: nothing bounds the steps that it takes")
    rounded = step_rounding(
        net.tableau,
        net.field,
        largest_step=net.max_step_size,
        lipschitz=constants.lipschitz,
        input_shape=input_shape,
        dtype=dtype,
    )
    growth = SolveGrowth(net, constants, rounded, dtype, net.max_num_steps if steps is None else steps)
    elsewhere = growth
    factor = 1.0
    if norm != "L2":
        if norm_constants is None:
            raise ValueError(f"`norm_constants` must be given for `norm` = {norm!r}, got None")
        elsewhere = _GrowthElsewhere(net, growth, rounded, norm_constants, dtype)
        factor = math.sqrt(math.prod(input_shape)) if norm == "L1" else 1.0
    own_error = rounded.field_slope * state_norm + rounded.field_constant
    zero = torch.zeros_like(state_norm)
    slope = factor * elsewhere.allowance(zero + 1.0, zero + constants.lipschitz, alone=0.0)
    constant = factor * elsewhere.allowance(state_norm, speed + own_error, alone=1.0)
    return AffineBound(
        slope=torch.nan_to_num(slope * RELATIVE, nan=torch.inf),
        constant=torch.nan_to_num(constant * RELATIVE, nan=torch.inf),
        kind="upper",
        norm=norm,
        source=f"rounding of one solve of {net.tableau.name} in {dtype}",
    )


@final
class SolveGrowth:
    """Turns what each step rounds into what the solve does, in L2. Linear in ‖z_0‖, v(z_0) and 1.

    Args:
        net: with `max_step_size`.
        constants: of the field, in L2.
        rounded: what a step rounds.
        dtype: of the states.
        steps: accepted steps at most; one number, or one per sample.
    """

    def __init__(
        self,
        net: NeuralODE,
        constants: FlowConstants,
        rounded: StepRounding,
        dtype: torch.dtype,
        steps: int | Int[Tensor, " batch"],
    ) -> None:
        self.steps, self._rounded = steps, rounded
        self._time = abs(net.end_time - net.start_time)
        self._lipschitz, mu = constants.lipschitz, constants.one_sided
        self._sources = _Sources(net, constants, rounded, dtype)
        self._grown = exponential_up((mu * self._time).clamp_min(0.0))
        own_rate = rounded.per_norm + self._lipschitz * self._sources.per_speed
        own_rate = own_rate + self._sources.unseen_speed * self._grown * rounded.field_slope
        total = mu + self._sources.rate * self._lipschitz + own_rate * self._sources.against
        repeated = exponential_up(steps * rounded.per_step * self._sources.against)
        self._weight = exponential_up((total * self._time).clamp_min(0.0)) * repeated
        span = self._sources.rate * self._time
        self._truncation = self._grown * span * exponential_quotient_up(span * self._lipschitz) * RELATIVE

    def extent(self, norm: Tensor, speed: Tensor, *, alone: float = 1.0) -> tuple[Tensor, Tensor]:
        """‖ẑ_j‖ and v(ẑ_j) at most, on the whole way, for ‖z_0‖ ≤ `norm` and v(z_0) ≤ `speed`."""
        rounding = self.allowance(norm, speed, alone=alone)
        largest_norm, largest_speed = self._without_rounding(norm, speed)
        return (largest_norm + rounding) * RELATIVE, (largest_speed + self._lipschitz * rounding) * RELATIVE

    def allowance(self, norm: Tensor, speed: Tensor, *, alone: float) -> Tensor:
        """The solve's share that stems from ‖z_0‖ = `norm`, v(z_0) = `speed` and `alone` times what needs neither."""
        largest_norm, largest_speed = self._without_rounding(norm, speed)
        per_time = self._sources.per_time(largest_norm, largest_speed, alone, self._grown)
        return self._weight * (self._time * per_time + self.steps * self._rounded.per_step * largest_norm)

    def _without_rounding(self, norm: Tensor, speed: Tensor) -> tuple[Tensor, Tensor]:
        truncation = self._truncation * speed
        return norm + self._time * self._grown * speed + truncation, (
            self._grown * speed + self._lipschitz * truncation
        )


@final
class _GrowthElsewhere:
    """Carries rounding on in L∞ or L1: what `SolveGrowth` knows of each step grows by that norm's constants.

    ‖δ‖_∞ ≤ ‖δ‖₂ and ‖δ‖₁ ≤ √D‖δ‖₂; and so do speeds and evaluation errors.
    """

    def __init__(
        self, net: NeuralODE, growth: SolveGrowth, rounded: StepRounding, constants: FlowConstants, dtype: torch.dtype
    ) -> None:
        self._growth, self._rounded = growth, rounded
        self._time = abs(net.end_time - net.start_time)
        self._sources = _Sources(net, constants, rounded, dtype)
        total = constants.one_sided + self._sources.rate * constants.lipschitz
        self._grown = exponential_up((constants.one_sided * self._time).clamp_min(0.0))
        self._weight = exponential_up((total * self._time).clamp_min(0.0))

    def allowance(self, norm: Tensor, speed: Tensor, *, alone: float) -> Tensor:
        """As that of `SolveGrowth`; `norm` and `speed` are of L2."""
        largest_norm, largest_speed = self._growth.extent(norm, speed, alone=alone)
        per_time = self._sources.per_time(largest_norm, largest_speed, alone, self._grown)
        return self._weight * (self._time * per_time + self._growth.steps * self._rounded.per_step * largest_norm)


class _Sources:
    """The terms that a step's rounding consists of, with the constants of one norm.

    Attributes:
        rate: λ.
        against: e^{max(−μ,0)H}.
        per_speed: weight of v(ẑ) per unit of time, the rounding of h included.
        unseen_speed: weight of the error of computed speeds.
    """

    def __init__(self, net: NeuralODE, constants: FlowConstants, rounded: StepRounding, dtype: torch.dtype) -> None:
        assert net.max_step_size is not None
        step, mu = torch.tensor(net.max_step_size, dtype=torch.float64), constants.one_sided
        reach = float(max(1, *net.tableau.c))
        forward = exponential_up(mu.clamp_min(0.0) * step * reach)
        size_error = 2.0 * (unit_roundoff(dtype) + unit_roundoff(torch.float64))
        elasticity = ELASTICITY + 4.0 * reach * step * (constants.lipschitz + mu.abs())
        self._rounded = rounded
        self.rate = error_rate(net.tableau, net.max_step_size, constants)
        self.against = exponential_up((-mu).clamp_min(0.0) * step)
        self.per_speed = rounded.per_speed + size_error * forward * (1.0 + elasticity * self.rate)
        self.unseen_speed = self.rate * forward

    def per_time(self, norm: Tensor, speed: Tensor, alone: float, grown: Tensor) -> Tensor:
        """Adds up what rounds per unit of time where ‖ẑ‖ ≤ `norm` and v(ẑ) ≤ `speed`."""
        rounded = self._rounded
        evaluation = rounded.field_slope * norm + alone * rounded.field_constant
        return (
            rounded.per_norm * norm
            + self.per_speed * speed
            + alone * rounded.constant
            + self.unseen_speed * grown * evaluation
        )
