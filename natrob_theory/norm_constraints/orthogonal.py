"""Orthonormal rows or columns by Newton and Schulz's iteration."""

from typing import final

from torch import Tensor

from natrob_theory.norm_constraints.abstract_constraint import AbstractNormConstraint
from natrob_theory.norm_constraints.matrix_norms import gram_norm

NEWTON_SCHULZ_STEPS = 8
"""Each step raises a small singular value by half; eight bring 1/10 of the norm to within 2·10⁻³ of 1."""


@final
class NearlyOrthogonal(AbstractNormConstraint):
    """W near the orthogonal factor of V: M ← ½M(3 − MᵀM) from M = V/‖V‖, which keeps every norm at most 1.

    A singular value s becomes s(3 − s²)/2, which grows with s on [0, 1], has 1 as its fixed point and exceeds s below
    it: so ‖W‖₂ ≤ 1 after any number of steps, and all singular values that are not 0 tend to 1, the smallest last.
    Rows are orthonormal in the limit where there are no more of them than columns, else columns.

    Source: Björck and Bowie, SIAM J. Numer. Anal. 8 (1971); Anil, Lucas and Grosse, ICML 2019.
    Proof: proofs/symbolic/newton_schulz.py.
    """

    def constrained(self, raw: Tensor) -> Tensor:
        """The iterate after `NEWTON_SCHULZ_STEPS` steps."""
        matrix = raw.flatten(1)
        wide = matrix.shape[0] <= matrix.shape[1]
        current = matrix if wide else matrix.t()
        current = current / gram_norm(current).clamp_min(1e-30)
        for _ in range(NEWTON_SCHULZ_STEPS):
            current = 1.5 * current - 0.5 * (current @ current.t()) @ current
        return (current if wide else current.t()).view_as(raw)
