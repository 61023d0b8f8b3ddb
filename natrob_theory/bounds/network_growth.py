"""The growth of a whole network from the structure of its fields, and with it the network's Lipschitz constant."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import nn

from natrob_theory.bounds.lipschitz_upper_bound import lipschitz_upper_bound
from natrob_theory.bounds.one_sided_upper_bound import one_sided_lipschitz_upper_bound
from natrob_theory.fields import split_halves
from natrob_theory.fields.centred_fields import centred_constants
from natrob_theory.layers.altered_layers import FORWARD_METHODS
from natrob_theory.layers.answers import AbstractLayer, asked, describes
from natrob_theory.layers.questions import follows_convex_potential
from natrob_theory.layers.refusal import refuse
from natrob_theory.layers.statements import Shape
from natrob_theory.networks import AbstractFixedStepNet, AbstractIntegratorNet, NeuralODE, StackedNeuralODE
from natrob_theory.networks.abstract_net import constants_per_step, growth_over_steps, step_growth
from natrob_theory.networks.one_sided_growth import StepStructure
from natrob_theory.numbers.argument_checks import require_choice
from natrob_theory.numbers.bound import Bound
from natrob_theory.numbers.norms import NORMS, Norm
from natrob_theory.steppers import FieldConstants


def growth_upper_bound(net: AbstractIntegratorNet, *, input_shape: tuple[int, ...], norm: Norm = "L2") -> Bound:
    """G with ‖z_N − y_N‖ ≤ G‖z_0 − y_0‖, from the constants and the structure of the network's own fields.

    K of every step by `lipschitz_upper_bound`, μ by `one_sided_lipschitz_upper_bound`. Each step takes the smallest of
    the method's factors: from K; from (μ, K) where the method has such a formula, 1/(1 − hμ) for backward Euler at any
    hK; and for Euler's method on a gradient flow of a convex potential (`follows_convex_potential`)
    max(|1 − hK|, |1 + hμ|), which is 1 for μ = 0 and h ≤ 2/K; and for Euler's method on f = −γy + skew part (s) +
    remainder (r) √((1 − hγ)² + h²s²) + hr. For a gradient flow (K_f), a skew-symmetric field (K_s) and dissipation ρ
    that is √((1 − hρ − hK_f/2)² + h²K_s²) + hK_f/2, and no smaller factor follows from these constants. RevNet has its
    pairs (K₁, K₂) and nothing else.

    In L∞ and L1 Euler's method has max(1 + hμ, hK − 1), backward Euler 1/(1 − hμ), with K and μ of that norm, and no
    method any other factor from more than K.

    Args:
        net: an integrator network; a Neural ODE must have been run, and its growth is that of the grids on record.
        input_shape: the shape of one state, without the batch axis.
        norm: "L2", "Linf" or "L1".

    Returns:
        An upper bound in this norm, rounded outward; a tensor (batch,) where every sample has a grid of its own. ∞
        where it overflows.

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
        proofs/symbolic/skew_gradient_flow_euler.py; in L∞ and L1 proofs/symbolic/maximum_norm_growth.py.
    """
    if not isinstance(net, AbstractIntegratorNet):
        raise TypeError(f"`net` must be an integrator network, got {type(net).__name__}")
    require_choice("norm", norm, NORMS)
    return growth_over_steps(net, *structure_of(net, tuple(input_shape), norm), norm=norm)


def step_structures(net: AbstractIntegratorNet, *, input_shape: tuple[int, ...]) -> list[StepStructure]:
    """Lists for every step what `growth_upper_bound` uses, and its own factor; ∞ where the method has no bound.

    Where every sample has a grid of its own, the factor is the largest of all samples.

    Raises:
        LayerRefusedError: a field that cannot be bounded.
    """
    structure = structure_of(net, tuple(input_shape))
    plan = net.plan()
    rows = constants_per_step(structure.lipschitz, len(plan), net.stepper.couplings)
    try:
        growth = step_growth(net.stepper, plan, rows, structure.fields)
    except ValueError:
        factors = [math.inf] * len(plan)
    else:
        factors = [float(growth.of_step(n).max()) for n in range(len(plan))]
    fields = [FieldConstants()] * len(plan) if structure.fields is None else structure.fields
    return [StepStructure(*row) for row in zip(factors, fields, strict=True)]


class NetworkStructure(NamedTuple):
    """K or (K₁, K₂) of every step, and what the method's growth factors can use of its field."""

    lipschitz: list[Bound] | list[tuple[Bound, ...]]
    fields: list[FieldConstants] | None


def structure_of(net: AbstractIntegratorNet, input_shape: Shape, norm: Norm = "L2") -> NetworkStructure:
    """Finds the constants and the structure that `growth_upper_bound` computes with; raises as it does for fields."""
    altered = asked(net, "lipschitz")[1]
    if altered:
        refuse(net, input_shape, altered)
    stepper = net.stepper
    fields: list[nn.Module] = [step.field for step in net.plan()]
    distinct = dict.fromkeys(fields)
    if stepper.couplings > 1:
        half = tuple(split_halves(torch.empty((1, *input_shape)))[0].shape[1:])
        pairs = {field: _constants_of_parts(stepper.fields_of(field), half, norm) for field in distinct}
        return NetworkStructure([pairs[field] for field in fields], None)
    constants = {field: lipschitz_upper_bound(field, input_shape=input_shape, norm=norm) for field in distinct}
    lipschitz = [constants[field] for field in fields]
    factors = stepper.factors_in(norm)
    if not factors:
        return NetworkStructure(lipschitz, None)
    needs = {need for factor in factors for need in factor.needs}
    known = {field: _field_constants(field, input_shape, needs, norm) for field in distinct}
    return NetworkStructure(lipschitz, [known[field] for field in fields])


def _field_constants(field: nn.Module, input_shape: Shape, needs: set[str], norm: Norm) -> FieldConstants:
    """Finds what growth factors with these needs can use of the field."""
    if norm != "L2":
        return FieldConstants(one_sided=one_sided_lipschitz_upper_bound(field, input_shape=input_shape, norm=norm))
    flow = follows_convex_potential(field)
    return FieldConstants(
        one_sided=_one_sided(field, input_shape, gradient_flow=flow) if "scaled_one_sided" in needs else None,
        gradient_flow=flow,
        centred=centred_constants(field, input_shape) if "centred" in needs else None,
    )


def _constants_of_parts(parts: Sequence[nn.Module], input_shape: Shape, norm: Norm) -> tuple[Bound, ...]:
    """K of each field of a coupled step, on half of the state."""
    return tuple(lipschitz_upper_bound(part, input_shape=input_shape, norm=norm) for part in parts)


def _one_sided(field: nn.Module, input_shape: Shape, *, gradient_flow: bool) -> Bound:
    """μ; at most 0 for a gradient flow, whatever a rule that does not know of the potential says."""
    bound = one_sided_lipschitz_upper_bound(field, input_shape=input_shape)
    if not gradient_flow or float(bound) <= 0.0:
        return bound
    return replace(bound, value=0.0, source="gradient flow of a convex potential: μ ≤ 0")


@describes(AbstractFixedStepNet)
class FixedStepNetAnswers(AbstractLayer[AbstractFixedStepNet]):
    """A network with a fixed grid is a layer; a residual block y + F(y) is an `EulerNet` of one step."""

    computed_by = (*FORWARD_METHODS, "plan", "plan_for")

    def output_shape(self, input_shape: Shape) -> Shape:
        """A network keeps the state's shape."""
        return input_shape

    def lipschitz(self, input_shape: Shape) -> float:
        """`growth_upper_bound`."""
        return self.lipschitz_in("L2", input_shape)

    def lipschitz_in(self, norm: Norm, input_shape: Shape) -> float:
        """`growth_upper_bound`."""
        structure = structure_of(self.module, input_shape, norm)
        try:
            return float(growth_over_steps(self.module, *structure, norm=norm))
        except ValueError as reason:
            refuse(self.module, input_shape, f"these constants: {reason}")


@describes(NeuralODE, StackedNeuralODE)
class NeuralODEAnswers(FixedStepNetAnswers):
    """A network with an adaptive solver."""

    def lipschitz_in(self, norm: Norm, input_shape: Shape) -> float:
        """None: the accepted grid depends on the input, and with it the map jumps (theory, section 4)."""
        refuse(
            self.module,
            input_shape,
            "an adaptive solver: it may choose another grid for another input, so no constant holds for pairs of "
            "inputs; growth_bound is that of pairs on the recorded grid",
        )
