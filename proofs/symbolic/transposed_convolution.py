"""The transpose of a zero-padded convolution, which structured fields use beside the convolution itself.

Statement.  Stride 1, taps c_0 … c_{2p}, zero padding p (the size is kept): T[x, y] = c_{y − x + p}. Its transpose is
            the convolution with the flipped kernel c_{2p − t}, channels exchanged, same padding; and A − Aᵀ is the
            convolution with kernel minus flipped kernel.
Proof.      An identity of indices, of one axis at a time.
"""

from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_equal

CLAIM = Claim(
    statement="Aᵀ of a size-keeping zero-padded convolution has the flipped kernel with its channels exchanged",
    assumptions=("odd kernel 2p + 1", "padding p", "stride 1, dilation 1, one group"),
    source="natrob_theory/fields/linear_map.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """The indices in general, then the matrices for two channels in full."""
    x, y, p = sympy.symbols("x y p", integer=True)
    # Tᵀ[x, y] = T[y, x] uses tap x − y + p, and the flipped kernel at y − x + p is tap 2p − (y − x + p)
    require_equal(x - y + p, 2 * p - (y - x + p), "the transposed matrix reads the flipped kernel")
    for size, padding in ((2, 1), (4, 1), (4, 2)):
        _in_full(size, padding)


def _in_full(size: int, padding: int) -> None:
    taps = 2 * padding + 1
    kernel = {
        (out, into): list(sympy.symbols(f"c_{out}{into}_0:{taps}", real=True)) for out in range(2) for into in range(2)
    }
    flipped = {(out, into): list(reversed(kernel[into, out])) for out, into in kernel}
    skew = {pair: [c - f for c, f in zip(kernel[pair], flipped[pair], strict=True)] for pair in kernel}
    matrix, transposed = _matrix(kernel, size, padding), _matrix(flipped, size, padding)
    require_equal(matrix.T, transposed, "Aᵀ is the convolution with the flipped kernel, channels exchanged")
    require_equal(matrix - matrix.T, _matrix(skew, size, padding), "A − Aᵀ is a convolution")


def _matrix(kernel: dict[tuple[int, int], list[Any]], size: int, padding: int) -> Any:
    """The convolution as a 2×2 block matrix over channels, T[x, y] = c_{y − x + p} in each block."""

    def block(taps: list[Any]) -> Any:
        return sympy.Matrix(
            size,
            size,
            lambda x, y: taps[int(y) - int(x) + padding] if 0 <= int(y) - int(x) + padding < len(taps) else 0,
        )

    return sympy.Matrix(sympy.BlockMatrix([[block(kernel[out, into]) for into in range(2)] for out in range(2)]))
