"""The smallest step onto a hyperplane that stays in the pixel range."""

import math

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from .tensor_types import Truths, Values


def step_to_hyperplane(
    x: Float[Tensor, "batch *pixels"],
    normal: Float[Tensor, "batch *pixels"],
    gap: Values,
    *,
    p: float,
    shares: Float64[Tensor, "*pixels"] | None = None,
) -> tuple[Float[Tensor, "batch *pixels"], Truths]:
    """The step d of smallest ‖d‖_p with `⟨w, d⟩ = g` and `x + d` in [0, 1]ⁿ, for each row of a batch.

    A pixel moves in the direction sign(g·w_i), by `min(λ, u_i)` for p = ∞ and `min(λ|w_i|, u_i)` for p = 2, where u_i
    is its distance to the pixel bound on that side and λ ≥ 0 solves `Σ |w_i| |d_i| = |g|`. Where the smallest step is
    not unique, as for pixels with w_i = 0, those pixels stay.

    Returns the step, and whether the hyperplane meets the box; where it does not, the step goes to the corner of the
    box nearest to it, or nowhere if w = 0.

    Source: the problem is that of Croce and Hein, "Minimally distorted adversarial examples with a fast adaptive
    boundary attack", ICML 2020, section 2.2; they sort the pixels to solve it.

    Args:
        x: in [0, 1].
        normal: w.
        gap: g, by how much `⟨w, ·⟩` is to grow.
        p: the order of the norm, 2 or ∞.
        shares: s_i, from 0 to 1, for p = 2 either: the norm is that of d_i/s_i, and a pixel of share 0 stays. None
            stands for 1 everywhere.

    Raises:
        ValueError: another p.
    """
    if p not in (2, math.inf):
        raise ValueError(f"`p` must be 2 or math.inf, got {p!r}")
    flat, signed = x.flatten(1), normal.flatten(1) * gap.sign()[:, None]
    share = None if shares is None else shares.to(x.dtype).flatten()
    signed = signed if share is None else signed * share
    size = signed.abs()
    largest = size.amax(dim=1)
    unit = largest.where(largest > 0, 1.0)  # squares of tiny entries would underflow
    size, target = size / unit[:, None], gap.abs() / unit
    direction = signed.sign()
    bound = torch.maximum(direction * (1 - flat), -direction * flat)  # 0 where the direction is
    bound = bound if share is None else bound / share.where(share > 0, 1.0)
    if p == 2:
        multiplier, reachable = _multiplier(size * size, (bound / size).nan_to_num(posinf=None), target)
        step = torch.minimum(size * multiplier[:, None], bound)
    else:
        multiplier, reachable = _multiplier(size, bound, target)
        step = torch.minimum(multiplier[:, None], bound)
    step = step * direction
    return (step if share is None else step * share).reshape(x.shape), reachable


def _multiplier(
    weight: Float[Tensor, "batch pixels"], limit: Float[Tensor, "batch pixels"], target: Values
) -> tuple[Values, Truths]:
    """The λ ≥ 0 with `Σ weight_i min(λ, limit_i) = target`, and whether there is one; else one beyond every limit.

    The left side is concave, increasing and piecewise linear in λ: Newton's method from 0 ascends to the root, and is
    there, but for rounding, as soon as a step takes no further pixel to its limit. A row that is there keeps its λ,
    whatever the others still do. Masks are kept as numbers, which is several times faster on a CPU.
    """
    free = torch.gt(limit, 0, out=torch.empty_like(limit))
    slope = torch.linalg.vecdot(weight, free)
    rising = slope > 0
    reachable = rising | (target == 0)
    multiplier = torch.where(rising, target / slope.where(rising, 1.0), 0.0)
    while bool(rising.any()):
        left = target - torch.linalg.vecdot(weight, torch.minimum(limit, multiplier[:, None]))
        torch.gt(limit, multiplier[:, None], out=free)
        slope_left = torch.linalg.vecdot(weight, free)
        shrunk = rising & (slope_left < slope)
        reachable = reachable & ~(shrunk & (slope_left == 0) & (left > 0))
        rising = shrunk & (slope_left > 0)
        multiplier = torch.where(rising, multiplier + left / slope_left.where(rising, 1.0), multiplier)
        slope = slope_left
    return multiplier, reachable
