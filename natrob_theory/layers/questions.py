"""The questions that bounds ask of layers and fields: each a function, and the seam by which one answer is registered.

One answer of a class that is not yours: `layer_lipschitz.register(MyLayer, lambda layer, input_shape: 1.0)`.
"""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.layers.answers import AbstractAnswers, Question, answers_of, asked
from natrob_theory.layers.held_weights import require_finite_weights, require_settled_weights
from natrob_theory.layers.operators import Operation
from natrob_theory.layers.refusal import ActivationRefusedError, BallRefusedError, LayerRefusedError, refuse
from natrob_theory.layers.remembered import remembered
from natrob_theory.layers.statements import (
    Affine,
    BallField,
    CentredConstants,
    Evaluated,
    OneSidedConstant,
    Piece,
    Shape,
    Slopes,
    Structure,
    Term,
)


class _Constants(Question[float]):
    """The Lipschitz constants: of finite weights only, and computed once within `constants_remembered`."""

    def __call__(self, module: nn.Module, *arguments: Any) -> float:
        answers, altered = asked(module, self.name)
        (input_shape,) = arguments
        if altered:
            refuse(module, input_shape, altered)
        require_finite_weights(module)
        require_settled_weights(module)
        return remembered(module, input_shape, lambda: answers.lipschitz(input_shape))


class _ConstantsInANorm(Question[Any]):
    """Constants and reaches in a norm: of finite weights only; a constant in L2 is `layer_lipschitz`."""

    def __call__(self, module: nn.Module, *arguments: Any) -> Any:
        norm, input_shape = arguments[0], arguments[-1]
        if self.name == "lipschitz_in" and norm == "L2":
            return layer_lipschitz(module, input_shape)
        answers, altered = asked(module, self.name)
        if altered:
            refuse(module, input_shape, altered)
        require_finite_weights(module)
        require_settled_weights(module)
        return getattr(answers, self.name)(*arguments)


def _refuse_constant(layer: nn.Module, altered: str, input_shape: Shape, *_: Any) -> Any:
    refuse(layer, input_shape, altered)


def _refuse_slopes(activation: nn.Module, altered: str, *_: Any) -> Slopes:
    raise ActivationRefusedError(f"the slopes of activation {type(activation).__name__} with {altered} are not known")


def _refuse_balls(field: nn.Module, altered: str) -> BallField:
    raise BallRefusedError(f"no enclosure in balls is known for {type(field).__name__} with {altered}")


def _refuse_one_sided(field: nn.Module, altered: str, *_: Any) -> OneSidedConstant:
    raise LayerRefusedError(f"no one-sided Lipschitz upper bound is known for {type(field).__name__} with {altered}")


layer_lipschitz: Question[float] = _Constants("lipschitz", _refuse_constant)
"""An upper bound of a layer's Lipschitz constant in L2: `layer_lipschitz(layer, input_shape)`.

Raises:
    LayerRefusedError: nothing is known of this kind of layer, or of this setting of it, or the layer is altered.
    ValueError: a parameter or buffer is NaN or infinite; a mode in which the output depends on the rest of the batch.

Proof that constants of layers multiply: proofs/coq/lipschitz_composition.v.
"""

lipschitz_of_layer = layer_lipschitz

layer_lipschitz_in: Question[float] = _ConstantsInANorm("lipschitz_in", _refuse_constant)
"""An upper bound of a layer's Lipschitz constant in a norm: `layer_lipschitz_in(layer, norm, input_shape)`.

Raises:
    LayerRefusedError, ValueError: as `layer_lipschitz`.

Proof: proofs/symbolic/row_and_column_norms.py; that constants of layers multiply, in every norm,
    proofs/coq/lipschitz_composition.v.
"""

reach: Question[Tensor] = _ConstantsInANorm("reach", _refuse_constant)
"""Bounds differences entry by entry behind a layer: `reach(layer, norm, sizes, input_shape)`.

Raises:
    LayerRefusedError, ValueError: as `layer_lipschitz`.

Proof: proofs/symbolic/row_and_column_norms.py.
"""

activation_slopes: Question[Slopes] = Question("slopes", _refuse_slopes)
"""The range of the secant slopes of an elementwise activation: `activation_slopes(activation, lower, upper)`.

Interval Jacobians and local bounds rest on it: an activation is linear where its slope is known (theory, section 5).
The ends are float64, infinite ones allowed, `upper` at least `lower`; the slopes are rounded outward.

Raises:
    ActivationRefusedError: nothing is known of this activation.
"""

layer_lipschitz_near: Question[Float[Tensor, " batch"]] = Question(
    "lipschitz_near",
    lambda layer, altered, _center, _radius, input_shape: _refuse_constant(layer, altered, input_shape),
)
"""The constant on balls: `layer_lipschitz_near(layer, center, radius, input_shape)`.

Raises:
    LayerRefusedError: as `layer_lipschitz`.
"""


def knows_near(module: nn.Module) -> bool:
    """Whether the constant on a ball is known to be another than that on all inputs."""
    return type(answers_of(module)).lipschitz_near is not AbstractAnswers.lipschitz_near


layer_pieces: Question[list[Piece]] = Question("pieces", _refuse_constant)
"""The layer as matrices and activations on flat vectors: `layer_pieces(layer, input_shape)`."""

layer_operations: Question[list[Operation] | None] = Question("operations", _refuse_constant)
"""The layer as parts that need no matrix: `layer_operations(layer, input_shape)`; None where none are known."""

layer_error: Question[Affine] = Question("rounding", _refuse_constant)
"""Bounds what one layer rounds: `layer_error(layer, input_shape, norm, unit)`.

Proof: proofs/symbolic/evaluation_error.py.
"""

evaluated: Question[Evaluated] = Question("evaluated", _refuse_constant)
"""The layer's value, computed from a computed input: `evaluated(layer, input_shape, before, unit)`.

The layer is in float64; `unit` is u of the arithmetic that is bounded, which may be another than float64's.

Raises:
    LayerRefusedError: no Lipschitz constant is known for the layer.

Proof: proofs/symbolic/evaluation_error.py.
"""

ball_field: Question[BallField] = Question("in_balls", _refuse_balls)
"""A field or layer as a function of balls: takes the time and a matrix of balls, one sample a column.

It encloses the exact values: those of real arithmetic with the parameters as they are.

Raises:
    BallRefusedError: nothing is known of this kind of field or layer, or it is altered.
    ImportError: python-flint is not installed.
"""

one_sided_lipschitz: Question[OneSidedConstant] = Question("one_sided", _refuse_one_sided)
"""An upper bound of a field's one-sided constant in L2: `one_sided_lipschitz(field, input_shape)`.

Raises:
    LayerRefusedError: neither μ nor K is known, or the field is altered.

Proof of the answers here: proofs/coq/one_sided.v, proofs/symbolic/field_combinations.py,
    proofs/symbolic/gradient_flow.py, proofs/symbolic/hamiltonian_one_sided.py.
"""

one_sided_lipschitz_in: Question[OneSidedConstant] = Question(
    "one_sided_in", lambda field, altered, _norm, input_shape: _refuse_one_sided(field, altered, input_shape)
)
"""An upper bound of a field's logarithmic norm in a norm: `one_sided_lipschitz_in(field, norm, input_shape)`.

Raises:
    LayerRefusedError: neither μ nor K is known in this norm, or the field is altered.

Proof of the answers here: proofs/symbolic/row_and_column_norms.py.
"""

follows_convex_potential: Question[bool] = Question("is_gradient_flow", lambda *_: False)
"""Whether it is known that f(t, ·) = −∇V_t with V_t convex: `follows_convex_potential(field)`.

Euler's method then grows by max(|1 − hK|, |1 + hμ|) only (`gradient_flow_bound`). Gradient flows of such potentials
are closed under sums, nonnegative multiples and dissipation: V + W, cV, V + ρ‖y‖²/2.

Proof: proofs/symbolic/gradient_flow_combinations.py.
"""

field_terms: Question[list[Term]] = Question("terms", _refuse_constant)
"""The field as a sum of chains: `field_terms(field, input_shape)`."""

centred_parts: Question[CentredConstants] = Question("centred", _refuse_constant)
"""γ, s and r by what the field is made of: `centred_parts(field, input_shape)`."""

stated_structure: Question[Structure] = Question("structure", None)
"""Says what the field's class states of its Jacobian, altered or not: a check looks whether it is so.

A class of one's own states a convex potential (`follows_convex_potential`) and a one-sided constant of its own
(`one_sided_lipschitz`), or more in a `structure` of its own.
"""


def output_shape(layer: nn.Module, input_shape: Shape) -> Shape:
    """The shape of one sample after the layer."""
    return answers_of(layer).output_shape(input_shape)


pieces_after: Question[list[Piece]] = Question(
    "pieces_after", lambda layer, altered, _before, input_shape: _refuse_constant(layer, altered, input_shape)
)
"""The pieces of a chain with this layer at its end: `pieces_after(layer, before, input_shape)`."""


def chain_of(module: nn.Module, input_shape: Shape) -> list[Piece]:
    """The pieces of a module in order; layers that only reshape vanish, a batch norm joins the affine map before it.

    A batch norm with no affine map before it is a diagonal matrix, while that fits.
    """
    return pieces_after(module, [], input_shape)
