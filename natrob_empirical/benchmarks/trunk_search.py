"""A lower bound of the whole trunk's Lipschitz constant, by gradient ascent on measured growth."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import torch
from torch import Tensor

from natrob_empirical.benchmarks.classifier_theory import SOLVE_FAILURES, AbstractClassifierTheory
from natrob_theory import Bound, BoundCheck
from natrob_theory.numbers.norms import per_sample_l2

Trunk: TypeAlias = Callable[[Tensor], Tensor]
ASCENT_STEPS: Final = 30
SEARCHED_PAIRS: Final = 16
"""The search starts from at most so many pairs; half of theirs have a perturbation that an attack found."""

SOURCE: Final = "largest ‖e_N‖/‖e_0‖ found by gradient ascent on the perturbation, less the rounding of both runs"


def trunk_lower_bound(
    theory: AbstractClassifierTheory, state: Tensor, perturbation: Tensor, *, suggesting: Sequence[Trunk]
) -> tuple[Bound, int] | None:
    """The largest growth found around the given pairs, and from how many; None where none of them can be searched.

    One step replaces e₀ by ‖e₀‖·g/‖g‖, g the gradient of ½‖Φ(y + e₀) − Φ(y)‖² by e₀, Φ the trunk. For a linear Φ
    that is a step of power iteration on ΦᵀΦ, and it never lowers the growth; for others the best of all steps counts.
    Only reverse-mode gradients are asked for, which every trunk has. What is returned was measured as the pairs of the
    bound checks are, with their allowance for rounding and for inexact solves taken off.

    Args:
        theory: of the classifier.
        state: clean states at the trunk's entrance.
        perturbation: of them, where the ascent starts; its lengths are kept.
        suggesting: the trunk that the ascent climbs on, and others that are taken where it fails. Rounding of theirs
            costs sharpness alone: what `theory` measures counts.
    """
    state, start = _spread(state), _spread(perturbation)
    for trunk in suggesting:
        try:
            check = theory.check_pairs(state, _ascend(trunk, state, start))
        except SOLVE_FAILURES:
            continue
        return _largest_growth(check, len(state))
    return None


def _largest_growth(check: BoundCheck, pairs: int) -> tuple[Bound, int] | None:
    """The largest growth that was measured, less the allowance for rounding; None where none is finite."""
    growth = (check.distance[-1] - check.allowance[-1]) / check.distance[0]
    usable = growth[torch.isfinite(growth)]
    if not len(usable):
        return None
    return Bound(value=max(0.0, float(usable.max())), kind="lower", source=SOURCE), pairs


def _ascend(trunk: Trunk, state: Tensor, start: Tensor) -> Tensor:
    """Per pair the perturbation of largest growth that was met."""
    length = _like(per_sample_l2(start), start)
    with torch.no_grad():
        end = trunk(state)
    best, best_growth = start, torch.full((len(start),), -1.0, dtype=start.dtype, device=start.device)
    current = start
    for _ in range(ASCENT_STEPS):
        asked = current.detach().requires_grad_()
        moved = per_sample_l2(trunk(state + asked) - end)
        gradient = torch.autograd.grad(0.5 * moved.square().sum(), asked)[0]
        growth = moved.detach() / length.flatten()
        better = growth > best_growth
        best = torch.where(_like(better, best), asked.detach(), best)
        best_growth = torch.where(better, growth, best_growth)
        size = per_sample_l2(gradient)
        usable = torch.isfinite(size) & (size > 0)
        direction = gradient / _like(size.where(usable, torch.ones_like(size)), gradient)
        current = torch.where(_like(usable, asked), direction * length, asked.detach())
    return best


def _spread(values: Tensor) -> Tensor:
    """At most `SEARCHED_PAIRS` of them, evenly, so that random and found perturbations are both there."""
    return values[:: -(-len(values) // SEARCHED_PAIRS)]


def _like(values: Tensor, target: Tensor) -> Tensor:
    """One value a sample, shaped to broadcast over a state."""
    return values.reshape(-1, *[1] * (target.dim() - 1))
