"""Any explicit Runge–Kutta method, given as a tableau."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, final

from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers.arithmetic import AbstractArithmetic
from natrob_theory.steppers.coefficient import Coefficient, coefficient
from natrob_theory.steppers.explicit_stepper import AbstractExplicitStepper
from natrob_theory.tableaus import ButcherTableau


@final
class RungeKuttaStepper(AbstractExplicitStepper[Field]):
    """y_{n+1} = y_n + h Σ bᵢ kᵢ with the stages of an explicit tableau.

    G(x) = 1 + x|b|ᵀ(I − x|A|)⁻¹𝟙, attained by f = Ky iff no coefficient that matters is negative
    (theory, section 1). For Dormand–Prince G is not tight.

    Proof: proofs/coq/runge_kutta.v, proofs/symbolic/growth_polynomials.py, proofs/symbolic/growth_attained.py.
    """

    def __init__(self, tableau: ButcherTableau) -> None:
        if not isinstance(tableau, ButcherTableau):
            raise TypeError(f"`tableau` must be a ButcherTableau, got {type(tableau).__name__}")
        self.tableau = tableau
        used = max(stage for stage, weight in enumerate(tableau.b, start=1) if weight != 0)
        rows = zip(tableau.a[:used], tableau.c[:used], strict=True)
        self._stages = tuple((_nonzero(row), coefficient(node)) for row, node in rows)
        self._weights = _nonzero(tableau.b)

    @property
    def name(self) -> str:
        """The tableau's name."""
        return self.tableau.name

    def advance(self, arithmetic: AbstractArithmetic[Any], state: Any) -> Any:
        """Stage by stage; those after the last nonzero weight serve error control only and are left out."""
        slopes: list[Any] = []
        for row, node in self._stages:
            point = arithmetic.mix(state, *[(weight, slopes[stage]) for weight, stage in row]) if row else state
            slopes.append(arithmetic.slope(node, point))
        return arithmetic.mix(state, *[(weight, slopes[stage]) for weight, stage in self._weights])


def _nonzero(weights: Sequence[Fraction]) -> tuple[tuple[Coefficient, int], ...]:
    """(weight, stage) of the weights that are not 0."""
    return tuple((coefficient(weight), stage) for stage, weight in enumerate(weights) if weight != 0)
