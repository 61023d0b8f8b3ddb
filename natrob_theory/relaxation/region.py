"""Balls of images that stay in the pixel range, and the least value of a linear function on them."""

import abc
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON


@dataclass(frozen=True, kw_only=True, eq=False)
class AbstractRegion(abc.ABC):
    """A convex set of flat inputs for each sample, inside a box.

    Attributes:
        lower, upper: the box.
    """

    lower: Float[Tensor, "batch inputs"]
    upper: Float[Tensor, "batch inputs"]

    @abc.abstractmethod
    def least(self, rows: Float[Tensor, "batch rows inputs"]) -> Float[Tensor, "batch rows"]:
        """At most ⟨v, x⟩ for every x of the set, for each row v, in exact arithmetic up to the box's allowance.

        What is rounded is at most (n + 8)·2u·Σ|v_i||x_i| for a box, which whoever asks takes off (`rounding`); a ball
        takes off what it rounds beyond that itself.

        Proof: proofs/symbolic/linear_relaxation.py (dual norms).
        """

    @abc.abstractmethod
    def of(self, rows: Tensor) -> "AbstractRegion":
        """Those of some samples."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class BoxRegion(AbstractRegion):
    """The box itself, as an L∞ ball within the pixel range is one."""

    def least(self, rows: Float[Tensor, "batch rows inputs"]) -> Float[Tensor, "batch rows"]:
        """The lower end where v_i > 0, the upper one where v_i < 0."""
        return _box_least(rows, self.lower, self.upper)

    def of(self, rows: Tensor) -> "BoxRegion":
        """Those of some samples."""
        return BoxRegion(lower=self.lower[rows], upper=self.upper[rows])


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class BallRegion(AbstractRegion):
    """{x : ‖x − center‖_p ≤ radius} within the box.

    ⟨v, x⟩ = ⟨v − w, x⟩ + ⟨w, x⟩ for any w: the first is bounded on the box, the second, by the dual norm, on the ball:
    ⟨w, center⟩ − radius·‖w‖_*. Tried are w = v, w = 0, and v at the pixels that the box does not cut.

    Attributes:
        center: of each sample.
        radius: at least 0.
        dual: p of the dual norm, 2 for L2 and ∞ for L1.
    """

    center: Float[Tensor, "batch inputs"]
    radius: Float[Tensor, " batch"]
    dual: float

    def least(self, rows: Float[Tensor, "batch rows inputs"]) -> Float[Tensor, "batch rows"]:
        """The best of three splits."""
        whole = self._on_ball(rows)
        box = _box_least(rows, self.lower, self.upper)
        room = torch.where(rows > 0, (self.center - self.lower)[:, None], (self.upper - self.center)[:, None])
        if self.dual == 2:
            length = torch.linalg.vector_norm(rows, dim=2, keepdim=True).clamp_min(1e-300)
            free = rows.abs() / length * self.radius[:, None, None] <= room
        else:
            free = room >= self.radius[:, None, None]
        inside = torch.where(free, rows, 0.0)
        split = self._on_ball(inside) + _box_least(rows - inside, self.lower, self.upper)
        return torch.maximum(torch.maximum(whole, box), split)

    def _on_ball(self, rows: Tensor) -> Tensor:
        """⟨w, center⟩ − radius·‖w‖_*, the product with the radius and the norm's rounding taken off."""
        length = torch.linalg.vector_norm(rows, ord=self.dual, dim=2)
        reach = length * self.radius[:, None] * (1.0 + (rows.shape[2] + 16) * EPSILON)
        middle = (rows @ self.center[:, :, None])[:, :, 0]
        return middle - reach - 4 * EPSILON * (middle.abs() + reach)

    def of(self, rows: Tensor) -> "BallRegion":
        """Those of some samples."""
        return BallRegion(
            lower=self.lower[rows],
            upper=self.upper[rows],
            center=self.center[rows],
            radius=self.radius[rows],
            dual=self.dual,
        )


def _box_least(rows: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    return (rows.clamp_min(0.0) @ lower[:, :, None] + rows.clamp_max(0.0) @ upper[:, :, None])[:, :, 0]


def region_around(
    center: Float[Tensor, "batch inputs"],
    radius: Float[Tensor, " batch"],
    norm: Norm,
    *,
    pixel_range: tuple[float, float] | None = (0.0, 1.0),
) -> AbstractRegion:
    """The ball around each centre, within the pixel range; the box is rounded outward.

    Args:
        center: float64, flat, within the pixel range.
        radius: float64, at least 0.
        norm: of the ball.
        pixel_range: of every entry; None for no range.
    """
    reach = radius[:, None]
    lower = torch.nextafter(center - reach, torch.full_like(center, -torch.inf))
    upper = torch.nextafter(center + reach, torch.full_like(center, torch.inf))
    if pixel_range is not None:
        lower, upper = lower.clamp_min(pixel_range[0]), upper.clamp_max(pixel_range[1])
    if norm == "Linf":
        return BoxRegion(lower=lower, upper=upper)
    return BallRegion(
        lower=lower, upper=upper, center=center, radius=radius, dual=2.0 if norm == "L2" else float("inf")
    )
