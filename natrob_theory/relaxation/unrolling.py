"""Networks unrolled into graphs: the layers of a chain, and every step of a network with a fixed grid.

A step is run as it is written, by an arithmetic whose values are weighted sums of nodes: so every explicit method that
has a step has a graph, whatever its stages.
"""

import math
from collections.abc import Sequence
from typing import final

from torch import nn

from natrob_theory.layers.operators import AbstractOperator, DenseOperator, Operation
from natrob_theory.layers.questions import (
    chain_of,
    field_terms,
    layer_operations,
    lipschitz_of_layer,
    output_shape,
)
from natrob_theory.layers.refusal import LayerRefusedError
from natrob_theory.layers.statements import Activation, AffineMap, Opaque, Piece, Shape
from natrob_theory.networks import AbstractFixedStepNet, StepPlan
from natrob_theory.numbers.rounding import EPSILON
from natrob_theory.relaxation.graph import Graph, GraphBuilder, SumNode
from natrob_theory.steppers import AbstractArithmetic, AbstractExplicitStepper, Coefficient
from natrob_theory.steppers.arithmetic import Term, weighted
from natrob_theory.steppers.coefficient import ZERO

COEFFICIENT_ERROR = 64 * EPSILON
"""A weight of a step is a product of h and of a few of the method's numbers, each rounded to the nearest float64."""


def unrolled(parts: Sequence[nn.Module], input_shape: Shape) -> Graph:
    """The map made of these parts, one after the other.

    Args:
        parts: chains of layers with known matrices and slopes, and networks with a fixed grid and an explicit step
            whose fields are chains of such layers, or sums and multiples of them.
        input_shape: of one sample.

    Raises:
        LayerRefusedError: a layer, field or method of which matrices and activations are not known; it is named.
    """
    builder = GraphBuilder(math.prod(input_shape))
    ends = [0]
    for part in parts:
        ends.append(_part(builder, ends[-1], part, input_shape))
        input_shape = output_shape(part, input_shape)
    return builder.graph(ends[1:])


def unrolled_field(field: nn.Module, input_shape: Shape) -> Graph:
    """f itself as a graph, from a state to dy/dt.

    Raises:
        LayerRefusedError: as for `unrolled`.
    """
    builder = GraphBuilder(math.prod(input_shape))
    arithmetic = GraphArithmetic(builder, StepPlan(field, 0.0, 1.0, 1.0), input_shape)
    arithmetic.node(arithmetic.slope(ZERO, Combination(((1.0, 0),))))
    return builder.graph()


def _part(builder: GraphBuilder, node: int, part: nn.Module, input_shape: Shape) -> int:
    if isinstance(part, AbstractFixedStepNet):
        return _network(builder, node, part, input_shape)
    lipschitz_of_layer(part, input_shape)  # looks at weights and hooks, and refuses by name
    return _chain(builder, node, chain_of(part, input_shape))


def _chain(builder: GraphBuilder, node: int, pieces: Sequence[Piece]) -> int:
    for piece in pieces:
        if isinstance(piece, Opaque) and isinstance(piece.module, AbstractFixedStepNet):
            node = _network(builder, node, piece.module, piece.input_shape)
            continue
        for operation in _operations(piece):
            if isinstance(operation, AbstractOperator):
                node = builder.affine(node, operation)
            elif isinstance(operation, Activation):
                node = builder.activation(node, operation.module)
            else:
                node = builder.largest(node, operation.entries)
    return node


def _operations(piece: Piece) -> list[Operation]:
    """A matrix that is written out as it is; what has none as the layer says. Raises LayerRefusedError."""
    if isinstance(piece, AffineMap):
        return [DenseOperator(piece)]
    if isinstance(piece, Activation):
        return [piece]
    found = layer_operations(piece.module, piece.input_shape)
    if found is None:
        raise LayerRefusedError(
            f"no linear relaxation is known for layer {type(piece.module).__name__} (input shape {piece.input_shape}): "
            f"it is no chain of affine maps, activations and maxima"
        )
    return found


def _network(builder: GraphBuilder, node: int, net: AbstractFixedStepNet, input_shape: Shape) -> int:
    stepper = net.stepper
    if not isinstance(stepper, AbstractExplicitStepper) or stepper.couplings > 1:
        raise LayerRefusedError(
            f"no linear relaxation is known for {stepper.name}: its step must be explicit, with one field"
        )
    for step in net.plan():
        arithmetic = GraphArithmetic(builder, step, input_shape)
        node = arithmetic.node(stepper.advance(arithmetic, Combination(((1.0, node),))))
    return node


@final
class Combination:
    """Σ c_k x_k over nodes, not yet a node itself."""

    __slots__ = ("terms",)

    def __init__(self, terms: tuple[tuple[float, int], ...]) -> None:
        self.terms = terms

    def times(self, factor: float) -> "Combination":
        """A multiple."""
        return Combination(tuple((factor * weight, node) for weight, node in self.terms))


@final
class GraphArithmetic(AbstractArithmetic[Combination]):
    """Runs a step on weighted sums of nodes.

    Args:
        builder: takes the nodes.
        step: its field and size.
        input_shape: of the state.
    """

    def __init__(self, builder: GraphBuilder, step: StepPlan, input_shape: Shape) -> None:
        self._builder, self._step = builder, step
        lipschitz_of_layer(step.field, input_shape)  # looks at weights and hooks, and that the state is left as it is
        self._terms = field_terms(step.field, input_shape)

    def slope(self, node: Coefficient, point: Combination, *, part: int = 0) -> Combination:
        """h·f: the field's chains from the point; nothing here depends on time."""
        start = self.node(point)
        ends = [(term.factor, _chain(self._builder, start, term.chain)) for term in self._terms]
        return Combination(tuple((self._step.step_size * factor, end) for factor, end in ends))

    def mix(self, base: Combination | None, *terms: Term[Combination]) -> Combination:
        """The sum."""
        total = () if base is None else base.terms
        for weight, value in weighted(terms):
            total = total + (value if weight is None else value.times(weight.number)).terms
        return Combination(total)

    def node(self, value: Combination) -> int:
        """The sum as a node; none is added for a node by itself."""
        if len(value.terms) == 1 and value.terms[0][0] == 1.0:
            return value.terms[0][1]
        size = self._builder.size(value.terms[0][1])
        return self._builder.add(SumNode(terms=value.terms, size=size, coefficient_error=COEFFICIENT_ERROR))
