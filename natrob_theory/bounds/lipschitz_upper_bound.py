"""Upper bounds of the Lipschitz constant, layer by layer."""

from torch import nn

from natrob_theory.layers.questions import layer_lipschitz_in
from natrob_theory.numbers.argument_checks import require_choice
from natrob_theory.numbers.bound import Bound
from natrob_theory.numbers.norms import NORMS, Norm

SOURCES: dict[Norm, str] = {
    "L2": "(12): product of layer norms (SVD; Fourier transform over a torus for convolutions)",
    "Linf": "largest row sum of the layers' |W| with the steepest slopes between",
    "L1": "largest column sum of the layers' |W| with the steepest slopes between",
}


def lipschitz_upper_bound(module: nn.Module, *, input_shape: tuple[int, ...], norm: Norm = "L2") -> Bound:
    """K ≤ Π ‖θ_l‖ over the layers of `module`, valid for all inputs: the paper's (12).

    In L∞ and L1 the rows and columns of Π |θ_l| are summed, which is at most the product of the layers' norms.

    Args:
        module: a field or a network with a fixed grid of this library, or a layer or nn.Sequential of layers that
            have a rule in `natrob_theory.bounds.layer_rules`.
        input_shape: the shape of one sample, without the batch axis.
        norm: of inputs and outputs: "L2", "Linf" or "L1".

    Returns:
        An upper bound in this norm, rounded outward, for the map in exact arithmetic with the stored weights.

    Raises:
        LayerRefusedError: a layer that cannot be bound; the message names it.
        ValueError: batch norm or dropout in training mode; an empty or non-positive shape.

    Source: theory, section 5.
    Proof: proofs/coq/lipschitz_composition.v, proofs/symbolic/lipschitz_composition.py; of rows and columns
        proofs/symbolic/row_and_column_norms.py; of a layer's own constant,
        where its rule's docstring says.
    """
    if not isinstance(module, nn.Module):
        raise TypeError(f"`module` must be an nn.Module, got {type(module).__name__}")
    if len(input_shape) == 0 or any(size < 1 for size in input_shape):
        raise ValueError(f"`input_shape` must hold positive sizes without the batch axis, got {tuple(input_shape)}")
    return Bound(
        value=layer_lipschitz_in(module, require_choice("norm", norm, NORMS), tuple(input_shape)),
        kind="upper",
        norm=norm,
        assumptions=("exact arithmetic with the stored weights",),
        source=SOURCES[norm],
    )
