"""Upper bounds of the one-sided Lipschitz constant, from the structure of the field."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.fields import AutonomousField, DissipativeField
from natrob_theory.layers.questions import one_sided_lipschitz_in
from natrob_theory.layers.refusal import ActivationRefusedError
from natrob_theory.layers.two_layer import one_sided_from_slopes, slopes_on_ball, two_layers
from natrob_theory.numbers.argument_checks import require_choice, require_nonnegative, require_state
from natrob_theory.numbers.bound import Bound
from natrob_theory.numbers.norms import NORMS, Norm
from natrob_theory.numbers.rounding import EPSILON

ASSUMPTIONS = ("exact arithmetic with the stored weights",)


def one_sided_lipschitz_upper_bound(
    field: nn.Module,
    *,
    input_shape: tuple[int, ...],
    center: Tensor | None = None,
    radius: float | None = None,
    norm: Norm = "L2",
) -> Bound:
    """μ with ⟨f(t, z) − f(t, y), z − y⟩ ≤ μ‖z − y‖² for all y and z: at most K, 0 or below for structured fields.

    In L∞ and L1 the largest logarithmic norm of the Jacobians, μ_∞ = max_i (J_ii + Σ_{j≠i}|J_ij|) and by columns μ_1.
    Distances along the exact flow then grow at most like e^{μt} in that norm. A gradient flow has μ_∞ > 0 in general.

    Args:
        field: a field of this library, or a layer, that has a rule in `natrob_theory.one_sided_lipschitz` or, for
            μ ≤ K, in `natrob_theory.layer_lipschitz`.
        input_shape: the shape of one sample, without the batch axis.
        center, radius: both or neither; (batch, *state) and r ≥ 0. With them the constant of sample i holds for y
            and z in the L2 ball B(center_i, r), and two dense layers have a smaller one there: an activation that
            cannot switch on the ball is linear. Other fields keep the constant of the whole space. In L2 only.
        norm: "L2", "Linf" or "L1".

    Returns:
        An upper bound in this norm, rounded outward, for the field in exact arithmetic; it may be negative. A number,
        or with `center` a tensor (batch,).

    Raises:
        LayerRefusedError: a field with neither rule; the message names it.
        TypeError, ValueError: naming the argument.

    Source: theory, section 5 (Dahlquist 1958; Söderlind, BIT 46, 2006); `layers/two_layer.py`.
    Proof: proofs/coq/one_sided.v, proofs/symbolic/two_layer_one_sided.py, proofs/symbolic/row_and_column_norms.py, and
        what `one_sided_lipschitz` names.
    """
    if not isinstance(field, nn.Module):
        raise TypeError(f"`field` must be an nn.Module, got {type(field).__name__}")
    if len(input_shape) == 0 or any(size < 1 for size in input_shape):
        raise ValueError(f"`input_shape` must hold positive sizes without the batch axis, got {tuple(input_shape)}")
    if (center is None) != (radius is None):
        raise ValueError("`center` and `radius` must be given together")
    if center is not None and require_choice("norm", norm, NORMS) != "L2":
        raise ValueError(f'`center` and `radius` are for `norm` = "L2", got `norm` = "{norm}": leave them out')
    constant = one_sided_lipschitz_in(field, require_choice("norm", norm, NORMS), tuple(input_shape))
    if center is None or radius is None:
        return Bound(value=constant.value, kind="upper", norm=norm, assumptions=ASSUMPTIONS, source=constant.source)
    center = require_state("center", center).detach()
    if center.shape[1:] != tuple(input_shape):
        raise ValueError(f"`center` must have shape (batch, *{tuple(input_shape)}), got {tuple(center.shape)}")
    radius = require_nonnegative("radius", radius)
    whole = torch.full((len(center),), constant.value, dtype=torch.float64, device=center.device)
    local = _on_balls(field, center, radius)
    return Bound(
        value=whole if local is None else torch.minimum(local, whole),
        kind="upper",
        assumptions=(*ASSUMPTIONS, f"both states within {radius:g} of the sample's centre"),
        source=f"{constant.source}{'' if local is None else '; on each ball from the slopes possible there'}",
    )


def _on_balls(field: nn.Module, center: Tensor, radius: float) -> Float[Tensor, " batch"] | None:
    """The constants of two dense layers on each ball; None for a field that has no local bound here.

    What alters a field was refused when its constant on the whole space was found.
    """
    if isinstance(field, DissipativeField):
        inner = _on_balls(field.field, center, radius)
        value = None if inner is None else inner - field.rate
        return None if value is None else value + EPSILON * value.abs()
    parts = two_layers(field.module if isinstance(field, AutonomousField) else field)
    if parts is None or center.dim() != 2:
        return None
    try:
        slopes = slopes_on_ball(parts, center, radius)
    except ActivationRefusedError:
        return None
    return one_sided_from_slopes(parts, slopes)
