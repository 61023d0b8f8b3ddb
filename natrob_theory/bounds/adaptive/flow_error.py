"""How far an adaptive solve ends from the exact flow: on a grid on record, and on any grid with steps of at most H.

The flow carries the local error of step j from t_{j+1} to T, so it enters with e^{μ(T − t_{j+1})}. On a known grid the
sum is taken as it is. On an unknown one the speed at a state is at most e^{μt}v(z_0) + K·(error so far), and the
recursion has a closed form that no accept/reject decision, controller or tolerance enters.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.bounds.adaptive.local_error import FlowConstants, error_rate, local_error
from natrob_theory.numbers.affine_bound import AffineBound
from natrob_theory.numbers.bound import BoundKind
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.outward_exponentials import exponential_quotient_up, exponential_up
from natrob_theory.numbers.rounding import round_up
from natrob_theory.tableaus import ButcherTableau


def recorded_flow_error(
    tableau: ButcherTableau,
    times: Float[Tensor, "points *batch"],
    speeds: Float[Tensor, "steps *batch"],
    constants: FlowConstants,
) -> Float[Tensor, "*batch"]:
    """E ≥ ‖y_N − φ_T(y_0)‖ of a solve on these times: Σ_j e^{μ(T − t_{j+1})} ℓ(h_j) v(y_j), rounded outward.

    Args:
        tableau: the method with the weights that are propagated.
        times: t_0 ≤ … ≤ t_N = T, float64; repeated entries are steps of size 0.
        speeds: at least v(y_j) = ‖f(y_j)‖ at the state each step starts from.
        constants: of the field; entries may differ by step and sample, but μ is that of all of them together.

    Raises:
        ValueError: times that fall, shapes that do not fit, a tableau with a negative node.

    Source: theory, section 8.
    Proof: proofs/coq/adaptive_affine_bound.v (error_on_a_known_grid).
    """
    if len(times) != len(speeds) + 1:
        raise ValueError(f"`speeds` must hold one entry per step, {len(times) - 1}, got {len(speeds)}")
    sizes = times.diff(dim=0)
    if not bool((sizes >= 0).all()):
        raise ValueError("`times` must not fall: a flow error backward in time is not known here")
    steps = torch.where(sizes > 0, round_up(sizes, 1), 0.0)
    weights = exponential_up(constants.one_sided * (times[-1] - times[1:]))
    errors = weights * local_error(tableau, steps, constants) * speeds
    errors = torch.where((steps > 0) & (speeds > 0), errors, 0.0)
    return round_up(errors.sum(dim=0), len(errors) + 6)


def any_flow_error(
    tableau: ButcherTableau, largest_step: float, duration: float, constants: FlowConstants
) -> Float[Tensor, "*batch"]:
    """C with ‖z_N − φ_T(z_0)‖ ≤ C v(z_0) for every grid with steps of at most H: C = e^{μT} λT (e^q − 1)/q, q = λKT.

    λ is `error_rate`. Which steps were accepted, and why, does not matter; only that the solve reaches T.

    Args:
        tableau: the method with the weights that are propagated.
        largest_step: H.
        duration: T − t_0.
        constants: of the field.

    Raises:
        ValueError: the tableau has a negative node.

    Source: theory, section 8.
    Proof: proofs/coq/adaptive_affine_bound.v (error_on_any_grid, error_without_slope).
    """
    span = error_rate(tableau, largest_step, constants) * duration
    exponent = round_up(span * constants.lipschitz, 4)
    coefficient = exponential_up(constants.one_sided * duration) * span * exponential_quotient_up(exponent)
    return round_up(coefficient, 6)


def any_flow_error_of_perturbed(
    coefficient: Tensor, speed: Tensor, lipschitz: Tensor, *, kind: BoundKind, norm: Norm
) -> AffineBound:
    """E_any for every start within ‖ε‖ of a state with this speed: C(v + K‖ε‖), since v(z_0) ≤ v(y_0) + K‖ε‖.

    Source: theory, section 8.
    Proof: proofs/coq/adaptive_affine_bound.v (speed_nearby, adaptive_affine_bound).
    """
    slope = torch.where(lipschitz > 0, coefficient * lipschitz, 0.0).expand_as(speed)
    constant = torch.where(speed > 0, coefficient * speed, 0.0)
    return AffineBound(
        slope=round_up(slope, 1),
        constant=round_up(constant, 1),
        kind=kind,
        norm=norm,
        source="E_any = C(v(y_0) + K‖ε‖), C = e^{μT}(exp(λKT) − 1)/K, on any grid with steps of at most H",
    )
