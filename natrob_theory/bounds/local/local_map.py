"""Upper Lipschitz bounds of a whole map on balls: the Jacobian at the centre, plus what can change in the ball."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.bounds.local.points import Points, points_of_ball
from natrob_theory.bounds.local.radii import radii_per_sample
from natrob_theory.bounds.local.stages import samples_at_once, stages_of
from natrob_theory.layers.statements import Shape
from natrob_theory.numbers.argument_checks import require_state
from natrob_theory.numbers.bound import Bound
from natrob_theory.numbers.rounding import EPSILON, round_up


class LocalMap:
    """A map made of parts, with what its local bounds share, prepared once.

    Euler's and backward Euler's method on fields made of dense layers (`AutonomousField`, `GradientFlowField`,
    `SkewSymmetricField`, `LinearField`, sums, multiples and dissipation of them; convolutions while their matrix has
    at most `layers.matrices.DENSE_LIMIT` entries) enter by their Jacobians. Any other step, and any other layer, enters
    by its constant on all inputs, as does everything before it.

    Args:
        parts: integrator networks with a fixed grid, and chains of layers in which such networks may stand, in order.
            Behind a layer or step that enters by its constant the points are known only if it is in float64.
        input_shape: of one sample.

    Raises:
        LayerRefusedError: a layer or field that has no constant at all.
        ValueError: a method without a growth bound from its field's constants.
    """

    def __init__(self, parts: Sequence[nn.Module], input_shape: Shape) -> None:
        self._stages = stages_of(parts, input_shape)

    def on_balls(self, center: Tensor, radii: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """K on the ball around each sample of `center`, (batch, *input); radii are float64, at least 0, ∞ allowed."""
        at_once = samples_at_once(self._stages, center[0].numel())
        parts = zip(center.split(at_once), radii.split(at_once), strict=True)
        points = [self._over(*part) for part in parts]
        return torch.cat([round_up(some.outer * some.least(), 4) for some in points])

    def rows_on_balls(
        self, center: Tensor, radii: Float[Tensor, " batch"], rows: Float[Tensor, "batch rows outputs"]
    ) -> Float[Tensor, "batch rows"]:
        """‖v_jᵀ(J + E)‖: constants of the maps x -> ⟨v_j, map(x)⟩ on the balls, one per row v_j of each sample.

        ‖v_jᵀJ‖ + ‖v_j‖e, or ‖v_j‖p where that is less.

        Proof: proofs/symbolic/local_map.py.
        """
        at_once = samples_at_once(self._stages, center[0].numel())
        parts = zip(center.split(at_once), radii.split(at_once), rows.split(at_once), strict=True)
        return torch.cat([_constants_of_rows(self._over(*part), those) for *part, those in parts])

    def _over(self, center: Tensor, radii: Float[Tensor, " batch"]) -> Points:
        """The knowledge of the map on the balls around these centres, (batch, *input)."""
        points = points_of_ball(center.detach().flatten(1).double(), radii)
        for stage in self._stages:
            points = stage.advance(points)
        return points


def _constants_of_rows(points: Points, rows: Tensor) -> Tensor:
    lengths = torch.linalg.vector_norm(rows, dim=2)
    gamma = (rows.shape[2] + 16) * EPSILON
    least = lengths * points.constant[:, None]
    if points.jacobian is not None:
        gamma += points.jacobian.shape[2] * EPSILON
        size = torch.linalg.matrix_norm(points.jacobian)[:, None]
        own = torch.linalg.vector_norm(rows @ points.jacobian, dim=2) + lengths * (gamma * size)
        least = torch.minimum(own + lengths * points.deviation[:, None], least)
    return round_up(least * points.outer[:, None] * (1.0 + gamma), 8)


def local_map_lipschitz_upper_bound(parts: Sequence[nn.Module], center: Tensor, radius: float | Tensor) -> Bound:
    """K of a map made of parts on the balls {x : ‖x − center_i‖₂ ≤ radius_i}, for any two points of a ball, per sample.

    Between two points of the ball the map acts as J + E, J its Jacobian at the centre (with activations that the ball
    cannot switch fixed), ‖E‖ ≤ e: the bound is ‖J‖ + e, and at radius 0, away from kinks, ‖J‖ up to rounding.

    Args:
        parts: as for `LocalMap`.
        center: (batch, *input).
        radius: at least 0, one number or one per sample.

    Returns:
        Value of shape (batch,), float64, kind "upper", rounded outward; never above the product of the parts' growths
        and constants on all inputs.

    Raises:
        LayerRefusedError, ValueError: as for `LocalMap`; a centre or radius that is not as described.

    Source: theory, section 5.
    Proof: proofs/symbolic/local_map.py, proofs/symbolic/local_lipschitz.py.
    """
    center = require_state("center", center).detach()
    radii = radii_per_sample(radius, center)
    return Bound(
        value=LocalMap(parts, tuple(center.shape[1:])).on_balls(center, radii),
        kind="upper",
        assumptions=("between two points of the ball", "exact arithmetic with the stored weights"),
        source="theory, section 5: Jacobian at the centre and deviation on the ball, through every step",
    )
