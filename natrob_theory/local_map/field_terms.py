"""A field as a sum of chains, f(y) = Σ c_k·chain_k(y): what the local bound of a step works with."""

from typing import NamedTuple

import torch
from torch import nn

from natrob_theory.altered_layers import computes_as
from natrob_theory.fields import (
    AutonomousField,
    DissipativeField,
    GradientFlowField,
    LinearField,
    ScaledField,
    SkewSymmetricField,
    SumField,
)
from natrob_theory.lipschitz.dense_maps import Activation, AffineMap, Opaque, Piece, chain_of
from natrob_theory.lipschitz.refusal import Shape
from natrob_theory.rounding import EPSILON


class Term(NamedTuple):
    """c·chain(y); the empty chain is y itself."""

    factor: float
    chain: list[Piece]


def field_terms(field: nn.Module, input_shape: Shape) -> list[Term] | None:
    """The chains of a field, or None for a field of which no chain of matrices and activations is known here."""
    terms = _terms(field, input_shape)
    if terms is None or any(isinstance(piece, Opaque) for term in terms for piece in term.chain):
        return None
    return terms


def _terms(field: nn.Module, input_shape: Shape) -> list[Term] | None:
    if computes_as(field, DissipativeField):
        inner = _terms(field.field, input_shape)
        return None if inner is None else [*inner, Term(-field.rate, [])]
    if computes_as(field, ScaledField):
        inner = _terms(field.field, input_shape)
        return None if inner is None else [Term(field.factor * term.factor, term.chain) for term in inner]
    if computes_as(field, SumField):
        parts = [_terms(part, input_shape) for part in field.fields]
        return None if None in parts else [term for part in parts if part is not None for term in part]
    if computes_as(field, GradientFlowField):
        return _gradient_flow(field, input_shape)
    if computes_as(field, SkewSymmetricField):
        return _skew(field, input_shape)
    if computes_as(field, AutonomousField) or computes_as(field, LinearField):
        return [Term(1.0, chain_of(field, input_shape))]
    return None


def _gradient_flow(field: GradientFlowField, input_shape: Shape) -> list[Term] | None:
    """−Wᵀσ(Wy + b)."""
    inner = chain_of(nn.Sequential(field.linear_map, field.activation), input_shape)
    if len(inner) != 2 or not isinstance(inner[0], AffineMap) or not isinstance(inner[1], Activation):
        return None
    return [Term(-1.0, [*inner, _linear(inner[0].matrix.T, entry_error=inner[0].entry_error)])]


def _skew(field: SkewSymmetricField, input_shape: Shape) -> list[Term] | None:
    """(A − Aᵀ)y; every difference of entries is rounded once."""
    inner = chain_of(field.linear_map, input_shape)
    if len(inner) != 1 or not isinstance(inner[0], AffineMap):
        return None
    matrix = inner[0].matrix
    return [Term(1.0, [_linear(matrix - matrix.T, entry_error=inner[0].entry_error + EPSILON)])]


def _linear(matrix: torch.Tensor, *, entry_error: float) -> AffineMap:
    zeros = torch.zeros(len(matrix), dtype=torch.float64, device=matrix.device)
    return AffineMap(matrix=matrix.contiguous(), bias=zeros, entry_error=entry_error, bias_error=zeros)
