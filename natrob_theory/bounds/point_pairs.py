"""Searching over pairs of points for a large quotient, such as a secant constant or a one-sided one.

The quotient that counts is always the measured one (`Measure`); whatever suggests a pair (random draws, gradients,
Jacobians) is only a suggestion, so no search step can push a result above the true constant.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

import torch
from torch import Tensor

from natrob_theory.numbers.norms import Norm, per_sample_norm
from natrob_theory.numbers.powers_of_two import exponent_of_largest, times_power_of_two

Entry = TypeVar("Entry")


class PointPairs(NamedTuple):
    """Pairs of points, one per sample, and the quotient measured between them, (batch,) in float64."""

    first: Tensor
    second: Tensor
    quotient: Tensor


MEASURED_TOGETHER = 2**17
"""Entries of states in one evaluation of the function, where it is asked for that many."""

Measure: TypeAlias = Callable[[Tensor, Tensor], PointPairs]
"""The quotient of given pairs, less what rounding may have added."""


def better(one: PointPairs, other: PointPairs) -> PointPairs:
    """Per sample the pair with the larger quotient."""
    take = other.quotient > one.quotient
    mask = take.view(-1, *[1] * (one.first.dim() - 1))
    return PointPairs(
        torch.where(mask, other.first, one.first),
        torch.where(mask, other.second, one.second),
        torch.where(take, other.quotient, one.quotient),
    )


def scaled(direction: Tensor, length: Tensor | float, norm: Norm = "L2") -> Tensor:
    """`direction` per sample, of this length in the norm, whatever size its entries have; zero stays zero."""
    unit = _near_one(direction)
    factor = (length / _size(unit, norm).clamp_min(0.5)).to(direction.dtype)
    return unit * factor.view(-1, *[1] * (direction.dim() - 1))


def _near_one(direction: Tensor) -> Tensor:
    """Each sample over a power of two, so that its largest entry lies in [½, 1); exact."""
    exponent = exponent_of_largest(direction.flatten(1), 1)
    return times_power_of_two(direction, -exponent.view(-1, *[1] * (direction.dim() - 1)))


def _size(unit: Tensor, norm: Norm) -> Tensor:
    """The norm of each sample in its own precision, differentiable; for entries near 1."""
    flat = unit.flatten(1)
    if norm == "L2":
        return flat.norm(dim=1)
    return flat.abs().amax(dim=1) if norm == "Linf" else flat.abs().sum(dim=1)


def log_length(direction: Tensor, norm: Norm = "L2") -> Tensor:
    """log ‖v‖ per sample, differentiable, for entries of every size; of a zero some number far below all others."""
    exponent = exponent_of_largest(direction.flatten(1), 1)[:, 0]
    unit = _size(_near_one(direction), norm)
    return torch.where(unit > 0, unit.clamp_min(0.5).log() + exponent * math.log(2.0), -1e3)


def shortened(offset: Tensor, radius: float, norm: Norm = "L2") -> Tensor:
    """Each sample's offset, scaled down to length `radius` where it is longer, and not beyond it by rounding."""
    summing = offset[0].numel() * 2.0**-51 if norm == "L1" else 0.0
    inner = radius * (1.0 - 4.0 * torch.finfo(offset.dtype).eps - summing)
    factor = (inner / per_sample_norm(offset, norm)).clamp_max(1.0).to(offset.dtype)
    return offset * factor.view(-1, *[1] * (offset.dim() - 1))


def random_pairs(
    measure: Measure,
    points: Tensor,
    radius: float,
    samples: int,
    generator: torch.Generator,
    *,
    worst: float,
    norm: Norm = "L2",
) -> PointPairs:
    """The best of `samples` random pairs from every point, of log-uniform length 10⁻³·radius … radius.

    `worst` is the quotient of no pair at all, below every quotient of interest.
    """
    nothing = torch.full((len(points),), worst, dtype=torch.float64, device=points.device)
    offsets = []
    for _ in range(samples):
        draw = torch.randn(points.shape, generator=generator, dtype=torch.float64, device=generator.device)
        exponent = torch.rand(len(points), generator=generator, dtype=torch.float64, device=generator.device)
        offsets.append(scaled(draw.to(points), (radius * 10.0 ** (-3.0 * exponent)).to(points), norm))
    return best_end(measure, PointPairs(points, points, nothing), points, [points + offset for offset in offsets])


def best_end(measure: Measure, start: PointPairs, base: Tensor, ends: Sequence[Tensor]) -> PointPairs:
    """The best of `start` and of the pairs of `base` with each of the ends, many of which are measured together."""
    best = start
    for some in batched(ends, max(1, MEASURED_TOGETHER // max(1, base.numel()))):
        best = best_of(best, measure(torch.cat([base] * len(some)), torch.cat(list(some))))
    return best


def best_of(start: PointPairs, more: PointPairs) -> PointPairs:
    """The best of `start` and of several pairs per sample, which follow one another in batches of its size."""
    best = start
    for part in zip(*(entries.split(len(start.first)) for entries in more), strict=True):
        best = better(best, PointPairs(*part))
    return best


def batched(entries: Sequence[Entry], size: int) -> list[Sequence[Entry]]:
    """So many at a time."""
    return [entries[start : start + size] for start in range(0, len(entries), size)]


def ascend(
    objective: Callable[[Tensor, Tensor], Tensor],
    measure: Measure,
    points: Tensor,
    start: PointPairs,
    radius: float,
    steps: int,
    norm: Norm = "L2",
) -> PointPairs:
    """Normalised gradient ascent on the objective over both ends, which stay within `radius` of their point.

    Its steps shrink.
    """
    best, first, second = start, start.first, start.second
    for step in range(steps):
        size = 0.3 * radius * (1.0 - step / steps)
        with torch.enable_grad():
            y, z = first.detach().requires_grad_(), second.detach().requires_grad_()
            value = objective(y, z).sum()
            gradients = torch.autograd.grad(value, (y, z), allow_unused=True, materialize_grads=True)
        move_y, move_z = (torch.nan_to_num(g, nan=0.0, posinf=0.0, neginf=0.0) for g in gradients)
        first = points + shortened(y.detach() + scaled(move_y, size, norm) - points, radius, norm)
        second = points + shortened(z.detach() + scaled(move_z, size, norm) - points, radius, norm)
        best = better(best, measure(first, second))
    return best


def along_direction(
    measure: Measure,
    points: Tensor,
    start: PointPairs,
    base: Tensor,
    direction: Tensor,
    radius: float,
    norm: Norm = "L2",
) -> PointPairs:
    """The best of `start` and of secants from `base` along ±direction, of four lengths up to `radius`.

    Their ends stay within `radius` of the points, as `base` does.
    """
    offsets = (
        sign * scaled(direction, fraction * radius, norm)
        for fraction in (1.0, 0.1, 0.01, 0.001)
        for sign in (1.0, -1.0)
    )
    ends = [points + shortened(base + offset - points, radius, norm) for offset in offsets]
    return best_end(measure, start, base, ends)
