"""A module y -> F(y) seen as a field that does not depend on time."""

from typing import final

from torch import Tensor, nn

from natrob_theory.fields.centred_fields import centred_constants
from natrob_theory.layers.answers import AbstractField
from natrob_theory.layers.questions import (
    ball_field,
    evaluated,
    follows_convex_potential,
    lipschitz_of_layer,
    one_sided_lipschitz,
    one_sided_lipschitz_in,
    pieces_after,
    reach,
)
from natrob_theory.layers.runs import require_input_kept
from natrob_theory.layers.statements import (
    Affine,
    BallField,
    CentredConstants,
    Evaluated,
    OneSidedConstant,
    Piece,
    Shape,
    Structure,
)
from natrob_theory.numbers.norms import Norm


@final
class AutonomousField(AbstractField):
    """f(t, y) = F(y) for a module F that keeps the shape of y.

    Every constant of the field is that of the module, for every t.

    Proof: proofs/coq/one_sided.v, proofs/coq/lipschitz_composition.v, proofs/symbolic/skew_gradient_flow_euler.py.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, time: Tensor, state: Tensor) -> Tensor:
        """dy/dt, of the state's shape (batch, *state)."""
        return self.module(state)

    def lipschitz(self, input_shape: Shape) -> float:
        """That of the module, which must leave the state as it is: the step adds to it what the module gives."""
        constant = lipschitz_of_layer(self.module, input_shape)
        require_input_kept(self.module, input_shape)
        return constant

    def reach(self, norm: Norm, sizes: Tensor, input_shape: Shape) -> Tensor:
        """That of the module, which must leave the state as it is."""
        sizes = reach(self.module, norm, sizes, input_shape)
        require_input_kept(self.module, input_shape)
        return sizes

    def one_sided(self, input_shape: Shape) -> OneSidedConstant:
        """That of the module."""
        return one_sided_lipschitz(self.module, input_shape)

    def one_sided_in(self, norm: Norm, input_shape: Shape) -> OneSidedConstant:
        """That of the module."""
        return one_sided_lipschitz_in(self.module, norm, input_shape)

    def is_gradient_flow(self) -> bool:
        """Where the module is one."""
        return follows_convex_potential(self.module)

    def structure(self, input_shape: Shape) -> Structure:
        """Nothing: the constants come from the module's weights, whatever these are."""
        return Structure()

    def centred(self, input_shape: Shape) -> CentredConstants:
        """Those of the module."""
        return centred_constants(self.module, input_shape)

    def pieces_after(self, before: list[Piece], input_shape: Shape) -> list[Piece]:
        """Those of the module."""
        return pieces_after(self.module, before, input_shape)

    def pieces(self, input_shape: Shape) -> list[Piece]:
        """Those of the module."""
        return pieces_after(self.module, [], input_shape)

    def rounding(self, input_shape: Shape, norm: Affine, unit: float) -> Affine:
        """That of the module."""
        return evaluated(self.module, input_shape, Evaluated(norm, 0.0 * norm), unit).error

    def in_balls(self) -> BallField:
        """The module, whatever the time."""
        return ball_field(self.module)
