"""Tori of points, and the frequencies of functions on them.

On N points the frequencies are 2πj/N; where the torus is *twisted* along an axis they are 2π(j + ½)/N: a function
changes its sign once round. Both sets hold −ω with each ω, so of a real kernel half of them say all.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import torch
from jaxtyping import Float, Int
from torch import Tensor

PHASE_ERROR = 50.0
"""A computed cosine or sine of ω·t, on up to three axes, errs by at most so many u, u = 2⁻⁵³: the angle of an axis
is at most π and errs by 3u of itself, the two sums err by 6πu, and the function by 2u: 9πu + 6πu + 2u < 50u."""

REMEMBERED = 32
"""Layers of a network come in few sizes."""


@dataclass(frozen=True, kw_only=True)
class Torus:
    """How many points along each axis, and where it is twisted.

    Attributes:
        grid: points N of each axis.
        twisted: per axis; its frequencies lie half a step off.
    """

    grid: tuple[int, ...]
    twisted: tuple[bool, ...]

    @property
    def points(self) -> int:
        """How many there are."""
        return math.prod(self.grid)

    def numerators(self) -> Int[Tensor, "frequencies axes"]:
        """2j + θ of ω = π(2j + θ)/N, θ = 1 where the torus is twisted; one of ω and −ω."""
        number = torch.arange(self.points, device="cpu").view(self.grid)
        axes = tuple(range(len(self.grid)))
        negative = number.flip(axes).roll([0 if twist else 1 for twist in self.twisted], axes)
        every = [
            2 * torch.arange(size, device="cpu") + int(twist)
            for size, twist in zip(self.grid, self.twisted, strict=True)
        ]
        return grid_points(every)[(number <= negative).flatten()]

    def waves(self, offsets: Int[Tensor, "offsets axes"]) -> Float[Tensor, "2 frequencies offsets"]:
        """cos(ω·t) and sin(ω·t) for each frequency and offset, each off by at most `PHASE_ERROR`·u."""
        sizes = torch.tensor(self.grid, device="cpu")
        turns = torch.remainder(self.numerators()[:, None, :] * offsets + sizes, 2 * sizes) - sizes
        angles = (turns.double() * math.pi / sizes).sum(dim=-1)
        return torch.stack([angles.cos(), angles.sin()])


@lru_cache(maxsize=REMEMBERED)
def waves_of_taps(torus: Torus, taps: tuple[int, ...]) -> Float[Tensor, "2 frequencies taps"]:
    """The waves at each tap of a kernel; not to be written into."""
    return torus.waves(grid_points([torch.arange(size, device="cpu") for size in taps]))


def plain_torus(*grid: int) -> Torus:
    """Without a twist."""
    return Torus(grid=grid, twisted=(False,) * len(grid))


def twists(grid: tuple[int, ...]) -> list[Torus]:
    """The torus twisted along some axes, along none and all among them; a single point along an axis stays as it is."""
    choices = ((False,) if size == 1 else (False, True) for size in grid)
    return [Torus(grid=grid, twisted=chosen) for chosen in product(*choices)]


def grid_points(axes: list[Tensor]) -> Int[Tensor, "points axes"]:
    """All points of a grid, the last axis the fastest."""
    return torch.cartesian_prod(*axes).view(-1, len(axes))
