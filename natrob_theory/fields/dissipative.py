"""Dissipation added to any field: the one-sided constant falls by the rate."""

import math
from typing import final

from torch import Tensor, nn

from natrob_theory.fields.centred_fields import centred_constants, with_centre
from natrob_theory.fields.combinations import require_module
from natrob_theory.layers.affine import RELATIVE
from natrob_theory.layers.answers import AbstractField
from natrob_theory.layers.questions import (
    ball_field,
    evaluated,
    field_terms,
    follows_convex_potential,
    lipschitz_of_layer,
    one_sided_lipschitz,
    one_sided_lipschitz_in,
    reach,
    stated_structure,
)
from natrob_theory.layers.statements import (
    Affine,
    BallField,
    CentredConstants,
    Evaluated,
    OneSidedConstant,
    Shape,
    Structure,
    Term,
)
from natrob_theory.numbers.argument_checks import require_nonnegative
from natrob_theory.numbers.balls import ball
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON, round_up, times_up


@final
class DissipativeField(AbstractField):
    """f(t, y) − ρy: μ = μ_f − ρ and K ≤ K_f + ρ.

    With μ_f < ρ the exact flow contracts, e^{(μ_f − ρ)T}. Euler's method does so on every such field for
    h < 2(ρ − μ_f)/K²; beyond that some fields expand, and others, such as −diag(1, 10)y at h = 0.15, still contract.

    Args:
        field: an nn.Module with forward(time, state).
        rate: ρ ≥ 0.

    Source: theory, section 3.
    Proof: proofs/coq/one_sided.v, proofs/symbolic/field_combinations.py.
    """

    def __init__(self, field: nn.Module, rate: float) -> None:
        super().__init__()
        self.field = require_module("field", field)
        self.rate = require_nonnegative("rate", rate)

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """dy/dt, of the state's shape (batch, *state)."""
        return self.field(time, state) - self.rate * state

    def extra_repr(self) -> str:
        """The rate, for print(field)."""
        return f"rate={self.rate:g}"

    def lipschitz(self, input_shape: Shape) -> float:
        """K_f + ρ; for a skew field √(K_f² + ρ²), since Ay and ρy are then at right angles."""
        constant = lipschitz_of_layer(self.field, input_shape)
        if stated_structure(self.field, input_shape).skew_symmetric:
            return math.hypot(constant, self.rate) * (1.0 + 4 * EPSILON)
        return (constant + self.rate) * (1.0 + 2 * EPSILON)

    def one_sided(self, input_shape: Shape) -> OneSidedConstant:
        """μ_f − ρ."""
        return self._less_rate(one_sided_lipschitz(self.field, input_shape))

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """That of f, and ρ times the sizes."""
        inner = reach(self.field, norm, sizes, input_shape)
        return round_up(inner + times_up(sizes.to(inner.device), self.rate), 2)

    def one_sided_in(self, norm: Norm, input_shape: Shape) -> OneSidedConstant:
        """μ_f − ρ, in every norm."""
        return self._less_rate(one_sided_lipschitz_in(self.field, norm, input_shape))

    def _less_rate(self, inner: OneSidedConstant) -> OneSidedConstant:
        value = inner.value - self.rate
        return OneSidedConstant(value + EPSILON * abs(value), f"{inner.source}; less the rate {self.rate:g}")

    def is_gradient_flow(self) -> bool:
        """Where f is one: the potential gains ρ‖y‖²/2."""
        return follows_convex_potential(self.field)

    def structure(self, input_shape: Shape) -> Structure:
        """J − ρI: a symmetric J stays symmetric, ⟨v, Jv⟩ falls by ρ; a skew J does not stay skew."""
        inner = stated_structure(self.field, input_shape)
        one_sided = None if inner.one_sided is None else inner.one_sided - self.rate
        return Structure(symmetric=inner.symmetric, one_sided=one_sided)

    def centred(self, input_shape: Shape) -> CentredConstants:
        """γ grows by ρ."""
        inner = centred_constants(self.field, input_shape)
        return with_centre(inner.centre + self.rate, inner.skew, inner.radius)

    def terms(self, input_shape: Shape) -> list[Term]:
        """Those of f, and −ρy."""
        return [*field_terms(self.field, input_shape), Term(-self.rate, [])]

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """The field's own, and a product and a difference."""
        inner = evaluated(self.field, input_shape, Evaluated(norm, 0.0 * norm), unit)
        return (inner.error + 4 * unit * (inner.norm + inner.error + self.rate * norm)) * RELATIVE

    def in_balls(self) -> BallField:
        """f(t, y) − ρy."""
        inner, rate = ball_field(self.field), ball(self.rate)
        return lambda time, state: inner(time, state) - state * rate

    def parts(self) -> tuple[nn.Module, ...]:
        """f."""
        return (self.field,)
