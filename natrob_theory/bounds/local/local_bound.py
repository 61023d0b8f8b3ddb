"""Upper Lipschitz bounds on balls: activations that cannot switch inside a ball are linear there."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.bounds.local.entrywise_map import entrywise_constants
from natrob_theory.bounds.local.local_map import LocalMap
from natrob_theory.bounds.local.radii import radii_per_sample
from natrob_theory.layers.questions import layer_lipschitz_in, lipschitz_of_layer
from natrob_theory.layers.remembered import remembered
from natrob_theory.layers.statements import Shape
from natrob_theory.numbers.argument_checks import require_choice, require_state
from natrob_theory.numbers.bound import Bound
from natrob_theory.numbers.norms import NORMS, Norm


def local_lipschitz_upper_bound(
    module: nn.Module, center: Tensor, radius: float | Tensor, *, norm: Norm = "L2"
) -> Bound:
    """K on the balls {y : ‖y − center_i‖ ≤ radius_i}: an upper bound for any two points of the ball, per sample.

    Sharp forms hold for `AutonomousField`, `LinearField` and nn.Sequential of Linear layers on vectors, Conv2d and
    batch norm in eval mode written out as matrices (up to `layers.matrices.DENSE_LIMIT` entries), activations known to
    `activation_slopes`, and networks as `LocalMap` says. Any other layer enters by its constant on all inputs. In L∞
    and L1 such a layer, and a network, gives the whole module its constant on all inputs.

    Args:
        module: a field or a chain of layers that `lipschitz_upper_bound` can bound.
        center: (batch, *state).
        radius: at least 0, one number or one per sample, (batch,).
        norm: of the balls and of the constant: "L2", "Linf" or "L1".

    Returns:
        Value of shape (batch,), float64, kind "upper", rounded outward; never above `lipschitz_upper_bound`.

    Raises:
        LayerRefusedError: a layer that has no constant at all; the message names it.
        ValueError: a negative or non-finite radius, a centre that is not a finite state.

    Source: theory, section 5.
    Proof: proofs/symbolic/local_lipschitz.py; in L∞ and L1 proofs/symbolic/row_and_column_norms.py.
    """
    require_choice("norm", norm, NORMS)
    if not isinstance(module, nn.Module):
        raise TypeError(f"`module` must be an nn.Module, got {type(module).__name__}")
    center = require_state("center", center).detach()
    radii = radii_per_sample(radius, center)
    if norm != "L2":
        return _in_other_norms(module, center, radii, norm)
    return Bound(
        value=ball_constants(module, tuple(center.shape[1:])).on_balls(center, radii),
        kind="upper",
        assumptions=("between two points of the ball", "exact arithmetic with the stored weights"),
        source="theory, section 5: matrices between the activations, with their slopes on the ball",
    )


def _in_other_norms(module: nn.Module, center: Tensor, radii: Float[Tensor, " batch"], norm: Norm) -> Bound:
    """The bound in L∞ or L1, never above that on all inputs."""
    shape = tuple(center.shape[1:])
    everywhere = torch.full_like(radii, layer_lipschitz_in(module, norm, shape))
    local = entrywise_constants(module, center.flatten(1).double(), radii, shape, norm)
    return Bound(
        value=everywhere if local is None else torch.minimum(local, everywhere),
        kind="upper",
        norm=norm,
        assumptions=("between two points of the ball", "exact arithmetic with the stored weights"),
        source="rows or columns of the Jacobians on the ball, entry by entry"
        if local is not None
        else "the constant on all inputs",
    )


class BallConstants:
    """The local constants of one module, with what they share: its constant on all inputs, and its `LocalMap`.

    Args:
        module: as for `local_lipschitz_upper_bound`.
        input_shape: of one sample.
    """

    def __init__(self, module: nn.Module, input_shape: Shape) -> None:
        self.everywhere = lipschitz_of_layer(module, input_shape)
        self._map = LocalMap([module], input_shape)

    def on_balls(self, center: Tensor, radii: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """K on the ball around each sample of `center`, (batch, *state); radii are float64, at least 0, ∞ allowed."""
        return self._map.on_balls(center, radii).clamp_max(self.everywhere)


def ball_constants(module: nn.Module, input_shape: Shape) -> BallConstants:
    """Those of this module and shape, prepared once within `constants_remembered`."""
    return remembered(module, input_shape, lambda: BallConstants(module, input_shape), what="on balls")
