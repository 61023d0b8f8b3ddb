"""The two operations over which every explicit step is written."""

import abc
from collections.abc import Iterator
from typing import Generic, TypeAlias, TypeVar

from natrob_theory.steppers.coefficient import Coefficient

ValueT = TypeVar("ValueT")

Term: TypeAlias = ValueT | tuple[Coefficient, ValueT]
"""A value that is added as it is, or with a weight. No arithmetic has plain tuples as values."""


class AbstractArithmetic(abc.ABC, Generic[ValueT]):
    """A meaning of a step: tensors compute it, balls enclose it, reaches bound it, polynomials are its growth."""

    @abc.abstractmethod
    def slope(self, node: Coefficient, point: ValueT, *, part: int = 0) -> ValueT:
        """h·f(t + node·h, point); `part` says which field where a step has several."""

    @abc.abstractmethod
    def mix(self, base: ValueT | None, *terms: Term[ValueT]) -> ValueT:
        """`base` plus the terms, in their order; nothing but the terms where `base` is None."""


def weighted(terms: tuple[Term[ValueT], ...]) -> Iterator[tuple[Coefficient | None, ValueT]]:
    """Each term's weight, None where it is added as it is, and its value."""
    for term in terms:
        if isinstance(term, tuple):
            yield term
        else:
            yield None, term
