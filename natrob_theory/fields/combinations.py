"""Sums and multiples of fields: μ(f + g) ≤ μ(f) + μ(g), and μ(cf) = cμ(f) for c ≥ 0."""

import math
from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from natrob_theory.fields.centred_fields import centred_constants, with_centre
from natrob_theory.fields.evaluation import field_name
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
from natrob_theory.numbers.argument_checks import require_finite
from natrob_theory.numbers.balls import Ball, BallMatrix, ball
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON, product_up, round_up, times_up


@final
class SumField(AbstractField):
    """f(t, y) = Σ f_i(t, y): K ≤ Σ K_i and μ ≤ Σ μ_i.

    Args:
        fields: at least one, each an nn.Module with forward(time, state).

    Proof: proofs/coq/one_sided.v, proofs/symbolic/field_combinations.py.
    """

    def __init__(self, fields: Sequence[nn.Module]) -> None:
        super().__init__()
        if len(fields) == 0:
            raise ValueError("`fields` must hold at least one field, got an empty sequence")
        self.fields = nn.ModuleList([require_module("fields", field) for field in fields])

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """dy/dt, of the state's shape (batch, *state)."""
        return torch.stack([field(time, state) for field in self.fields]).sum(dim=0)

    def lipschitz(self, input_shape: Shape) -> float:
        """Σ K_i."""
        constants = [lipschitz_of_layer(field, input_shape) for field in self.fields]
        return sum(constants) * (1.0 + 2 * len(constants) * EPSILON)

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """The sum of the parts' reaches."""
        total = torch.stack([reach(part, norm, sizes, input_shape).cpu() for part in self.fields]).sum(dim=0)
        return round_up(total, len(self.fields))

    def one_sided(self, input_shape: Shape) -> OneSidedConstant:
        """Σ μ_i."""
        return self._sum_of([one_sided_lipschitz(part, input_shape) for part in self.fields])

    def one_sided_in(self, norm: Norm, input_shape: Shape) -> OneSidedConstant:
        """Σ μ_i."""
        return self._sum_of([one_sided_lipschitz_in(part, norm, input_shape) for part in self.fields])

    def _sum_of(self, parts: list[OneSidedConstant]) -> OneSidedConstant:
        size = sum(abs(part.value) for part in parts)
        value = sum(part.value for part in parts) + len(parts) * EPSILON * size
        return OneSidedConstant(value, "sum of: " + " | ".join(part.source for part in parts))

    def is_gradient_flow(self) -> bool:
        """Where all parts are: potentials add."""
        return all(follows_convex_potential(part) for part in self.fields)

    def structure(self, input_shape: Shape) -> Structure:
        """Whatever all parts state."""
        parts = [stated_structure(part, input_shape) for part in self.fields]
        known = [part.one_sided for part in parts if part.one_sided is not None]
        return Structure(
            symmetric=all(part.symmetric for part in parts),
            skew_symmetric=all(part.skew_symmetric for part in parts),
            one_sided=sum(known) if len(known) == len(parts) else None,
        )

    def centred(self, input_shape: Shape) -> CentredConstants:
        """The sums."""
        parts = [centred_constants(part, input_shape) for part in self.fields]
        return with_centre(*(math.fsum(constants) for constants in zip(*parts, strict=True)))

    def terms(self, input_shape: Shape) -> list[Term]:
        """Those of all parts."""
        return [term for part in self.fields for term in field_terms(part, input_shape)]

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """The parts' own, and that of the sum."""
        parts = [evaluated(field, input_shape, Evaluated(norm, 0.0 * norm), unit) for field in self.fields]
        error = sum((part.error for part in parts), 0.0 * norm)
        return (error + (len(parts) + 2) * unit * sum((p.norm + p.error for p in parts), 0.0 * norm)) * RELATIVE

    def in_balls(self) -> BallField:
        """Σ f_i(t, y)."""
        first, *others = [ball_field(part) for part in self.fields]

        def total(time: Ball, state: BallMatrix) -> BallMatrix:
            result = first(time, state)
            for part in others:
                result = result + part(time, state)
            return result

        return total

    def parts(self) -> tuple[nn.Module, ...]:
        """The f_i."""
        return tuple(self.fields)


@final
class ScaledField(AbstractField):
    """c·f(t, y): K = |c|K_f, and μ = cμ_f for c ≥ 0; for c < 0 only μ ≤ |c|K_f follows.

    Args:
        field: an nn.Module with forward(time, state).
        factor: c, finite.

    Proof: proofs/coq/one_sided.v, proofs/symbolic/field_combinations.py.
    """

    def __init__(self, field: nn.Module, factor: float) -> None:
        super().__init__()
        self.field = require_module("field", field)
        self.factor = require_finite("factor", factor)

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """dy/dt, of the state's shape (batch, *state)."""
        return self.factor * self.field(time, state)

    def extra_repr(self) -> str:
        """The factor, for print(field)."""
        return f"factor={self.factor:g}"

    def lipschitz(self, input_shape: Shape) -> float:
        """|c|K."""
        return product_up(abs(self.factor), lipschitz_of_layer(self.field, input_shape))

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """|c| times that of f."""
        return times_up(reach(self.field, norm, sizes, input_shape), abs(self.factor))

    def one_sided_in(self, norm: Norm, input_shape: Shape) -> OneSidedConstant:
        """cμ for c ≥ 0, else |c|K."""
        if norm == "L2" or self.factor < 0:
            return super().one_sided_in(norm, input_shape)
        inner = one_sided_lipschitz_in(self.field, norm, input_shape)
        return OneSidedConstant(_product(self.factor, inner.value), f"{self.factor:g} times: {inner.source}")

    def one_sided(self, input_shape: Shape) -> OneSidedConstant:
        """cμ for c ≥ 0; a negative c turns the sign of the quotient, and only |c|K is left (0 for a skew field)."""
        if self.factor >= 0 or stated_structure(self.field, input_shape).skew_symmetric:
            inner, size = one_sided_lipschitz(self.field, input_shape), abs(self.factor)
            return OneSidedConstant(_product(size, inner.value), f"{size:g} times: {inner.source}")
        constant = lipschitz_of_layer(self, input_shape)
        return OneSidedConstant(constant, "μ ≤ K of a negative multiple: nothing better is known")

    def is_gradient_flow(self) -> bool:
        """Where f is one and c ≥ 0."""
        return self.factor >= 0 and follows_convex_potential(self.field)

    def structure(self, input_shape: Shape) -> Structure:
        """That of f, μ for c ≥ 0 only."""
        inner = stated_structure(self.field, input_shape)
        one_sided = None if inner.one_sided is None or self.factor < 0 else self.factor * inner.one_sided
        if inner.skew_symmetric:
            one_sided = 0.0
        return Structure(symmetric=inner.symmetric, skew_symmetric=inner.skew_symmetric, one_sided=one_sided)

    def centred(self, input_shape: Shape) -> CentredConstants:
        """cγ, |c|s and |c|r."""
        inner, size = centred_constants(self.field, input_shape), abs(self.factor)
        return with_centre(self.factor * inner.centre, size * inner.skew, size * inner.radius)

    def terms(self, input_shape: Shape) -> list[Term]:
        """Those of f, times c."""
        return [Term(self.factor * term.factor, term.chain) for term in field_terms(self.field, input_shape)]

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """The field's own and that of a product."""
        inner = evaluated(self.field, input_shape, Evaluated(norm, 0.0 * norm), unit)
        return abs(self.factor) * (inner.error + 4 * unit * (inner.norm + inner.error)) * RELATIVE

    def in_balls(self) -> BallField:
        """c·f(t, y)."""
        inner, factor = ball_field(self.field), ball(self.factor)
        return lambda time, state: inner(time, state) * factor

    def parts(self) -> tuple[nn.Module, ...]:
        """f."""
        return (self.field,)


def _product(factor: float, constant: float) -> float:
    """c·μ for c ≥ 0, rounded upward: away from 0 for μ > 0, towards 0 for μ < 0."""
    if constant >= 0.0:
        return product_up(factor, constant)
    value = factor * constant
    return min(value + EPSILON * abs(value), 0.0)


def require_module(name: str, field: object) -> nn.Module:
    """The field if it is a module, whose constants can be looked up by its class. Raises TypeError."""
    if not isinstance(field, nn.Module):
        raise TypeError(f"`{name}` must be an nn.Module with forward(time, state), got {field_name(field)}")
    return field
