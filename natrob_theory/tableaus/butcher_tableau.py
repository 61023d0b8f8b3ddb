"""`ButcherTableau`: the coefficients of an explicit Runge–Kutta method, exact, and wrong ones refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import final

from natrob_theory.tableaus.local_error_constants import LocalErrorConstants, error_polynomial, kappa
from natrob_theory.tableaus.rooted_trees import order_of

CHECKED_ORDER = 5


@final
@dataclass(frozen=True, kw_only=True)
class ButcherTableau:
    """An explicit Runge–Kutta method as data: y₁ = y₀ + h Σ bᵢ kᵢ, kᵢ = f(t₀ + cᵢh, y₀ + h Σⱼ aᵢⱼ kⱼ).

    The constructor proves the tableau in exact arithmetic: shapes, A strictly lower triangular, row sums
    Σⱼ aᵢⱼ = cᵢ, Σ bᵢ = 1, and that the order is the declared one (order conditions through order 5; above
    that, that it is at least 5). That the library's tableaus have their orders is derived once more, by other means, in
    proofs/symbolic/order_conditions.py.

    Attributes:
        name: what the literature calls the method.
        a: the matrix A, s rows of s Fractions.
        b: the weights of the solution that is carried on.
        c: the nodes.
        order: the order of b.
        b_embedded: the weights of the comparison solution of an embedded pair, or None.
        order_embedded: its order, or None.
        source: where the coefficients are printed.

    Raises:
        ValueError: one of the conditions fails; the message says which.
    """

    name: str
    a: tuple[tuple[Fraction, ...], ...]
    b: tuple[Fraction, ...]
    c: tuple[Fraction, ...]
    order: int
    b_embedded: tuple[Fraction, ...] | None = None
    order_embedded: int | None = None
    source: str

    def __post_init__(self) -> None:
        self._check_shapes()
        for row, (entries, node) in enumerate(zip(self.a, self.c, strict=True)):
            if any(entry != 0 for entry in entries[row:]):
                raise ValueError(f"tableau {self.name}: A must be strictly lower triangular, row {row} is not")
            if sum(entries, Fraction(0)) != node:
                raise ValueError(f"tableau {self.name}: row {row} of A must sum to c = {node}, got {sum(entries)}")
        self._check_order("b", self.b, self.order)
        if (self.b_embedded is None) != (self.order_embedded is None):
            raise ValueError(f"tableau {self.name}: `b_embedded` and `order_embedded` must come together")
        if self.b_embedded is not None and self.order_embedded is not None:
            self._check_order("b_embedded", self.b_embedded, self.order_embedded)

    def _check_shapes(self) -> None:
        stages = len(self.b)
        lengths = {len(self.a), len(self.c), *(len(row) for row in self.a)}
        if self.b_embedded is not None:
            lengths.add(len(self.b_embedded))
        if stages == 0 or lengths != {stages}:
            raise ValueError(f"tableau {self.name}: A, b and c must have the same number of stages, got {lengths}")
        entries = [*self.b, *self.c, *(self.b_embedded or ()), *(entry for row in self.a for entry in row)]
        if not all(isinstance(entry, Fraction) for entry in entries):
            raise TypeError(f"tableau {self.name}: every coefficient must be a fractions.Fraction")

    def _check_order(self, label: str, weights: Sequence[Fraction], declared: int) -> None:
        total = sum(weights, Fraction(0))
        if total != 1:
            raise ValueError(f"tableau {self.name}: the weights {label} must sum to 1, got {total}")
        actual = order_of(self.a, weights, up_to=CHECKED_ORDER)
        if actual != min(declared, CHECKED_ORDER):
            raise ValueError(f"tableau {self.name}: {label} is declared of order {declared}, but has order {actual}")

    @property
    def stages(self) -> int:
        """The number s of stages."""
        return len(self.b)

    def growth_polynomial(self) -> tuple[Fraction, ...]:
        """Coefficients of G(x) = 1 + x|b|ᵀ(I − x|A|)⁻¹𝟙 in ascending powers of x = hK, trailing zeros dropped.

        Assumes only that f(t, ·) is K-Lipschitz; then ‖e_{n+1}‖ ≤ G(hK)‖e_n‖ in any norm (theory, section 1).
        For nonnegative coefficients G is the stability polynomial, and f = Ky attains it.

        Proof: proofs/coq/runge_kutta.v, proofs/symbolic/growth_polynomials.py, proofs/symbolic/growth_attained.py; the
            library's own, written out, proofs/coq/tableau_growth.v.
        """
        return self._propagation_polynomial(absolute=True)

    def stability_polynomial(self) -> tuple[Fraction, ...]:
        """Coefficients of R(z) = 1 + z bᵀ(I − zA)⁻¹𝟙 in ascending powers: y₁ = R(hλ) y₀ for f = λy.

        Proof: proofs/symbolic/stability_functions.py.
        """
        return self._propagation_polynomial(absolute=False)

    def local_error_constants(self) -> LocalErrorConstants:
        """κ_i, κ_b and κ_d: how far rows and weights miss the integral of a Lipschitz function, exact.

        Raises:
            ValueError: a node is negative: the flow would have to be followed backward in time.

        Source: theory, section 8.
        Proof: proofs/coq/local_error.v (weights_constants, fehlberg_constants).
        Proof: proofs/coq/quadrature_defect.v (quadrature_defect).
        """
        if any(node < 0 for node in self.c):
            raise ValueError(f"tableau {self.name}: nodes must be at least 0 for a local error bound, got {self.c}")
        difference = self.embedded_difference
        return LocalErrorConstants(
            stages=tuple(kappa(row, self.c, node) for row, node in zip(self.a, self.c, strict=True)),
            weights=kappa(self.b, self.c, Fraction(1)),
            difference=None if difference is None else kappa(difference, self.c, Fraction(0)),
            reach=max(Fraction(1), *self.c),
        )

    def local_error_polynomial(self) -> tuple[Fraction, ...]:
        """Coefficients of κ_b + x|b|ᵀ(I − x|A|)⁻¹κ in ascending powers of x = hK.

        Times Kh²‖f(y)‖e^{max(μ,0)h} it bounds the local error of a step from y, for every autonomous f with these
        constants. Raises ValueError where a node is negative.

        Source: theory, section 8.
        Proof: proofs/coq/local_error.v (local_error, weights_constants).
        Proof: proofs/coq/local_error.v (local_error_of_speed, bracket_grows).
        """
        constants = self.local_error_constants()
        return error_polynomial(self.a, self.b, constants.stages, constants.weights)

    def embedded_estimate_polynomial(self) -> tuple[Fraction, ...]:
        """Coefficients of κ_d + x|d|ᵀ(I − x|A|)⁻¹κ with d = b − b_embedded, in ascending powers of x = hK.

        Times Kh²‖f(y)‖e^{max(μ,0)h} it bounds the embedded estimate ‖h Σ d_i k_i‖ of a step from y.

        Raises:
            ValueError: the tableau has no embedded weights, or a node is negative.

        Source: theory, section 8.
        Proof: proofs/coq/local_error.v (embedded_estimate).
        """
        difference, constants = self.embedded_difference, self.local_error_constants()
        if difference is None or constants.difference is None:
            raise ValueError(f"tableau {self.name}: `b_embedded` must be given for an estimate, got None")
        return error_polynomial(self.a, difference, constants.stages, constants.difference)

    @property
    def embedded_difference(self) -> tuple[Fraction, ...] | None:
        """d = b − b_embedded; None where the tableau has no pair."""
        if self.b_embedded is None:
            return None
        return tuple(one - other for one, other in zip(self.b, self.b_embedded, strict=True))

    def _propagation_polynomial(self, *, absolute: bool) -> tuple[Fraction, ...]:
        sign = abs if absolute else lambda entry: entry
        coefficients = [Fraction(1)]
        powers = [Fraction(1)] * self.stages  # A^k 𝟙
        for _ in range(self.stages):
            coefficients.append(sum((sign(b) * p for b, p in zip(self.b, powers, strict=True)), Fraction(0)))
            powers = [
                sum((sign(entry) * p for entry, p in zip(row, powers, strict=True)), Fraction(0)) for row in self.a
            ]
        while len(coefficients) > 1 and coefficients[-1] == 0:
            coefficients.pop()
        return tuple(coefficients)


def fractions(*entries: int | str) -> tuple[Fraction, ...]:
    """A row of coefficients from integers and strings such as "44/45"."""
    return tuple(Fraction(entry) for entry in entries)
