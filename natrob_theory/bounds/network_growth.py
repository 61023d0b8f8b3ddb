"""The growth of a whole network from the structure of its fields, and with it the network's Lipschitz constant."""

import math
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import nn

from natrob_theory.bounds.lipschitz_upper_bound import lipschitz_upper_bound
from natrob_theory.bounds.one_sided_upper_bound import one_sided_lipschitz_upper_bound
from natrob_theory.fields.centred_fields import centred_constants
from natrob_theory.layers.altered_layers import FORWARD_METHODS
from natrob_theory.layers.answers import AbstractLayer, asked, describes, follows_convex_potential
from natrob_theory.layers.refusal import refuse
from natrob_theory.layers.statements import CentredConstants, Shape
from natrob_theory.networks import AbstractFixedStepNet, AbstractIntegratorNet, NeuralODE
from natrob_theory.networks.abstract_net import constants_per_step, growth_over_steps, step_growth
from natrob_theory.networks.one_sided_growth import StepStructure
from natrob_theory.numbers.bound import Bound
from natrob_theory.steppers import CoupledField
from natrob_theory.steppers.revnet import split_halves


def growth_upper_bound(net: AbstractIntegratorNet, *, input_shape: tuple[int, ...]) -> Bound:
    """G with ‖z_N − y_N‖ ≤ G‖z_0 − y_0‖, from the constants and the structure of the network's own fields.

    K of every step by `lipschitz_upper_bound`, μ by `one_sided_lipschitz_upper_bound`. Each step takes the smallest of
    the method's factors: from K; from (μ, K) where the method has such a formula, 1/(1 − hμ) for backward Euler at any
    hK; and for Euler's method on a gradient flow of a convex potential (`follows_convex_potential`)
    max(|1 − hK|, |1 + hμ|), which is 1 for μ = 0 and h ≤ 2/K; and for Euler's method on f = −γy + skew part (s) +
    remainder (r) √((1 − hγ)² + h²s²) + hr. For a gradient flow (K_f), a skew-symmetric field (K_s) and dissipation ρ
    that is √((1 − hρ − hK_f/2)² + h²K_s²) + hK_f/2, and no smaller factor follows from these constants. RevNet has its
    pairs (K₁, K₂) and nothing else.

    Args:
        net: an integrator network; a Neural ODE must have been run, and its growth is that of the grids on record.
        input_shape: the shape of one state, without the batch axis.

    Returns:
        An upper bound in L2, rounded outward; a tensor (batch,) where every sample has a grid of its own. ∞ where it
        overflows.

    Raises:
        TypeError: `net` is no integrator network.
        LayerRefusedError: a field that cannot be bounded, or a network with hooks or methods of its own; the message
            names it.
        ValueError: the method has no bound from these constants, as backward Euler for hμ ≥ 1; a shape that does not
            fit; a negative step size; a Neural ODE without a grid.

    Source: theory, sections 1 and 3.
    Proof: of each factor, where the stepper's docstring says; of the product proofs/coq/one_step_methods.v
        (growth_over_steps); that sums, multiples and dissipation keep gradient flows
        proofs/symbolic/gradient_flow_combinations.py; that sums, multiples and dissipation keep γ, s and r
        proofs/symbolic/skew_gradient_flow_euler.py.
    """
    if not isinstance(net, AbstractIntegratorNet):
        raise TypeError(f"`net` must be an integrator network, got {type(net).__name__}")
    structure = _structure(net, tuple(input_shape))
    return growth_over_steps(net, *structure)


def step_structures(net: AbstractIntegratorNet, *, input_shape: tuple[int, ...]) -> list[StepStructure]:
    """Of every step what `growth_upper_bound` uses, and the step's own factor; ∞ where the method has no bound.

    Raises:
        LayerRefusedError: a field that cannot be bounded.
    """
    structure = _structure(net, tuple(input_shape))
    plan = net.plan()
    one_sided = [None] * len(plan) if structure.one_sided is None else [float(mu) for mu in structure.one_sided]
    flows = [False] * len(plan) if structure.gradient_flows is None else structure.gradient_flows
    rows = constants_per_step(structure.lipschitz, len(plan), net.stepper.couplings)
    try:
        growth = step_growth(net.stepper, plan, rows, *structure[1:])
    except ValueError:
        factors = [math.inf] * len(plan)
    else:
        factors = [float(growth.of_step(n)) for n in range(len(plan))]
    return [StepStructure(*row) for row in zip(factors, one_sided, flows, strict=True)]


class _Structure(NamedTuple):
    """Of every step: K or (K₁, K₂); where the method can use them μ, whether f is a gradient flow, and its parts."""

    lipschitz: list[Bound] | list[tuple[Bound, Bound]]
    one_sided: list[Bound] | None
    gradient_flows: list[bool] | None
    centred: list[CentredConstants] | None = None


def _structure(net: AbstractIntegratorNet, input_shape: Shape) -> _Structure:
    altered = asked(net, "lipschitz")[1]
    if altered:
        refuse(net, input_shape, altered)
    fields: list[nn.Module] = [step.field for step in net.plan()]
    distinct = dict.fromkeys(fields)
    pairs = {field: _pair_constants(field, input_shape) for field in distinct if isinstance(field, CoupledField)}
    if pairs:
        return _Structure([pairs[field] for field in fields], None, None)  # type: ignore[index] - all are coupled
    constants = {field: lipschitz_upper_bound(field, input_shape=input_shape) for field in distinct}
    lipschitz = [constants[field] for field in fields]
    if not net.stepper.one_sided_formula:
        return _Structure(lipschitz, None, None)
    flows = {field: follows_convex_potential(field) for field in distinct}
    one_sided = {field: _one_sided(field, input_shape, gradient_flow=flows[field]) for field in distinct}
    centred = None
    if net.stepper.centred_formula:
        parts = {field: centred_constants(field, input_shape) for field in distinct}
        centred = [parts[field] for field in fields]
    return _Structure(lipschitz, [one_sided[field] for field in fields], [flows[field] for field in fields], centred)


def _one_sided(field: nn.Module, input_shape: Shape, *, gradient_flow: bool) -> Bound:
    """μ; at most 0 for a gradient flow, whatever a rule that does not know of the potential says."""
    bound = one_sided_lipschitz_upper_bound(field, input_shape=input_shape)
    if not gradient_flow or float(bound) <= 0.0:
        return bound
    return replace(bound, value=0.0, source="gradient flow of a convex potential: μ ≤ 0")


def _pair_constants(field: CoupledField, input_shape: Shape) -> tuple[Bound, Bound]:
    """(K₁, K₂) of a coupled pair on the two halves of the state's first axis."""
    half = tuple(split_halves(torch.empty((1, *input_shape)))[0].shape[1:])
    first, second = (lipschitz_upper_bound(part, input_shape=half) for part in (field.first, field.second))
    return first, second


@describes(AbstractFixedStepNet)
class FixedStepNetAnswers(AbstractLayer[AbstractFixedStepNet]):
    """A network with a fixed grid is a layer; a residual block y + F(y) is an `EulerNet` of one step."""

    computed_by = (*FORWARD_METHODS, "plan", "plan_for")

    def output_shape(self, input_shape: Shape) -> Shape:
        """A network keeps the state's shape."""
        return input_shape

    def lipschitz(self, input_shape: Shape) -> float:
        """`growth_upper_bound`."""
        structure = _structure(self.module, input_shape)
        try:
            return float(growth_over_steps(self.module, *structure))
        except ValueError as reason:
            refuse(self.module, input_shape, f"these constants: {reason}")


@describes(NeuralODE)
class NeuralODEAnswers(FixedStepNetAnswers):
    """A network with an adaptive solver."""

    def lipschitz(self, input_shape: Shape) -> float:
        """None: the accepted grid depends on the input, and with it the map jumps (theory, section 4)."""
        refuse(
            self.module,
            input_shape,
            "an adaptive solver: it may choose another grid for another input, so no constant holds for pairs of "
            "inputs; growth_bound is that of pairs on the recorded grid",
        )
