"""The Fourier blocks Ĉ(ω) = Σ_t K_t e^{iω·t} of a convolution, and the products Ĉ(ω)Ĉ(ω)*.

Both are sums over few terms, so a product of a (frequencies × terms) matrix with the terms gives them; no transform of
the whole grid, most of whose entries are zeros. Ĉ(ω)Ĉ(ω)* = Σ_d R_d e^{iω·d} with the autocorrelations
R_d = Σ_t K_{t+d}K_tᵀ, R_{−d} = R_dᵀ: its real part is Σ_{d≥0} cos(ω·d)(R_d + R_dᵀ), half of it at d = 0, its imaginary
part Σ_{d>0} sin(ω·d)(R_d − R_dᵀ). The R_d cost as much as (taps²/8) products of blocks, whatever the grid.

Rounding, u = 2⁻⁵³, sums in any order (Higham, *Accuracy and Stability of Numerical Algorithms*, (3.5)). Let
S = Σ_t|K_t|, T the taps, i the inputs. A part of a block is a sum of T terms, so it errs entrywise by at most
(T + 2 + `PHASE_ERROR`)u·S, the block by √2 times that, which also holds in ‖·‖₂ with ‖S‖_F in place of S. An entry of
R_d sums at most iT products, and a part of Ĉ(ω)Ĉ(ω)* sums 2D of them, D autocorrelations, each rounded once more:
entrywise at most (iT + 2D + 4 + `PHASE_ERROR`)u·SSᵀ, hence √2 times that ‖S‖_F² for the product. 1.5 is taken for √2:
the rest is for second-order terms. In complex64 each entry h is rounded once more, by u′|h|, u′ = 2⁻²⁴, and
‖(|h|)‖_F ≤ ‖Ĉ(ω)‖_F² ≤ ‖S‖_F².

The kernel is scaled by a power of two to entries below 1 of which one is at least ½. What underflows is then far below
u‖S‖_F² ≥ u/4, and has its room in 1.5 as well.
"""

import math
from typing import final

import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor

from natrob_theory.numbers.rounding import EPSILON, unit_roundoff
from natrob_theory.spectra.eigenvalues import EIGENVALUE_SAFETY
from natrob_theory.spectra.matrix_stack import AbstractMatrixStack
from natrob_theory.spectra.singular_values import spectral_norms_upper
from natrob_theory.spectra.torus import PHASE_ERROR, Torus, grid_points, waves_of_taps

UNIT = EPSILON / 2

EIGENVALUES_FROM = 192
"""Rows and columns from which on the singular values of a block are those of its product."""


@final
class ScaledKernel:
    """A kernel with what blocks on every torus are made of.

    Args:
        kernel: (outputs, inputs, *taps), float64, as the module's docstring scales it.
    """

    def __init__(self, kernel: Float[Tensor, "outputs inputs *taps"]) -> None:
        self.kernel = kernel
        self.taps = tuple(kernel.shape[2:])
        self.by_tap = kernel.flatten(2).permute(2, 0, 1).flatten(1)
        sizes = kernel.abs().flatten(2).sum(dim=2)
        self.size = float(torch.linalg.vector_norm(sizes)) * (
            1.0 + (sizes.numel() + math.prod(self.taps) + 4) * EPSILON
        )
        """‖S‖_F, rounded outward."""

    @property
    def block_error(self) -> float:
        """Bounds ‖computed Ĉ(ω) − exact Ĉ(ω)‖₂."""
        return 1.5 * (math.prod(self.taps) + 2 + PHASE_ERROR) * UNIT * self.size

    def blocks(self, waves: Float[Tensor, "2 frequencies taps"]) -> Complex[Tensor, "frequencies outputs inputs"]:
        """Ĉ(ω) in complex128."""
        real, imaginary = (waves.to(self.by_tap) @ self.by_tap).unflatten(2, self.kernel.shape[:2])
        return torch.complex(real, imaginary)

    def norms_upper(self, waves: Float[Tensor, "2 frequencies taps"]) -> Float[Tensor, " frequencies"]:
        """‖Ĉ(ω)‖₂ by decomposition, rounded outward. Proof: proofs/coq/perturbed_norms.v (norm_with_error)."""
        blocks = self.blocks(waves)
        large = blocks.device.type == "cpu" and min(blocks.shape[1:]) >= EIGENVALUES_FROM
        norms = _norms_by_eigenvalues_upper(blocks) if large else spectral_norms_upper(blocks)
        return (norms + self.block_error) * (1.0 + 2 * EPSILON)


def _norms_by_eigenvalues_upper(blocks: Complex[Tensor, "stack rows columns"]) -> Float[Tensor, " stack"]:
    """√λ_max(MM*), which takes a third of the time of singular values, and loses 10⁻¹⁰ of them to rounding.

    Both errors are normwise: of the product, 4(n + 4)u‖M‖_F², n = columns, and of the eigenvalues, as in `eigenvalues`.

    Proof: proofs/coq/perturbed_norms.v (norm_with_error), with the errors of MM* and its eigenvalues.
    """
    rows, columns = blocks.shape[1:]
    grams = blocks @ blocks.mH
    size = torch.linalg.vector_norm(torch.view_as_real(blocks), dim=(1, 2, 3)) ** 2 * (1.0 + 1e-9)
    error = (4 * (columns + 4) * UNIT + EIGENVALUE_SAFETY * rows * EPSILON) * size
    return torch.sqrt((torch.linalg.eigvalsh(grams)[:, -1] + error) * (1.0 + 4 * EPSILON)) * (1.0 + 2 * EPSILON)


@final
class Autocorrelations:
    """R_d of a kernel, once for all tori."""

    def __init__(self, kernel: Float[Tensor, "outputs inputs *taps"]) -> None:
        every = grid_points([torch.arange(1 - size, size, device="cpu") for size in kernel.shape[2:]])
        self.offsets = every[len(every) // 2 :]  # 0 and one of d and −d: they come in lexical order
        by_tap = kernel.flatten(2).permute(2, 0, 1).contiguous().view(*kernel.shape[2:], *kernel.shape[:2])
        count, rows = len(self.offsets), len(kernel)
        terms = kernel.new_zeros((2 * count - 1, rows, rows, 2))
        for number, offset in enumerate(self.offsets.tolist()):
            correlation = _correlation(by_tap, offset)
            torch.add(correlation, correlation.T, out=terms[number, ..., 0])
            if number > 0:
                torch.sub(correlation, correlation.T, out=terms[count + number - 1, ..., 1])
        terms[0] /= 2
        self.terms = terms.flatten(1)
        """What cosines and sines are multiplied with, real and imaginary parts side by side."""


def _correlation(by_tap: Float[Tensor, "*taps outputs inputs"], offset: list[int]) -> Tensor:
    """Σ_t K_{t+d}K_tᵀ."""
    ahead, behind = [], []
    for d, size in zip(offset, by_tap.shape, strict=False):
        ahead.append(slice(max(0, d), size + min(0, d)))
        behind.append(slice(max(0, -d), size + min(0, -d)))
    one, other = (by_tap[tuple(some)].flatten(0, -3) for some in (ahead, behind))
    total = one[0] @ other[0].T
    for left, right in zip(one[1:], other[1:], strict=True):
        total.addmm_(left, right.T)
    return total


@final
class KernelSymbol(AbstractMatrixStack):
    """The blocks of a convolution on a torus, one of Ĉ(ω) and Ĉ(−ω), which are conjugate.

    Args:
        kernel: no more outputs than inputs is fastest.
        correlations: of this kernel.
        torus: where.
    """

    def __init__(self, kernel: ScaledKernel, correlations: Autocorrelations, torus: Torus) -> None:
        self.device = kernel.kernel.device
        self._kernel, self._correlations = kernel, correlations
        self.waves = waves_of_taps(torus, kernel.taps)
        cosines, sines = torus.waves(correlations.offsets)
        self._factors = torch.cat([cosines, sines[:, 1:]], dim=1).to(self.device)

    @property
    def count(self) -> int:
        """How many frequencies."""
        return len(self._factors)

    @property
    def rows(self) -> int:
        """Outputs."""
        return len(self._kernel.kernel)

    def norms_upper(self, chosen: Int[Tensor, " chosen"]) -> Float[Tensor, " chosen"]:
        """By decomposition. Proof: proofs/coq/perturbed_norms.v (norm_with_error)."""
        return self._kernel.norms_upper(self.waves[:, chosen.cpu()])

    def grams(self, chosen: Int[Tensor, " chosen"], dtype: torch.dtype) -> Complex[Tensor, "chosen outputs outputs"]:
        """Ĉ(ω)Ĉ(ω)*, in complex128 and then rounded: torch may compute products of float32 in bfloat16."""
        parts = self._factors[chosen] @ self._correlations.terms
        return torch.view_as_complex(parts.to(dtype.to_real()).view(len(chosen), self.rows, self.rows, 2))

    def gram_error(self, dtype: torch.dtype) -> float:
        """As the module's docstring says."""
        products = self._kernel.by_tap[:, 0].numel() * self._kernel.kernel.shape[1]
        operations = products + 2 * len(self._correlations.offsets) + 4 + PHASE_ERROR
        last = 0.0 if dtype == torch.complex128 else unit_roundoff(dtype)
        return 1.5 * (operations * UNIT + last) * self._kernel.size**2
