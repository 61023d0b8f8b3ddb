"""Norms of states, one number per sample, accumulated in float64."""

from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.numbers.powers_of_two import exponent_of_largest, times_power_of_two

Norm: TypeAlias = Literal["L2", "Linf", "L1"]
"""The norm of states: ‖v‖₂, the largest |v_i|, or Σ|v_i|."""

NORMS: tuple[Norm, ...] = ("L2", "Linf", "L1")

DUAL_NORMS: dict[Norm, Norm] = {"L2": "L2", "Linf": "L1", "L1": "Linf"}
"""|⟨w, v⟩| ≤ ‖w‖'‖v‖ with the dual norm ‖·‖' (Hölder)."""

SAFE_TO_SQUARE = (1e-140, 1e140)
"""Lengths between these were found without an over- or underflow that matters."""


def per_sample_l2(state: Float[Tensor, "batch *state"]) -> Float[Tensor, " batch"]:
    """‖y_i‖₂ of each sample over all its entries, in float64 whatever the input's precision.

    Right for entries of every size: where squares would over- or underflow, the entries are scaled first. ∞ only where
    the norm itself is beyond float64, NaN where an entry is.
    """
    return l2_norm(state.flatten(1), dim=1)


def per_sample_norm(state: Float[Tensor, "batch *state"], norm: Norm) -> Float[Tensor, " batch"]:
    """‖y_i‖ of each sample over all its entries, in float64; see `Norm`."""
    if norm == "L2":
        return per_sample_l2(state)
    sizes = state.flatten(1).double().abs()
    return sizes.amax(dim=1) if norm == "Linf" else sizes.sum(dim=1)


def l2_norm(vectors: Float[Tensor, "..."], *, dim: int) -> Float[Tensor, "..."]:
    """‖v‖₂ along an axis, in float64, for entries of every size."""
    double = vectors.double()
    length = torch.linalg.vector_norm(double, dim=dim)
    if vectors.dtype != torch.float64:  # squares of all other types are normal numbers in float64
        return length
    low, high = SAFE_TO_SQUARE
    if bool(((length > low) & (length < high)).all()):
        return length
    exponent = exponent_of_largest(double, dim)
    scaled = torch.linalg.vector_norm(times_power_of_two(double, -exponent), dim=dim)
    return times_power_of_two(scaled, exponent.squeeze(dim))


def row_lengths(rows: Float[Tensor, "batch d"]) -> Float[Tensor, " batch"]:
    """‖row‖₂ of each, as `per_sample_l2`, in the dtype of the rows."""
    return per_sample_l2(rows).to(rows.dtype)


def linf_radius_as_l2(epsilon: float, dimension: int) -> float:
    """The L2 radius `ε√d` of the smallest L2 ball that holds the L∞ ball of radius ε in d dimensions."""
    return epsilon * dimension**0.5
