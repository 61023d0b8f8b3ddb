"""Everything that integrator networks share."""

import abc
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.networks.one_sided_growth import OneSidedConstants, StepGrowth, one_sided_per_step
from natrob_theory.networks.trajectory import Trajectory
from natrob_theory.numbers.argument_checks import require_choice
from natrob_theory.numbers.bound import (
    Bound,
    BoundKind,
    describe_lipschitz,
    describe_one_sided,
    kind_from_lipschitz,
    lipschitz_value,
    norm_of,
    require_norm,
)
from natrob_theory.numbers.norms import NORMS, Norm
from natrob_theory.numbers.rounding import round_up
from natrob_theory.steppers import AbstractStepper, FieldConstants

LipschitzConstants: TypeAlias = Bound | float | Sequence[Bound | float] | Sequence[tuple[Bound | float, ...]]
"""One K for every step, or one per step; for RevNet also a tuple (K₁, K₂) for every step, or one per step."""


class StepPlan(NamedTuple):
    """One step of a run: the field it evaluates, the time it starts at, its size, and the time it ends at.

    Times and step size are floats; tensors (batch,), float64, where every sample has a grid of its own. A sample that
    has ended then has steps of size 0. Sizes are negative where a solve goes backward in time.
    """

    field: Any
    time: Any
    step_size: Any
    end_time: Any


class AbstractIntegratorNet(nn.Module, abc.ABC):
    """A map y_0 -> y_N made of steps of one method."""

    stepper: AbstractStepper[Any]

    @abc.abstractmethod
    def forward(self, y0: Tensor) -> Tensor:
        """y_N from y_0, both of shape (batch, *state)."""

    @abc.abstractmethod
    def trajectory(self, y0: Tensor) -> Trajectory:
        """All states from y_0 to y_N."""

    @abc.abstractmethod
    def plan(self) -> list[StepPlan]:
        """The steps of the network's grid; of the last run where every run may have another."""

    @abc.abstractmethod
    def plan_for(self, y0: Tensor) -> list[StepPlan]:
        """The steps that a run from y_0 takes."""

    @abc.abstractmethod
    def growth_source(self) -> tuple[str, tuple[str, ...]]:
        """The source of the growth bound, and what it assumes besides the Lipschitz constant."""

    @final
    def growth_bound(
        self, lipschitz: LipschitzConstants, *, one_sided: OneSidedConstants | None = None, norm: Norm = "L2"
    ) -> Bound:
        """G with ‖z_N − y_N‖ ≤ G‖z_0 − y_0‖ over all steps: the product of the steps' growth factors.

        Args:
            lipschitz: K of the field(s); see `LipschitzConstants`. A `Bound` of kind "lower" or "estimate" makes
                the result an estimate.
            one_sided: μ of the field(s), a number taken as a true upper bound or a `Bound`, for all steps or one per
                step. Each step then takes the smaller of its factors from K and from (μ, K); μ of kind "lower" or
                "estimate" makes the result an estimate where it is used. A method without a formula from (μ, K)
                leaves μ aside, and the source says so.
            norm: of the constants and of the growth: "L2", "Linf" or "L1". The factors from K hold in every norm; of
                those from μ, 1/(1 − hμ) does, the others say in which they hold. RevNet's pairs of halves are as
                large as the larger half in L∞, as their sum in L1.

        Returns:
            An upper bound in this norm, rounded outward, ∞ where it overflows; a tensor (batch,) where every sample
            has a grid of its own. With μ < 0 it may be below 1: then perturbations shrink.

        Raises:
            ValueError: a negative or non-finite constant, a `Bound` of another norm, a sequence of the wrong length,
                μ < −K for a true μ, hK ≥ 1 for backward Euler without an hμ < 1, a Neural ODE that has not been run
                and so has no grid on record.

        Source: theory, sections 1 and 3; for Euler's method the paper's (10).
        Proof: of each factor, where the stepper's docstring says; of the product proofs/coq/one_step_methods.v
            (growth_over_steps).
        """
        require_choice("norm", norm, NORMS)
        constants = constants_per_step(lipschitz, len(self.plan()), self.stepper.couplings, norm=norm)
        return growth_over_steps(self, lipschitz, one_sided_fields(one_sided, constants, norm=norm), norm=norm)


def growth_over_steps(
    net: AbstractIntegratorNet,
    lipschitz: LipschitzConstants,
    fields: Sequence[FieldConstants] | None,
    *,
    norm: Norm = "L2",
) -> Bound:
    """`growth_bound` with all that is known of each step's field besides K.

    Proof: of each factor, where the stepper's docstring says; of the product proofs/coq/one_step_methods.v
        (growth_over_steps).
    """
    steps = net.plan()
    constants = constants_per_step(lipschitz, len(steps), net.stepper.couplings, norm=norm)
    growth = step_growth(net.stepper, steps, constants, fields, norm=norm)
    source, assumptions = net.growth_source()
    flat = [constant for row in constants for constant in row]
    described = [describe_lipschitz(constant) for constant in flat]
    described += [describe_one_sided(constant) for constant in growth.one_sided_in_use]
    return Bound(
        value=_as_value(growth.cumulative()[-1]),
        kind=kind_of_constants([*flat, *growth.one_sided_in_use]),
        norm=norm,
        assumptions=(*dict.fromkeys([*described, *growth.assumptions]), *assumptions),
        source=growth.source(source),
    )


def step_growth(
    stepper: AbstractStepper[Any],
    steps: Sequence[StepPlan],
    constants: Sequence[tuple[Bound | float, ...]],
    fields: Sequence[FieldConstants] | None,
    *,
    norm: Norm = "L2",
) -> StepGrowth:
    """The growth of every step from constants that are the same for all samples, all in one norm.

    Raises:
        ValueError: a step has no bound from its constants, or it goes backward in time and there is more than K.

    Proof: proofs/coq/one_step_methods.v (growth_over_steps).
    """
    sizes = [abs(step.step_size) for step in steps]
    if fields is not None:
        require_forward_in_time(step.step_size for step in steps)
    growth = StepGrowth(stepper, sizes, scaled_constants(steps, constants), fields, norm=norm)
    for n, (size, row) in enumerate(zip(sizes, constants, strict=True)):
        if not growth.bounded_by_structure(n):
            for constant in row:
                stepper.require_bound_exists(
                    float(torch.as_tensor(size, dtype=torch.float64).max()), lipschitz_value(constant, norm=norm)
                )
    return growth


def one_sided_fields(
    one_sided: OneSidedConstants | None, constants: Sequence[tuple[Bound | float, ...]] | int, *, norm: Norm = "L2"
) -> list[FieldConstants] | None:
    """Says what μ alone says of each step's field; None where it is not given. Raises like `one_sided_per_step`."""
    if one_sided is None:
        return None
    return [FieldConstants(one_sided=mu) for mu in one_sided_per_step(one_sided, constants, norm=norm)]


def require_forward_in_time(step_sizes: Iterable[Any]) -> None:
    """Raise ValueError for a negative step: backward in time it is −f that is integrated, and μ is a constant of f."""
    if any(bool((torch.as_tensor(size, dtype=torch.float64) < 0).any()) for size in step_sizes):
        raise ValueError(
            "steps must go forward in time for a bound from more than K, got negative step sizes: backward in time "
            "the solution follows −f, of which neither μ nor the structure of f speaks"
        )


def kind_of_constants(constants: Sequence[Bound | float]) -> BoundKind:
    """The kind of an upper bound that is computed from these constants."""
    return "estimate" if "estimate" in {kind_from_lipschitz(constant) for constant in constants} else "upper"


def constants_per_step(
    lipschitz: LipschitzConstants, steps: int, couplings: int, *, norm: Norm = "L2"
) -> Sequence[tuple[Bound | float, ...]]:
    """One row of `couplings` constants per step, from whichever form the caller gave.

    Raises:
        ValueError: a form that does not fit, or a `Bound` of another norm.
    """
    rows = _rows_of_constants(lipschitz, steps, couplings)
    for row in rows:
        for constant in row:
            require_norm(constant, norm, name="lipschitz")
    return rows


def _rows_of_constants(
    lipschitz: LipschitzConstants, steps: int, couplings: int
) -> Sequence[tuple[Bound | float, ...]]:
    if not isinstance(lipschitz, Sequence):
        return [(lipschitz,) * couplings] * steps
    entries = [tuple(entry) if isinstance(entry, Sequence) else entry for entry in lipschitz]
    plain = [entry for entry in entries if not isinstance(entry, tuple)]
    if couplings == 2 and isinstance(lipschitz, tuple) and len(plain) == len(entries) == 2:
        return [tuple(plain)] * steps
    if len(entries) != steps:
        raise ValueError(f"`lipschitz` must hold one constant per step, {steps}, got {len(entries)}")
    rows = [entry if isinstance(entry, tuple) else (entry,) * couplings for entry in entries]
    for row in rows:
        if len(row) != couplings:
            raise ValueError(f"`lipschitz` must hold {couplings} constants in each entry, got {len(row)}")
    return rows


def scaled_constants(
    steps: Sequence[StepPlan], constants: Sequence[tuple[Bound | float, ...]]
) -> Float[Tensor, "steps couplings *batch"]:
    """x = hK of every step and coupling, and of every sample where each has its own steps; rounded outward."""
    rows = [
        torch.stack([size * lipschitz_value(constant, norm=norm_of(constant)) for constant in row])
        for size, row in zip(step_sizes(steps), constants, strict=True)
    ]
    return round_up(torch.stack(rows), 1)


def step_sizes(steps: Sequence[StepPlan]) -> Float[Tensor, "steps *batch"]:
    """|h| of every step, float64; K of f is that of −f, so that factors from K hold in both directions of time."""
    return torch.stack([torch.as_tensor(abs(step.step_size), dtype=torch.float64) for step in steps])


def _as_value(growth: Tensor) -> float | Tensor:
    return float(growth) if growth.dim() == 0 else growth
