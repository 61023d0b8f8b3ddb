"""Chains of residual blocks y ↦ σ(S y + h F(y)), whose states may change shape: growth of pairs, and its check.

One block is an Euler step where S and σ are identities; everywhere
‖σ(S z + h F(z)) − σ(S y + h F(y))‖ ≤ L_σ(‖S z − S y‖ + |h|·‖F(z) − F(y)‖) ≤ L_σ(L_S + |h|K)‖z − y‖.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.checks.certificates import ROUNDING_SAFETY, BoundCheck, accumulated_allowance, compared
from natrob_theory.checks.trajectories import checked_pair
from natrob_theory.numbers.argument_checks import require_finite
from natrob_theory.numbers.bound import Bound, kind_from_lipschitz
from natrob_theory.numbers.norms import per_sample_l2
from natrob_theory.numbers.rounding import EPSILON, round_up, unit_roundoff

Map: TypeAlias = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class ResidualStep:
    """One block, as functions.

    Attributes:
        branch, shortcut, activation: F, S and σ.
        step_size: h.
        activation_lipschitz: L_σ, a number taken as a true upper bound, or a `Bound`.
        branch_layers, shortcut_layers, activation_layers: how many layers of each round (all but those that only
            select, pad or compare, such as ReLU).
    """

    branch: Map
    shortcut: Map
    activation: Map
    step_size: float
    activation_lipschitz: Bound | float = 1.0
    branch_layers: int = 1
    shortcut_layers: int = 0
    activation_layers: int = 0

    def __post_init__(self) -> None:
        require_finite("step_size", self.step_size)


@dataclass(frozen=True, kw_only=True)
class ResidualConstants:
    """Upper Lipschitz constants of one block's parts; ∞ where a part overflows."""

    branch: Bound | float
    shortcut: Bound | float


@dataclass(frozen=True, kw_only=True)
class _Passage:
    """Both solutions' way through one block, the clean half of the doubled batch first."""

    before: Tensor
    kept: Tensor
    slope: Tensor
    after: Tensor


def residual_growth(
    step_size: float,
    *,
    branch: float | Tensor,
    shortcut: float | Tensor,
    activation: float | Tensor = 1.0,
) -> Float[Tensor, "*batch"]:
    """L_σ(L_S + |h|K), the growth of one block, rounded outward; ∞ where it overflows.

    Proof: proofs/symbolic/lipschitz_composition.py.
    """
    k, s, a = (torch.as_tensor(value, dtype=torch.float64) for value in (branch, shortcut, activation))
    return round_up(a * (s + abs(step_size) * k), 3)


def check_residual_bound(
    steps: Sequence[ResidualStep],
    y0: Tensor,
    perturbation: Tensor,
    *,
    constants: Sequence[ResidualConstants] | None = None,
) -> BoundCheck:
    """Run a clean and a perturbed solution through the blocks and compare their distance with its bound.

    Args:
        steps: the blocks, at least one.
        y0: (batch, *state), floating point, float64 for a small allowance.
        perturbation: ε, of the same shape and dtype.
        constants: of every block. None takes each pair's own secant constants ‖S z − S y‖/‖z − y‖ and
            ‖F(z) − F(y)‖/‖z − y‖ in place of L_S and K: then the bound is a theorem for this very pair.

    Returns:
        The comparison, at the times Σ|h|. The allowance is A_{n+1} = G_n A_n + δ_n, where δ_n is, for both solutions,
        L_σ(c·u(‖y‖ + ‖S y‖ + |h|‖F(y)‖) + φ_S u(‖S y‖ + s‖y‖) + φ_F u|h|(‖F(y)‖ + K‖y‖))
        + φ_σ u(‖y'‖ + L_σ(‖S y‖ + |h|‖F(y)‖))
        with y' the next state, c = 16, s and K those of the bound, and φ = layers·d^1.5 for d entries of the larger of
        the two states: the worst case of dense layers, with the caveat of `check_bound` on biases that cancel.

    Raises:
        TypeError, ValueError: no block, not one constant per block, or states that are not finite floating point.
        OverflowError: a state on the way is not finite.

    Source: theory, sections 1 and 7.
    Proof: proofs/symbolic/lipschitz_composition.py; of the allowance proofs/coq/perturbed_recursion.v.
    """
    if not steps:
        raise ValueError("`steps` must hold at least one block, got none")
    if constants is not None and len(constants) != len(steps):
        raise ValueError(f"`constants` must hold one entry per block, {len(steps)}, got {len(constants)}")
    y0, perturbation = checked_pair(y0, perturbation)
    state = torch.cat([y0, y0 + perturbation])
    distance, factors, local = [_gap(state)], [], []
    for number, step in enumerate(steps):
        passage = _through(step, state, number)
        state = passage.after
        pair = constants[number] if constants is not None else None
        shortcut, branch = _constants_of(passage, pair)
        activation = float(step.activation_lipschitz)
        factors.append(residual_growth(step.step_size, branch=branch, shortcut=shortcut, activation=activation))
        local.append(_local_rounding(step, passage, shortcut, branch))
        distance.append(_gap(state))
    growth = round_up(torch.stack(factors).cumprod(dim=0), 2 * len(factors))
    growth = torch.cat([torch.ones_like(growth[:1]), growth])
    sizes = torch.tensor([0.0, *(abs(step.step_size) for step in steps)], dtype=torch.float64, device=y0.device)
    used = [step.activation_lipschitz for step in steps]
    used += [one for entry in constants or () for one in (entry.branch, entry.shortcut)]
    return compared(
        times=sizes.cumsum(dim=0),
        distance=torch.stack(distance),
        growth=growth,
        allowance=accumulated_allowance(factors, local),
        kind="estimate" if "estimate" in map(kind_from_lipschitz, used) else "upper",
        rounding=f"{y0.dtype} with allowance, c = {ROUNDING_SAFETY:g} per block, each layer's factor d^1.5",
        of_pairs_only=constants is None,
    )


def _through(step: ResidualStep, state: Tensor, number: int) -> _Passage:
    """One block, with what its parts gave."""
    with torch.no_grad():
        kept, slope = step.shortcut(state), step.branch(state)
        after = step.activation(kept + step.step_size * slope)
    if not bool(torch.isfinite(after).all()):
        raise OverflowError(
            f"the states have NaN or infinite entries after block {number + 1}; take a smaller step size, or branches "
            f"with smaller Lipschitz constants"
        )
    return _Passage(before=state, kept=kept, slope=slope, after=after)


def _gap(doubled: Tensor) -> Float[Tensor, " batch"]:
    """‖z − y‖₂ in float64."""
    clean, perturbed = doubled.double().chunk(2)
    return per_sample_l2(perturbed - clean)


def _constants_of(passage: _Passage, given: ResidualConstants | None) -> tuple[Tensor, Tensor]:
    """(L_S, K) of every pair: those given, or its secant constants rounded outward, 0 where the two states coincide."""
    run = _gap(passage.before)
    if given is not None:
        return torch.full_like(run, float(given.shortcut)), torch.full_like(run, float(given.branch))
    safe = torch.where(run == 0, 1.0, run)
    shortcut, branch = (
        torch.where(run == 0, 0.0, _gap(part) / safe) * (1.0 + 2 * EPSILON) for part in (passage.kept, passage.slope)
    )
    return shortcut, branch


def _local_rounding(step: ResidualStep, passage: _Passage, shortcut: Tensor, branch: Tensor) -> Tensor:
    """δ_n: what one block's rounding adds to the distance of each pair, both solutions together."""
    u = unit_roundoff(passage.before.dtype)
    dense = float(max(passage.before[0].numel(), passage.after[0].numel())) ** 1.5
    h, activation = abs(step.step_size), float(step.activation_lipschitz)
    layers = step.shortcut_layers + step.branch_layers + step.activation_layers
    underflow = (ROUNDING_SAFETY + layers * dense) * torch.finfo(passage.before.dtype).tiny  # absolute, of either run
    total = 2 * underflow * (1.0 + activation) * (1.0 + shortcut + h * branch)
    halves = zip(*(part.chunk(2) for part in (passage.before, passage.kept, passage.slope, passage.after)), strict=True)
    for state, kept, slope, after in halves:
        size, kept_size, slope_size = (per_sample_l2(part).double() for part in (state, kept, slope))
        sums = ROUNDING_SAFETY * (size + kept_size + h * slope_size)
        of_shortcut = step.shortcut_layers * dense * (kept_size + shortcut * size)
        of_branch = step.branch_layers * dense * h * (slope_size + branch * size)
        inside = kept_size + h * slope_size
        of_activation = step.activation_layers * dense * (per_sample_l2(after).double() + activation * inside)
        total = total + u * (activation * (sums + of_shortcut + of_branch) + of_activation)
    return total
