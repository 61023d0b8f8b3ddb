"""Vectors of any real inner product space as formal combinations, and inequalities as identities with a rest.

Finitely many vectors enter an expression in inner products through their Gram matrix alone. So a combination is a
column of coefficients, ⟨u, v⟩ = uᵀGv with a symmetric G of free real symbols, and an identity decided here follows from
bilinearity and symmetry: it holds in every dimension. An inequality is stated by its rest: larger − smaller equals an
expression that sympy knows to be at least 0 from its symbols' signs. Such symbols are called slacks.
"""

from typing import Any, final

import sympy

from proofs.symbolic.exact_steps import require, require_equal


@final
class FormalVectors:
    """Named vectors, of which nothing is known but that they lie in one real inner product space.

    Attributes:
        gram: ⟨a_i, a_j⟩ for the named vectors.
        vectors: the named vectors, as columns of coefficients.
    """

    def __init__(self, *names: str) -> None:
        count = len(names)

        def entry(row: int, column: int) -> sympy.Symbol:
            first, second = sorted((row, column))
            return sympy.Symbol(f"⟨{names[first]},{names[second]}⟩", real=True)

        self.gram: Any = sympy.Matrix(count, count, lambda row, column: entry(int(row), int(column)))
        identity: Any = sympy.eye(count)
        self.vectors: tuple[Any, ...] = tuple(identity[:, index] for index in range(count))

    def inner(self, first: Any, second: Any) -> Any:
        """⟨first, second⟩, expanded."""
        return sympy.expand((first.T * self.gram * second)[0])

    def square(self, vector: Any) -> Any:
        """‖vector‖², expanded."""
        return self.inner(vector, vector)


def require_at_most(smaller: Any, larger: Any, rest: Any, step: str) -> None:
    """smaller ≤ larger, because larger − smaller = rest identically and the signs of its symbols make rest ≥ 0.

    Raises:
        ProofError: the identity fails, or sympy does not see the sign of the rest.
    """
    require_equal(sympy.sympify(larger) - sympy.sympify(smaller), rest, step)
    require(sympy.sympify(rest).is_nonnegative, f"{step}: the rest {rest} is at least 0")
