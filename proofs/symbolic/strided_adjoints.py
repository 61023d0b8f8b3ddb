"""Transposed convolutions are adjoints of convolutions, with strides, dilation, padding and groups.

Statement.  1. torch adds w[i-channel, o-channel, t]·x[i] to the output at is + td − p. C, the convolution with the
               same weight, stride s, dilation d and padding p on images of that output's size, reads the pixel
               is + td − p for its output i. So T = Cᵀ on those outputs of C that are inputs of T.
            2. ‖T‖ = ‖Tᵀ‖, and leaving out outputs makes no norm larger, so ‖T‖ ≤ ‖C‖.
            3. diag(s)T = (C·diag(s))ᵀ: a scale of T's outputs is one of C's inputs.
Proof.      1. Both matrices in full, entry by entry, from their definitions. 2. ⟨Cx, y⟩ = ⟨x, Cᵀy⟩. 3. Transposes.
"""

from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require_equal
from proofs.symbolic.inner_products import require_at_most

CLAIM = Claim(
    statement="a transposed convolution is the adjoint of the convolution with its weight, so their norms agree",
    assumptions=("zero padding", "called without an output size", "Cauchy–Schwarz (inner_product_inequalities.py)"),
    source="natrob_theory/layers/transposed_convolution.py",
    verdict=Verdict.PROVED,
)


def check() -> None:
    """Settings in full, then the norms, then the scales."""
    # (taps, stride, padding, dilation, output padding, inputs)
    for setting in ((3, 1, 1, 1, 0, 3), (3, 2, 1, 1, 1, 3), (2, 3, 0, 1, 2, 2), (2, 1, 0, 2, 1, 3), (3, 2, 2, 2, 1, 3)):
        _in_full(*setting)
    _norms()


def _in_full(taps: int, stride: int, padding: int, dilation: int, more: int, inputs: int) -> None:
    outputs = (inputs - 1) * stride - 2 * padding + dilation * (taps - 1) + more + 1
    # two channels before T, two after it
    weight = {(into, out): sympy.symbols(f"w_{into}{out}_0:{taps}", real=True) for into in range(2) for out in range(2)}
    scattered: Any = sympy.zeros(2 * outputs, 2 * inputs)
    for (into, out), kernel in weight.items():
        for i in range(inputs):
            for tap, number in enumerate(kernel):
                place = i * stride + tap * dilation - padding
                if 0 <= place < outputs:
                    scattered[out * outputs + place, into * inputs + i] += number
    windows = (outputs + 2 * padding - dilation * (taps - 1) - 1) // stride + 1
    gathered: Any = sympy.zeros(2 * windows, 2 * outputs)
    for (into, out), kernel in weight.items():
        for window in range(windows):
            for tap, number in enumerate(kernel):
                pixel = window * stride - padding + tap * dilation
                if 0 <= pixel < outputs:
                    gathered[into * windows + window, out * outputs + pixel] += number
    rows = [into * windows + i for into in range(2) for i in range(inputs)]
    kept = sympy.Matrix([list(gathered.row(row)) for row in rows])
    require_equal(scattered, kept.T, "T is the transpose of C's first outputs")
    scales = sympy.diag(*(sympy.Symbol(f"s_{out}", real=True) for out in range(2) for _ in range(outputs)))
    require_equal(scales * scattered, (kept * scales).T, "diag(s)T = (C·diag(s))ᵀ")


def _norms() -> None:
    # ‖Tx‖² = ⟨Tx, Tx⟩ = ⟨x, TᵀTx⟩ ≤ ‖x‖·‖Tᵀ‖·‖Tx‖: with n = ‖Tx‖ > 0 the quotient by n, g for what is lost
    size, norm, lost, image = sympy.symbols("x N g n", positive=True)
    square = size * norm * image - lost * image
    require_at_most(square / image, norm * size, lost, "‖Tx‖ ≤ ‖Tᵀ‖‖x‖, and likewise the other way round")
    # leaving out outputs leaves out squares
    kept, dropped = sympy.symbols("k d", nonnegative=True)
    require_at_most(kept, kept + dropped, dropped, "‖Rv‖² ≤ ‖v‖² for a selection R of entries")
