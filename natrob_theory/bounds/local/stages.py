"""The parts of a map, each of which takes a ball's points and what is known of them one part further.

With Φ the slope matrix of the part's chains between two points of the ball, Φ° that at the centre, and Ψ = (I + hΦ)
for Euler's method, (I − hΦ)⁻¹ for backward Euler, Φ for a plain chain:

* Euler:            Ψ(J + E) = (I + hΦ°)J + [h(Φ − Φ°)J + ΨE];
* backward Euler:   Ψ(J + E) = J' + Ψ[h(Φ − Φ°)J' + (J − (I − hΦ°)J') + E], for any J', best near (I − hΦ°)⁻¹J;
* a part of which only a constant G is known: J' = 0, e' = Gp.

‖Ψ‖ ≤ G, the growth of the step on all states, so p' = Gp, and e' is at most the norms in brackets with G for Ψ.
"""

import abc
import math
from itertools import groupby
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.bounds.evaluation_error.network_rules import solver_residual, step_error
from natrob_theory.bounds.local.chain_passage import Passed, Points, PreparedChain
from natrob_theory.bounds.network_growth import step_structures
from natrob_theory.layers.answers import chain_of, field_terms, layer_error, lipschitz_of_layer
from natrob_theory.layers.statements import Opaque, Shape, Term
from natrob_theory.networks import AbstractFixedStepNet, StepPlan
from natrob_theory.numbers.norms import per_sample_l2
from natrob_theory.numbers.rounding import EPSILON, round_up, unit_roundoff
from natrob_theory.steppers import AbstractStepper, BackwardEulerStepper, EulerStepper

REFINEMENTS = 2
"""Backward Euler: how often the boxes are made smaller with the deviation found before."""


class AbstractStage(abc.ABC):
    """One part of the map."""

    widest: int = 1

    @abc.abstractmethod
    def advance(self, points: Points, radius: Float[Tensor, " batch"]) -> Points:
        """The points after it."""


@final
class ChainStage(AbstractStage):
    """Matrices and activations."""

    def __init__(self, chain: PreparedChain, constant: float) -> None:
        self._chain, self._constant = chain, constant
        self.widest = chain.widest

    def advance(self, points: Points, radius: Tensor) -> Points:
        """Φ°J, and (Φ − Φ°)J + ΦE."""
        passed = self._chain.over(points, radius)
        steepness = passed.steepness.clamp_max(self._constant)
        deviation = round_up(passed.switching + steepness * points.deviation, 4)
        constant = round_up(steepness * points.constant, 2)
        drift = round_up(passed.drift + steepness * points.drift, 4)
        return Points(passed.value, drift, passed.jacobian, deviation, constant)


@final
class OpaqueStage(AbstractStage):
    """A part of which nothing but its constant is used."""

    def __init__(self, function: Any, input_shape: Shape, constant: float, rounding: Tensor) -> None:
        self._function, self._shape, self._constant = function, input_shape, constant
        self._rounding = rounding

    def advance(self, points: Points, radius: Tensor) -> Points:
        """J' = 0: e' = Gp."""
        with torch.no_grad():
            value = self._function(points.center.view(-1, *self._shape)).flatten(1)
        norms = per_sample_l2(points.center)
        own = float(self._rounding[0]) * norms + float(self._rounding[1])
        drift = round_up(self._constant * points.drift + own, 8)
        constant = round_up(self._constant * points.constant, 2)
        jacobian = torch.zeros((1, value.shape[1], points.jacobian.shape[2]), dtype=torch.float64, device=value.device)
        return Points(value, drift, jacobian, constant, constant)


class _Terms:
    """f = Σ c_k·chain_k, prepared."""

    def __init__(self, terms: list[Term]) -> None:
        self._terms = [(term.factor, PreparedChain(term.chain)) for term in terms]
        self.widest = max(chain.widest for _, chain in self._terms)

    def over(self, points: Points, radius: Tensor) -> Passed:
        """f over the ball: the sums of values, Jacobians and bounds."""
        parts = [(factor, chain.over(points, radius)) for factor, chain in self._terms]
        value = sum((factor * part.value for factor, part in parts), torch.zeros_like(points.center))
        jacobian = sum((factor * part.jacobian for factor, part in parts), torch.zeros_like(points.jacobian))
        count = (len(parts) + 2) * EPSILON
        drift = sum(
            (abs(factor) * (part.drift + count * per_sample_l2(part.value)) for factor, part in parts),
            torch.zeros_like(points.drift),
        )
        switching = sum(
            (abs(f) * (part.switching + count * torch.linalg.matrix_norm(part.jacobian)) for f, part in parts),
            torch.zeros_like(points.drift),
        )
        steepness = sum((abs(factor) * part.steepness for factor, part in parts), torch.zeros_like(points.drift))
        return Passed(value, round_up(drift, 8), jacobian, round_up(switching, 8), round_up(steepness, 8))


@final
class EulerStage(AbstractStage):
    """y + h f(y)."""

    def __init__(self, terms: list[Term], step_size: float, factor: float) -> None:
        self._terms, self._step_size, self._factor = _Terms(terms), step_size, factor
        self.widest = self._terms.widest

    def advance(self, points: Points, radius: Tensor) -> Points:
        """(I + hΦ°)J, and h(Φ − Φ°)J + ΨE."""
        h, factor = self._step_size, self._factor
        passed = self._terms.over(points, radius)
        value = points.center + h * passed.value
        sums = 4 * EPSILON * (per_sample_l2(points.center) + h * per_sample_l2(passed.value))
        drift = round_up(factor * points.drift + h * passed.drift + sums, 8)
        jacobian = points.jacobian + h * passed.jacobian
        size = torch.linalg.matrix_norm(points.jacobian) + h * torch.linalg.matrix_norm(passed.jacobian)
        switching = h * passed.switching + 4 * EPSILON * size
        deviation = round_up(switching + factor * points.deviation, 8)
        return Points(value, drift, jacobian, deviation, round_up(factor * points.constant, 2))


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
        self._terms = _Terms(terms)
        self.widest = self._terms.widest

    def advance(self, points: Points, radius: Tensor) -> Points:
        """J' by a linear solve at the root, and the rest of it; boxes from p first, then from J' and e'."""
        h, factor = self._step.step_size, self._factor
        with torch.no_grad():
            start = points.center.view(-1, *self._shape)
            root = self._stepper.step(self._step.field, self._step.time, start, h).flatten(1)
        zero = torch.zeros_like(radius)
        entries = root.shape[1]
        identity = torch.eye(entries, dtype=torch.float64, device=root.device)[None]
        slope = self._terms.over(Points(root, zero, identity, zero, zero + 1.0), zero)
        residual = root - points.center - h * slope.value
        sums = 8 * EPSILON * (per_sample_l2(points.center) + per_sample_l2(root) + h * per_sample_l2(slope.value))
        own = per_sample_l2(residual) + h * slope.drift + sums
        drift = round_up(factor * (points.drift + own), 8)
        jacobian = torch.linalg.solve(identity - h * slope.jacobian, points.jacobian.expand(len(root), -1, -1))
        constant = round_up(factor * points.constant, 2)
        deviation = constant + torch.linalg.matrix_norm(jacobian)
        for _ in range(REFINEMENTS):
            around = Points(root, drift, jacobian, deviation, constant)
            passed = self._terms.over(around, radius)
            unsolved = torch.linalg.matrix_norm(points.jacobian - jacobian + h * passed.jacobian)
            size = torch.linalg.matrix_norm(points.jacobian) + 2 * torch.linalg.matrix_norm(jacobian)
            rounding = 8 * EPSILON * (size + h * torch.linalg.matrix_norm(passed.jacobian))
            found = factor * (h * passed.switching + unsolved + rounding + points.deviation)
            deviation = torch.minimum(deviation, round_up(found, 16))
        return Points(root, drift, jacobian, deviation, constant)


def stages_of(part: nn.Module, input_shape: Shape) -> list[AbstractStage]:
    """The stages of one part of a map: a network's steps, or a chain of layers, in which networks may stand.

    Args:
        part: an integrator network with a fixed grid, or a chain of layers that `lipschitz_upper_bound` takes.
        input_shape: of one sample.
    """
    if isinstance(part, AbstractFixedStepNet):
        structure = step_structures(part, input_shape=input_shape)
        return [
            _step_stage(part.stepper, step, input_shape, known.factor)
            for step, known in zip(part.plan(), structure, strict=True)
        ]
    chain = chain_of(part, input_shape)
    if not any(isinstance(piece, Opaque) for piece in chain):
        return [ChainStage(PreparedChain(chain), lipschitz_of_layer(part, input_shape))]
    stages: list[AbstractStage] = []
    for opaque, pieces in groupby(chain, key=lambda piece: isinstance(piece, Opaque)):
        if opaque:
            stages += [stage for piece in pieces for stage in _opaque_stages(piece)]  # type: ignore[arg-type]
        else:
            stages.append(ChainStage(PreparedChain(list(pieces)), math.inf))
    return stages


def _opaque_stages(piece: Opaque) -> list[AbstractStage]:
    """A network in a chain is seen step by step, any other layer by its constant."""
    if isinstance(piece.module, AbstractFixedStepNet):
        return stages_of(piece.module, piece.input_shape)
    rounding = layer_error(piece.module, piece.input_shape, _unit_norm(), unit_roundoff(torch.float64))
    return [OpaqueStage(piece.module, piece.input_shape, piece.lipschitz, rounding)]


def _sharp_terms(field: nn.Module, input_shape: Shape) -> list[Term] | None:
    """The chains of a field; None where one of them has a layer that is no matrix and no activation here."""
    terms = field_terms(field, input_shape)
    return None if any(isinstance(piece, Opaque) for term in terms for piece in term.chain) else terms


def _step_stage(stepper: AbstractStepper[Any], step: StepPlan, input_shape: Shape, factor: float) -> AbstractStage:
    """One step: sharp where method and field are known in parts, else by its growth alone."""
    terms = _sharp_terms(step.field, input_shape) if isinstance(stepper, (EulerStepper, BackwardEulerStepper)) else None
    if terms is not None and isinstance(stepper, EulerStepper):
        return EulerStage(terms, step.step_size, factor)
    if terms is not None and isinstance(stepper, BackwardEulerStepper):
        return BackwardEulerStage(stepper, step, terms, input_shape, factor)
    residual = solver_residual(stepper, torch.float64)
    rounding = step_error(
        stepper,
        step,
        input_shape,
        _unit_norm(),
        unit_roundoff(torch.float64),
        factor=factor,
        relative_residual=residual,
    )

    def run(state: Tensor) -> Tensor:
        return stepper.step(step.field, step.time, state, step.step_size)

    if isinstance(stepper, BackwardEulerStepper):
        rounding = factor * rounding
    return OpaqueStage(run, input_shape, factor, rounding)


def _unit_norm() -> Tensor:
    """The input's own norm, (1, 0)."""
    return torch.tensor([1.0, 0.0], dtype=torch.float64)
