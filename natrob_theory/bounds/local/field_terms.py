"""A field as a sum of chains, f(y) = Σ c_k·chain_k(y): what the local bound of a step works with."""

from typing import NamedTuple

from torch import nn

from natrob_theory.bounds.dense_maps import Opaque, Piece, chain_of
from natrob_theory.fields import DissipativeField, ScaledField, SumField
from natrob_theory.layers.altered_layers import computes_as
from natrob_theory.layers.refusal import Shape


class Term(NamedTuple):
    """c·chain(y); the empty chain is y itself."""

    factor: float
    chain: list[Piece]


def field_terms(field: nn.Module, input_shape: Shape) -> list[Term] | None:
    """The chains of a field; None where one of them has a layer that is no matrix and no activation here."""
    terms = _terms(field, input_shape)
    return None if any(isinstance(piece, Opaque) for term in terms for piece in term.chain) else terms


def _terms(field: nn.Module, input_shape: Shape) -> list[Term]:
    if computes_as(field, DissipativeField):
        return [*_terms(field.field, input_shape), Term(-field.rate, [])]
    if computes_as(field, ScaledField):
        return [Term(field.factor * term.factor, term.chain) for term in _terms(field.field, input_shape)]
    if computes_as(field, SumField):
        return [term for part in field.fields for term in _terms(part, input_shape)]
    return [Term(1.0, chain_of(field, input_shape))]
