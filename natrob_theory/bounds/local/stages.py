"""The parts of a map, each of which takes a ball's points and what is known of them one part further.

With Φ the slope matrix of the part's chains between two points of the ball, Φ° that at the centre, and Ψ = (I + hΦ)
for Euler's method, (I − hΦ)⁻¹ for backward Euler, Φ for a plain chain:

* Euler:            Ψ(J + E) = (I + hΦ°)J + [h(Φ − Φ°)J + ΨE];
* backward Euler:   Ψ(J + E) = J' + Ψ[h(Φ − Φ°)J' + (J − (I − hΦ°)J') + E], for any J', best near (I − hΦ°)⁻¹J;
* a part of which only a constant G is known: all begins anew on a ball Gp times as large.

‖Ψ‖ ≤ G, the growth of the step on all states, so p' = Gp, and e' is at most the norms in brackets with G for Ψ.

Proof: proofs/symbolic/local_map.py.
"""

import abc
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, NamedTuple, TypeAlias, final

import torch
from torch import Tensor, nn

from natrob_theory.bounds.evaluation_error.network_rules import solver_residual, step_error
from natrob_theory.bounds.local.chain_passage import PreparedChain, Slope
from natrob_theory.bounds.local.points import Points, moved_box, points_of_ball
from natrob_theory.bounds.network_growth import step_structures
from natrob_theory.layers.questions import (
    chain_of,
    field_terms,
    knows_near,
    layer_error,
    layer_lipschitz_near,
    lipschitz_of_layer,
    output_shape,
)
from natrob_theory.layers.statements import Activation, AffineMap, Opaque, Piece, Shape, Term
from natrob_theory.networks import AbstractFixedStepNet, StepPlan
from natrob_theory.numbers.norms import per_sample_l2
from natrob_theory.numbers.rounding import EPSILON, round_up, unit_roundoff
from natrob_theory.steppers import AbstractStepper, BackwardEulerStepper, EulerStepper

REFINEMENTS = 2
"""Backward Euler: how often the boxes are made smaller with the deviation found before."""

ENTRIES_AT_ONCE = 2**23
"""How many matrix entries the samples of one pass may have together."""

WORTH_FOLLOWING = 1024.0
"""A layer known by its constant alone is evaluated for the steepest of so many slopes behind it, and no more."""


class AbstractStage(abc.ABC):
    """One part of the map."""

    @abc.abstractmethod
    def advance(self, points: Points) -> Points:
        """The points after it."""

    def entries(self, begun: int) -> tuple[int, int]:
        """The most matrix entries of a sample here, J having begun with so many inputs; and how many it has after."""
        return 1, begun


@final
class ChainStage(AbstractStage):
    """Matrices and activations, together with a constant of at most `most`; `followed` if points behind it matter."""

    def __init__(self, chain: PreparedChain, most: float, *, followed: bool) -> None:
        self._chain, self._most, self._followed = chain, most, followed

    def advance(self, points: Points) -> Points:
        """Φ°J, and (Φ − Φ°)J + ΦE; where nothing is known of the points, one constant."""
        if points.box is None and points.jacobian is None:
            return points.begun_anew(self._most, None, torch.zeros_like(points.outer))
        return self._chain.over(points, self._most, followed=self._followed)

    def entries(self, begun: int) -> tuple[int, int]:
        """Counts the entries of W and of J behind it."""
        return _most_entries([self._chain], begun), begun


class Image(NamedTuple):
    """How a layer takes the computed centre further: a function of states, their shape, and (a, b) of its rounding."""

    function: Callable[[Tensor], Tensor]
    input_shape: Shape
    rounding: Tensor


@final
class OpaqueStage(AbstractStage):
    """A part of which nothing but its constant is used, and the centre's image where that is worth knowing.

    Args:
        constant: on all inputs.
        image: of the centre.
        outputs: how many entries there are behind it.
        nearby: a layer and its input shape, if its constant on a ball is known to be less.
    """

    def __init__(
        self, constant: float, image: Image | None, outputs: int, nearby: tuple[nn.Module, Shape] | None = None
    ) -> None:
        self._constant, self._image, self._outputs, self._nearby = constant, image, outputs, nearby

    def advance(self, points: Points) -> Points:
        """All begins anew."""
        constant: Tensor | float = self._constant
        if self._nearby is not None and points.box is not None:
            layer, shape = self._nearby
            center, points = points.box.center, replace(points, constant=points.least(), settled=True)
            # A ball is convex, so the constant on it holds for the images of any two points, and for the two centres.
            reach = round_up(points.radius * points.constant + points.drift, 4)
            constant = layer_lipschitz_near(layer, center.view(-1, *shape), reach, shape)
        if self._image is None or points.box is None:
            return points.begun_anew(constant, None, torch.zeros_like(points.outer))
        function, shape, rounding = self._image
        with torch.no_grad():
            value = function(points.box.center.view(-1, *shape)).flatten(1)
        own = float(rounding[0]) * per_sample_l2(points.box.center) + float(rounding[1])
        return points.begun_anew(constant, value, own)

    def entries(self, begun: int) -> tuple[int, int]:
        """J is the identity behind it."""
        return 1, self._outputs


class _Terms:
    """f = Σ c_k·chain_k, prepared."""

    def __init__(self, terms: list[Term]) -> None:
        self._terms = [(term.factor, PreparedChain(term.chain)) for term in terms]  # type: ignore[arg-type]

    def entries(self, begun: int) -> int:
        """The most matrix entries that a sample needs."""
        return _most_entries([chain for _, chain in self._terms], begun)

    def slope(self, points: Points, entries: int) -> Slope:
        """f over the ball: the sums of values, Jacobians and bounds."""
        parts = [(factor, chain.slope(points, entries)) for factor, chain in self._terms]
        count = (len(parts) + 2) * EPSILON
        drift, switching, value, jacobian = 0.0 * points.drift, 0.0 * points.drift, None, None
        for factor, part in parts:
            jacobian = factor * part.jacobian if jacobian is None else jacobian + factor * part.jacobian
            switching = switching + abs(factor) * (part.switching + count * torch.linalg.matrix_norm(part.jacobian))
            if part.value is not None:
                value = factor * part.value if value is None else value + factor * part.value
                drift = drift + abs(factor) * (part.drift + count * per_sample_l2(part.value))
        return Slope(value, round_up(drift, 8), jacobian, round_up(switching, 8))  # type: ignore[arg-type] - of one term at least


@final
class EulerStage(AbstractStage):
    """y + h f(y)."""

    def __init__(self, terms: list[Term], entries: int, step_size: float, factor: float) -> None:
        self._terms, self._entries, self._step_size, self._factor = _Terms(terms), entries, step_size, factor

    def advance(self, points: Points) -> Points:
        """(I + hΦ°)J, and h(Φ − Φ°)J + ΨE."""
        h, factor = self._step_size, self._factor
        field, before = self._terms.slope(points, self._entries), points.matrix(self._entries)
        jacobian = before + h * field.jacobian
        size = torch.linalg.matrix_norm(before) + h * torch.linalg.matrix_norm(field.jacobian)
        switching = h * field.switching + 4 * EPSILON * size
        deviation = round_up(switching + factor * points.deviation, 8)
        constant = round_up(factor * points.constant, 2)
        if points.box is None or field.value is None:
            return replace(points, jacobian=jacobian, deviation=deviation, constant=constant, settled=False)
        start = points.box.center
        sums = 4 * EPSILON * (per_sample_l2(start) + h * per_sample_l2(field.value))
        drift = round_up(factor * points.drift + h * field.drift + sums, 8)
        box = moved_box(start + h * field.value, drift, jacobian, deviation, constant, points.radius)
        return replace(
            points, box=box, drift=drift, jacobian=jacobian, deviation=deviation, constant=constant, settled=False
        )

    def entries(self, begun: int) -> tuple[int, int]:
        """Counts those of the field's matrices and Jacobians, and of J."""
        return max(self._terms.entries(begun), self._entries * begun), begun


@final
class BackwardEulerStage(AbstractStage):
    """y' = y + h f(y')."""

    def __init__(
        self,
        stepper: BackwardEulerStepper,
        step: StepPlan,
        terms: list[Term],
        input_shape: Shape,
        factor: float,
    ) -> None:
        self._stepper, self._step, self._shape, self._factor = stepper, step, input_shape, factor
        self._terms, self._entries = _Terms(terms), math.prod(input_shape)

    def advance(self, points: Points) -> Points:
        """J' by a linear solve at the root, and the rest of it; boxes from p first, then from J' and e'."""
        h, factor, zero = self._step.step_size, self._factor, torch.zeros_like(points.radius)
        if points.box is None:
            return points.begun_anew(factor, None, zero)
        start, before = points.box.center, points.matrix(self._entries)
        with torch.no_grad():
            root = self._stepper.step(self._step.field, self._step.time, start.view(-1, *self._shape), h).flatten(1)
        identity = torch.eye(self._entries, dtype=torch.float64, device=root.device)[None]
        slope = self._terms.slope(_at(root), self._entries)
        residual = root - start - h * slope.value  # type: ignore[operator] - the centre is known
        sums = 8 * EPSILON * (per_sample_l2(start) + per_sample_l2(root) + h * per_sample_l2(slope.value))  # type: ignore[arg-type]
        own = per_sample_l2(residual) + h * slope.drift + sums
        drift = round_up(factor * (points.drift + own), 8)
        jacobian = torch.linalg.solve(identity - h * slope.jacobian, before.expand(len(root), -1, -1))
        constant = round_up(factor * points.constant, 2)
        deviation = constant + torch.linalg.matrix_norm(jacobian)
        after = replace(points, drift=drift, jacobian=jacobian, constant=constant, settled=False)
        for _ in range(REFINEMENTS):
            box = moved_box(root, drift, jacobian, deviation, constant, points.radius)
            field = self._terms.slope(replace(after, box=box, deviation=deviation), self._entries)
            unsolved = torch.linalg.matrix_norm(before - jacobian + h * field.jacobian)
            size = torch.linalg.matrix_norm(before) + 2 * torch.linalg.matrix_norm(jacobian)
            rounding = 8 * EPSILON * (size + h * torch.linalg.matrix_norm(field.jacobian))
            found = factor * (h * field.switching + unsolved + rounding + points.deviation)
            deviation = torch.minimum(deviation, round_up(found, 16))
        box = moved_box(root, drift, jacobian, deviation, constant, points.radius)
        return replace(after, box=box, deviation=deviation)

    def entries(self, begun: int) -> tuple[int, int]:
        """Counts those of the field's matrices and Jacobians, of I − hΦ° and of J."""
        widest = max(begun, self._entries)
        return max(self._terms.entries(widest), self._entries * widest), begun


def stages_of(parts: Sequence[nn.Module], input_shape: Shape) -> list[AbstractStage]:
    """The stages of a map: networks' steps, and chains of layers, in which networks may stand.

    Args:
        parts: integrator networks with a fixed grid, or chains of layers that `lipschitz_upper_bound` takes.
        input_shape: of one sample.
    """
    elements: list[_Element] = []
    for part in parts[:-1]:
        elements += _elements(part, input_shape)
        input_shape = output_shape(part, input_shape)
    elements += _elements(parts[-1], input_shape)
    stages: list[AbstractStage] = []
    worth = 0.0
    for element in reversed(elements):
        stages.append(_stage(element, worth, first=element is elements[0]))
        worth = max(worth, _worth_following(element))
    return stages[::-1]


def samples_at_once(stages: list[AbstractStage], inputs: int) -> int:
    """How many samples with so many entries go through together."""
    most, begun = 1, inputs
    for stage in stages:
        entries, begun = stage.entries(begun)
        most = max(most, entries)
    return max(1, ENTRIES_AT_ONCE // most)


class _Run(NamedTuple):
    """Matrices and activations, with a constant of at most `most` together."""

    pieces: list[AffineMap | Activation]
    most: float


class _Step(NamedTuple):
    """A step of a network from a state of this shape, its growth, and its field's chains where they are known."""

    stepper: AbstractStepper[Any]
    step: StepPlan
    input_shape: Shape
    factor: float
    terms: list[Term] | None

    def run(self, state: Tensor) -> Tensor:
        """The state after it."""
        return self.stepper.step(self.step.field, self.step.time, state, self.step.step_size)

    def rounding(self) -> Tensor:
        """(a, b): it errs by at most a‖y‖ + b."""
        unit = unit_roundoff(torch.float64)
        residual = solver_residual(self.stepper, torch.float64)
        error = step_error(
            self.stepper,
            self.step,
            self.input_shape,
            _unit_norm(),
            unit,
            factor=self.factor,
            relative_residual=residual,
        )
        return self.factor * error if self.stepper.implicit else error


_Element: TypeAlias = _Run | _Step | Opaque


def _elements(part: nn.Module, input_shape: Shape) -> list[_Element]:
    """A network's steps; a chain's runs of matrices and activations, with the other layers between."""
    if isinstance(part, AbstractFixedStepNet):
        structure = step_structures(part, input_shape=input_shape)
        return [
            _Step(part.stepper, step, input_shape, known.factor, _terms_of(part.stepper, step, input_shape))
            for step, known in zip(part.plan(), structure, strict=True)
        ]
    elements: list[_Element] = []
    for _, pieces in groupby(chain_of(part, input_shape), key=lambda piece: isinstance(piece, Opaque)):
        elements += _run_or_opaque(list(pieces))
    if len(elements) == 1 and isinstance(elements[0], _Run):
        return [_Run(elements[0].pieces, lipschitz_of_layer(part, input_shape))]
    return elements


def _run_or_opaque(pieces: list[Piece]) -> list[_Element]:
    """A network among the layers is seen step by step."""
    run: list[AffineMap | Activation] = [piece for piece in pieces if not isinstance(piece, Opaque)]
    if run:
        return [_Run(run, math.inf)]
    elements: list[_Element] = []
    for piece in pieces:
        if isinstance(piece, Opaque) and isinstance(piece.module, AbstractFixedStepNet):
            elements += _elements(piece.module, piece.input_shape)
        elif isinstance(piece, Opaque):
            elements.append(piece)
    return elements


def _terms_of(stepper: AbstractStepper[Any], step: StepPlan, input_shape: Shape) -> list[Term] | None:
    """A field's chains of matrices and activations, if its step is known by its Jacobian; roots want float64."""
    if isinstance(stepper, EulerStepper) or (isinstance(stepper, BackwardEulerStepper) and _in_float64(step.field)):
        terms = field_terms(step.field, input_shape)
        return None if any(isinstance(piece, Opaque) for term in terms for piece in term.chain) else terms
    return None


def _worth_following(element: _Element) -> float:
    """How many entries the points may have for the sake of the slopes, or the local constant, of this element."""
    if isinstance(element, Opaque) and knows_near(element.module):
        return math.inf
    if isinstance(element, _Run) and any(isinstance(piece, Activation) for piece in element.pieces):
        return math.inf if any(isinstance(piece, AffineMap) for piece in element.pieces) else WORTH_FOLLOWING
    return math.inf if isinstance(element, _Step) and element.terms is not None else 0.0


def _stage(element: _Element, worth: float, *, first: bool) -> AbstractStage:
    """The element as a stage, if the points behind it are worth following for so many entries."""
    if isinstance(element, _Run):
        chain = PreparedChain(element.pieces)
        most = element.most if first else min(element.most, chain.constant())
        return ChainStage(chain, most, followed=worth > 0.0)
    if isinstance(element, _Step):
        return _step_stage(element, worth)
    nearby = (element.module, element.input_shape) if knows_near(element.module) else None
    if worth == 0.0:
        return OpaqueStage(element.lipschitz, None, 1, nearby)
    outputs, image = math.prod(output_shape(element.module, element.input_shape)), None
    if outputs <= worth and _in_float64(element.module):
        rounding = layer_error(element.module, element.input_shape, _unit_norm(), unit_roundoff(torch.float64))
        image = Image(element.module, element.input_shape, rounding)
    return OpaqueStage(element.lipschitz, image, outputs, nearby)


def _step_stage(step: _Step, worth: float) -> AbstractStage:
    """A step: sharp where method and field are known in parts, else by its growth alone."""
    entries = math.prod(step.input_shape)
    if step.terms is not None and isinstance(step.stepper, EulerStepper):
        return EulerStage(step.terms, entries, step.step.step_size, step.factor)
    if step.terms is not None and isinstance(step.stepper, BackwardEulerStepper):
        return BackwardEulerStage(step.stepper, step.step, step.terms, step.input_shape, step.factor)
    followed = entries <= worth and _in_float64(step.step.field)
    image = Image(step.run, step.input_shape, step.rounding()) if followed else None
    return OpaqueStage(step.factor, image, entries)


def _in_float64(module: nn.Module) -> bool:
    """Whether it can be evaluated at states in float64."""
    tensors = [*module.parameters(), *module.buffers()]
    return all(tensor.dtype == torch.float64 for tensor in tensors if tensor.is_floating_point())


def _at(center: Tensor) -> Points:
    """The ball of radius 0."""
    return points_of_ball(center, torch.zeros_like(center[:, 0]))


def _most_entries(chains: list[PreparedChain], begun: int) -> int:
    return max([1, *(m.matrix.numel() + len(m.matrix) * begun for chain in chains for m in chain.maps)])


def _unit_norm() -> Tensor:
    """The input's own norm, (1, 0)."""
    return torch.tensor([1.0, 0.0], dtype=torch.float64)
