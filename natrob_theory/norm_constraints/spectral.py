"""Division by the spectral norm, of a matrix or of a zero-padded convolution on images of a given size."""

from collections.abc import Callable
from typing import final

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from natrob_theory.norm_constraints.abstract_constraint import AbstractNormConstraint
from natrob_theory.norm_constraints.largest_block import largest_block
from natrob_theory.norm_constraints.matrix_norms import MatrixNorm
from natrob_theory.norm_constraints.scaled_weight import scaled_weight


@final
class DividedByMatrixNorm(AbstractNormConstraint):
    """W = V/‖V‖ for a matrix V, or a convolution with one tap, which is the matrix of its channels in every pixel."""

    def __init__(self, norm: MatrixNorm) -> None:
        super().__init__()
        self.norm = norm

    def constrained(self, raw: Tensor) -> Tensor:
        """V/‖V‖; 0 for V = 0."""
        return _divided(raw, lambda weight: self.norm(weight.flatten(1)))


@final
class DividedByTorusNorm(AbstractNormConstraint):
    """W = V/‖V‖ for the kernel V of a zero-padded convolution; ‖V‖ is that on the torus that holds every output.

    On N ≥ m + k − 1 points per axis the circular convolution has the zero-padded one as a part, so its norm
    max_ω ‖V̂(ω)‖ is at least as large (theory, section 5; `natrob_theory.layers.convolution`). Which ω is the largest
    is found without gradients, and only its block is then computed with them: that is the gradient of a maximum.
    `lipschitz_upper_bound` knows smaller bounds on small images, on which the constrained norm is then less than 1.

    Args:
        norm: of a block.
        state_sides: m of each axis.
    """

    def __init__(self, norm: MatrixNorm, state_sides: tuple[int, int]) -> None:
        super().__init__()
        self.norm = norm
        self.state_sides = state_sides

    def constrained(self, raw: Float[Tensor, "outputs inputs rows columns"]) -> Tensor:
        """V/‖V‖; 0 for V = 0."""
        return _divided(raw, self._torus_norm)

    def _torus_norm(self, raw: Tensor) -> Tensor:
        grid = tuple(side + taps - 1 for side, taps in zip(self.state_sides, raw.shape[2:], strict=True))
        with torch.no_grad():
            transform = torch.fft.rfft2(raw.detach(), s=grid)
            row, column = divmod(largest_block(transform.flatten(2).permute(2, 0, 1)), transform.shape[3])
        return self.norm(_frequency_block(raw, row / grid[0], column / grid[1]))

    def extra_repr(self) -> str:
        """The sides, for print(module)."""
        return f"state_sides={self.state_sides}"


def _frequency_block(
    kernel: Float[Tensor, "outputs inputs rows columns"], first: float, second: float
) -> Complex[Tensor, "outputs inputs"]:
    """V̂(ω) = Σ V_ab e^{−2πi(a·first + b·second)}, the frequencies as shares of a turn."""
    rows, columns = (torch.arange(size, dtype=kernel.dtype, device=kernel.device) for size in kernel.shape[2:])
    angle = -2.0 * torch.pi * (first * rows[:, None] + second * columns[None, :])
    phases = torch.polar(torch.ones_like(angle), angle)
    return torch.einsum("oiab,ab->oi", kernel.to(phases.dtype), phases)


def _divided(raw: Tensor, norm_of: Callable[[Tensor], Tensor]) -> Tensor:
    """V/‖V‖ of the scaled V, whose norm is at least its largest entry; V over ½ where that is less: below the floor.

    The norm of zeros would have the gradient 0·∞: that of ones stands in its place.
    """
    weight = scaled_weight(raw, tuple(range(raw.dim()))).weight
    some = (weight.detach() != 0).any()
    norm = norm_of(torch.where(some, weight, torch.ones_like(weight)))
    return weight / torch.where(some, norm.clamp_min(0.5), torch.full_like(norm, 0.5))
