"""Upper constants of whole integrator networks: their growth over all steps, from the constants of their fields."""

import torch

from natrob_theory.lipschitz.layer_rules import layer_lipschitz, lipschitz_of_layer
from natrob_theory.lipschitz.refusal import Shape, refuse
from natrob_theory.networks import AbstractFixedStepNet, NeuralODE
from natrob_theory.steppers import CoupledField
from natrob_theory.steppers.revnet import split_halves


@layer_lipschitz.register
def _(layer: AbstractFixedStepNet, input_shape: Shape) -> float:
    """`growth_bound` with the constant of each step's field(s), theory, section 1.

    A residual block y + F(y) is an `EulerNet` of one step with h = 1: 1 + K_F.
    """
    fields = [step.field for step in layer.plan()]
    distinct = dict.fromkeys(fields)
    pairs = {field: _pair_constants(field, input_shape) for field in distinct if isinstance(field, CoupledField)}
    singles = {field: lipschitz_of_layer(field, input_shape) for field in distinct if field not in pairs}
    try:
        if pairs:
            return float(layer.growth_bound([pairs[field] for field in fields]))
        return float(layer.growth_bound([singles[field] for field in fields]))
    except ValueError as reason:
        refuse(layer, input_shape, f"these constants: {reason}")


def _pair_constants(field: CoupledField, input_shape: Shape) -> tuple[float, float]:
    """(K₁, K₂) of a coupled pair on the two halves of the state's first axis."""
    half = tuple(split_halves(torch.empty((1, *input_shape)))[0].shape[1:])
    return lipschitz_of_layer(field.first, half), lipschitz_of_layer(field.second, half)


@layer_lipschitz.register
def _(layer: NeuralODE, input_shape: Shape) -> float:
    """None: the accepted grid depends on the input, and with it the map jumps (theory, section 4)."""
    refuse(
        layer,
        input_shape,
        "an adaptive solver: it may choose another grid for another input, so no constant holds for pairs of inputs; "
        "growth_bound is that of pairs on the recorded grid",
    )
