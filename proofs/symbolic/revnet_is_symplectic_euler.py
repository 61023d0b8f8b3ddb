"""Refuted: RevNet's coupling (21) is Euler's method.

Statement (refuted).  a_{n+1} = a_n + h f₁(b_n), b_{n+1} = b_n + h f₂(a_{n+1}) is Euler's method for (a, b)′ = (f₁(b),
                      f₂(a)).
Counterexample.       f₁(b) = b, f₂(a) = −a: b_{n+1} differs by −h²b_n from Euler's, whose step has determinant
                      1 + h².
What it is.           The symplectic Euler method. Its step is a product of two shears, so its Jacobian J has
                      determinant 1 for all f₁ and f₂. If f₁ = ∇T(b) and f₂ = −∇V(a), H = T + V, then JᵀΩJ = Ω. The
                      step is undone exactly by subtracting in reverse order.
Proof.                Block matrices with blocks that do not commute, so the halves may have any size; then once more
                      with generic functions T and V of two variables each, differentiated.

Source of the name: Hairer, Lubich, Wanner, Geometric Numerical Integration, VI.3.
"""

from typing import Any

import sympy

from proofs.claim import Claim, Verdict
from proofs.symbolic.exact_steps import require, require_different, require_equal

CLAIM = Claim(
    statement="RevNet's coupling (21) is Euler's method",
    assumptions=("f₁ and f₂ are smooth", "for the symplectic form: f₁ = ∇T and f₂ = −∇V"),
    source="the paper's (21); theory, section 1",
    verdict=Verdict.REFUTED,
)

h = sympy.Symbol("h", positive=True)
A, B = sympy.symbols("A B", commutative=False)  # matrices: the derivatives of f₁ and f₂


def check() -> None:
    """The counterexample, the Jacobian in blocks and for generic T and V, and the inverse step."""
    _counterexample()
    _blocks()
    _generic_hamiltonian()
    _inverse_step()


def _coupling(first: Any, second: Any, first_field: Any, second_field: Any) -> tuple[Any, Any]:
    """(21): the second line uses what the first has computed."""
    moved = first + h * first_field(second)
    return moved, second + h * second_field(moved)


def _counterexample() -> None:
    """The harmonic oscillator."""
    a, b = sympy.symbols("a b", real=True)
    coupling = sympy.Matrix(_coupling(a, b, lambda point: point, lambda point: -point))
    euler = sympy.Matrix([a + h * b, b - h * a])
    difference = sympy.expand((coupling - euler)[1])
    require_equal(difference, -(h**2) * b, "b_{n+1} differs by −h²b_n")
    require_different(difference.subs({h: 1, b: 1}), 0, "which is −1 at h = b = 1")
    # the determinants of the two steps
    require_equal(coupling.jacobian([a, b]).det(), 1, "(21) keeps areas")
    require_equal(euler.jacobian([a, b]).det(), 1 + h**2, "Euler's method enlarges them")
    require((h**2).is_positive, "1 + h² > 1")


def _blocks() -> None:
    """J = [[I, 0], [hB, I]]·[[I, hA], [0, I]] with A = f₁′(b_n), B = f₂′(a_{n+1}), matrices of any size."""
    first_shear: Any = sympy.Matrix([[1, h * A], [0, 1]])
    second_shear: Any = sympy.Matrix([[1, 0], [h * B, 1]])
    form: Any = sympy.Matrix([[0, 1], [-1, 0]])
    # each shear is block triangular with identities on the diagonal, so its determinant is 1 whatever A and B are
    require(first_shear[1, 0] == 0 and second_shear[0, 1] == 0, "the shears are block triangular")
    require(first_shear[0, 0] == first_shear[1, 1] == second_shear[0, 0] == second_shear[1, 1] == 1, "identities")
    # A = T″ and B = −V″ are symmetric, so the transposed shears contain A and B themselves
    first_transposed: Any = sympy.Matrix([[1, 0], [h * A, 1]])
    second_transposed: Any = sympy.Matrix([[1, h * B], [0, 1]])
    require_equal(first_transposed * form * first_shear, form, "the first shear keeps Ω")
    require_equal(second_transposed * form * second_shear, form, "the second shear keeps Ω")
    jacobian = second_shear * first_shear
    transposed = first_transposed * second_transposed
    require_equal(jacobian, sympy.Matrix([[1, h * A], [h * B, 1 + h**2 * B * A]]), "J in blocks")
    require_equal(transposed * form * jacobian, form, "JᵀΩJ = Ω")


def _generic_hamiltonian() -> None:
    """Generic smooth T(b) and V(a), halves of size two: the shears differentiated, each at its own point."""
    a = sympy.symbols("a_1 a_2", real=True)
    b = sympy.symbols("b_1 b_2", real=True)
    kinetic, potential = sympy.Function("T")(*b), sympy.Function("V")(*a)
    # (a, b) ↦ (a + h∇T(b), b) and then (a, b) ↦ (a, b − h∇V(a))
    first_shear = sympy.Matrix([*(a[i] + h * sympy.diff(kinetic, b[i]) for i in (0, 1)), *b])
    second_shear = sympy.Matrix([*a, *(b[i] - h * sympy.diff(potential, a[i]) for i in (0, 1))])
    form: Any = sympy.Matrix([[0, 0, 1, 0], [0, 0, 0, 1], [-1, 0, 0, 0], [0, -1, 0, 0]])
    for shear in (first_shear, second_shear):
        jacobian = shear.jacobian([*a, *b])
        require_equal(jacobian.T * form * jacobian, form, "the shear keeps Ω")
        require_equal(jacobian.det(), 1, "the shear has determinant 1")
    # what two maps keep at every point their composition keeps: (J₂J₁)ᵀΩ(J₂J₁) = J₁ᵀ(J₂ᵀΩJ₂)J₁ = J₁ᵀΩJ₁ = Ω.
    # halves of size one: the whole step at once, by the chain rule that sympy applies itself
    x, y = sympy.symbols("a b", real=True)
    slope_of_kinetic, slope_of_potential = sympy.Function("t"), sympy.Function("v")  # T′ and V′
    step = sympy.Matrix(_coupling(x, y, slope_of_kinetic, lambda point: -slope_of_potential(point)))
    require_equal(step.jacobian([x, y]).det(), 1, "the step keeps areas for generic T′ and V′")


def _inverse_step() -> None:
    """b_n = b_{n+1} − h f₂(a_{n+1}), then a_n = a_{n+1} − h f₁(b_n): for generic f₁ and f₂."""
    a, b = sympy.symbols("a b", real=True)
    first_field, second_field = sympy.Function("f_1"), sympy.Function("f_2")
    moved, after = _coupling(a, b, first_field, second_field)
    second = sympy.expand(after - h * second_field(moved))
    require_equal(second, b, "b_n comes back")
    require_equal(moved - h * first_field(second), a, "and with it a_n")
    # Euler's step has no such inverse: for f₁(b) = b, f₂(a) = a, h = 1 its matrix [[1, 1], [1, 1]] is singular
    euler: Any = sympy.Matrix([[1, h], [h, 1]])
    require_equal(euler.subs(h, 1).det(), 0, "Euler's step can be singular")
