"""An adaptive solve against the same method on a fixed grid, which relaxations can go through.

Φ is what the adaptive solver returns, whatever steps it accepts, Ψ the same method with n equal steps, φ the exact
flow. From starts s and a with ‖a − s‖ ≤ d,

‖Φ(a) − Ψ(s)‖ ≤ ‖Φ(a) − φ(a)‖ + ‖φ(a) − φ(s)‖ + ‖φ(s) − Ψ(s)‖ ≤ C_H(v + Kd) + e^{μT}d + C_{T/n}v,

with ‖f(s)‖ ≤ v and C_h of `any_flow_error`. So where s lies in a set on which ‖f‖ is at most v, nothing has to be known
of where the flows and the solves go afterwards: the speed along a flow grows by e^{μt} at most.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_theory.bounds.adaptive.affine_remainder import affine_part_in
from natrob_theory.bounds.adaptive.flow_error import any_flow_error, any_flow_error_of_perturbed
from natrob_theory.bounds.adaptive.local_error import FlowConstants
from natrob_theory.bounds.adaptive.solve_requirements import require_affine_bound_known
from natrob_theory.layers.statements import Shape
from natrob_theory.networks import NeuralODE, RungeKuttaNet
from natrob_theory.numbers.bound import Bound, BoundKind
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.outward_exponentials import exponential_up
from natrob_theory.numbers.rounding import EPSILON, round_up


def fixed_grid_form(net: NeuralODE) -> RungeKuttaNet:
    """Takes the field and the method with the fewest equal steps that are no longer than the cap.

    Raises:
        TypeError, ValueError: as for `adaptive_affine_bound`, naming what `net` lacks.
    """
    require_affine_bound_known(net)
    assert net.max_step_size is not None
    duration = net.end_time - net.start_time
    steps = math.ceil(duration / net.max_step_size)
    return RungeKuttaNet(net.field, duration / steps, steps, tableau=net.tableau, start_time=net.start_time)


def constants_of_flow(field: nn.Module, input_shape: Shape, lipschitz: Bound, one_sided: Bound) -> FlowConstants:
    """K, μ and the affine part in the norm of these bounds.

    Args:
        field: f.
        input_shape: of one state.
        lipschitz, one_sided: upper bounds of K and μ on all states, in one norm; the smaller of μ and K is used.

    Raises:
        ValueError: a bound that is no upper one, or bounds of two norms.
    """
    if lipschitz.kind != "upper" or one_sided.kind != "upper":
        raise ValueError(f"constants must be upper bounds, got {lipschitz.kind} and {one_sided.kind}")
    if lipschitz.norm != one_sided.norm:
        raise ValueError(f"constants must be of one norm, got {lipschitz.norm} and {one_sided.norm}")
    constant = float(lipschitz)
    return FlowConstants(
        lipschitz=torch.tensor(constant, dtype=torch.float64),
        one_sided=torch.tensor(max(min(constant, float(one_sided)), -constant), dtype=torch.float64),
        affine=affine_part_in(lipschitz.norm, field, input_shape),
    )


def distance_from_fixed_grid(
    net: NeuralODE,
    constants: FlowConstants,
    *,
    speed: Float[Tensor, " batch"],
    distance: Float[Tensor, " batch"],
    norm: Norm,
) -> Float[Tensor, " batch"]:
    """At least ‖Φ(a) − Ψ(s)‖ for every s with ‖f(s)‖ ≤ `speed` and every a with ‖a − s‖ ≤ `distance`.

    In exact arithmetic, whenever Φ(a) reaches its end; rounded outward.

    Args:
        net: with `max_step_size`. Ψ is its `fixed_grid_form`.
        constants: of its field on all states, in `norm`.
        speed: v, in `norm`.
        distance: d, in `norm`.
        norm: of all distances.

    Raises:
        TypeError, ValueError: as for `fixed_grid_form`.

    Source: theory, section 8.
    Proof: proofs/coq/adaptive_affine_bound.v (error_on_any_grid, speed_nearby), proofs/symbolic/fixed_grid_distance.py.
    """
    grid = fixed_grid_form(net)
    assert net.max_step_size is not None
    duration = net.end_time - net.start_time
    kind: BoundKind = "upper"
    own, fixed = (
        any_flow_error_of_perturbed(
            any_flow_error(net.tableau, step, duration, constants), speed, constants.lipschitz, kind=kind, norm=norm
        )
        for step in (net.max_step_size, grid.step_size * (1.0 + 4 * EPSILON))
    )
    flow = exponential_up(constants.one_sided * duration) * distance
    total = flow + torch.as_tensor(own.at(distance).value) + torch.as_tensor(fixed.constant)
    return round_up(total, 4)
