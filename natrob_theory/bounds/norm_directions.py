"""Directions in which a Jacobian stretches, or expands, most in L∞ and L1: suggestions for a search of pairs.

‖J‖_∞ is attained by the signs of the largest row, ‖J‖₁ by the unit vector of the largest column. Which row or column is
largest is looked for as in the power method (Boyd, Linear Algebra Appl. 9, 1974; Higham, Numer. Math. 62, 1992): from
Jx to the row where it is largest, from that row's signs to the next x. No step lowers ‖Jx‖.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.numbers.jacobian_products import Linearisation
from natrob_theory.numbers.norms import Norm, per_sample_norm


def steepest_direction(jacobian: Linearisation, start: Tensor, norm: Norm, steps: int) -> Tensor:
    """x of unit size with ‖Jx‖ as large as `steps` rounds find it, begun at `start`."""
    direction = start
    for _ in range(steps):
        direction = _dual(jacobian.transposed_times(_dual(jacobian.times(direction), norm)), _other(norm))
    return direction


def expanding_direction(jacobian: Linearisation, start: Tensor, norm: Norm, steps: int) -> Tensor:
    """x whose one-sided quotient is as large as `steps` rounds find it: the signs of a row, or a column's unit vector.

    In L∞ the row's own entry is 1 and the others a little less, so that it alone is the largest.
    """
    less = 1.0 - torch.finfo(start.dtype).eps ** 0.4
    place = _place(start.flatten(1))
    direction = start
    for _ in range(steps):
        row = jacobian.transposed_times(_unit(start, place)).flatten(1)
        if norm == "L1":
            column = jacobian.times(_unit(start, place)).flatten(1)
            direction = _unit(start, place)
            signs = _signs(column).scatter(1, place, 1.0)
            place = _place(jacobian.transposed_times(signs.view_as(start)).flatten(1), size=False)
        else:
            signs = _signs(row).scatter(1, place, 1.0)
            direction = (less * signs).scatter(1, place, 1.0).view_as(start)
            place = _place(jacobian.times(signs.view_as(start)).flatten(1) * signs, size=False)
    return direction


def one_sided_quotients(
    step: Float[Tensor, "batch entries"], rise: Float[Tensor, "batch entries"], norm: Norm
) -> Float[Tensor, " batch"]:
    """A number of at most μ of each pair e = z − y, Δf: ⟨Δf, e⟩/‖e‖², ±Δf_i/‖e‖ at the largest |e_i|, Σ ±Δf_i/‖e‖.

    Proof: proofs/symbolic/row_and_column_norms.py.
    """
    length = per_sample_norm(step, norm).to(step)
    if norm == "Linf":
        peak = step.abs().argmax(dim=1, keepdim=True)
        return (rise.gather(1, peak) * step.gather(1, peak).sign())[:, 0] / length
    return torch.where(step == 0, rise.abs(), rise * step.sign()).sum(dim=1) / length


def _other(norm: Norm) -> Norm:
    return "L1" if norm == "Linf" else "Linf"


def _dual(vectors: Tensor, norm: Norm) -> Tensor:
    """w with ⟨w, v⟩ = ‖v‖ and dual norm 1: the sign at the largest entry for L∞, all signs for L1."""
    flat = vectors.flatten(1)
    if norm == "L1":
        return _signs(flat).view_as(vectors)
    place = _place(flat)
    return torch.zeros_like(flat).scatter(1, place, _signs(flat).gather(1, place)).view_as(vectors)


def _signs(values: Tensor) -> Tensor:
    return torch.where(values < 0, -torch.ones_like(values), torch.ones_like(values))


def _place(values: Tensor, *, size: bool = True) -> Tensor:
    """Where each row is largest, by size or as it is."""
    return (values.abs() if size else values).argmax(dim=1, keepdim=True)


def _unit(like: Tensor, place: Tensor) -> Tensor:
    return torch.zeros_like(like.flatten(1)).scatter(1, place, 1.0).view_as(like)
