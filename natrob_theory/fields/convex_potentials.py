"""Is a field the gradient flow of a convex potential? The seam where users say so of their own fields.

    @follows_convex_potential.register
    def _(field: MyField) -> bool:
        return True

For f(t, ·) = −∇V_t with V_t convex, Euler's method grows by max(|1 − hK|, |1 + hμ|) only (`gradient_flow_bound`).
"""

from functools import singledispatch

import torch
from torch import nn

from natrob_theory.fields import (
    AutonomousField,
    DissipativeField,
    GradientFlowField,
    LinearField,
    ScaledField,
    SumField,
)
from natrob_theory.layers.altered_layers import alteration_of_rule


@singledispatch
def follows_convex_potential(field: nn.Module) -> bool:
    """Whether it is known that f(t, ·) = −∇V_t with V_t convex and differentiable, for every t.

    Gradient flows of such potentials are closed under sums, nonnegative multiples and dissipation, because the
    potentials are: V + W, cV, V + ρ‖y‖²/2. A class without a rule here answers False, and then its Lipschitz and
    one-sided constants are all that is used.

    Proof: proofs/symbolic/gradient_flow_combinations.py.
    """
    return False


def is_gradient_flow(field: nn.Module) -> bool:
    """`follows_convex_potential`, but only for a field that computes what the rule's kind of field computes."""
    return not alteration_of_rule(field, follows_convex_potential.registry) and follows_convex_potential(field)


@follows_convex_potential.register
def _(field: GradientFlowField) -> bool:
    return True


@follows_convex_potential.register
def _(field: LinearField) -> bool:
    """Ay = −∇(−½⟨y, Ay⟩) for a symmetric A ≤ 0; only a diagonal A is looked at, whose signs no rounding blurs."""
    matrix = field.matrix.detach()
    return torch.equal(matrix, torch.diag(matrix.diagonal())) and bool((matrix.diagonal() <= 0).all())


@follows_convex_potential.register
def _(field: AutonomousField) -> bool:
    return is_gradient_flow(field.module)


@follows_convex_potential.register
def _(field: DissipativeField) -> bool:
    return is_gradient_flow(field.field)


@follows_convex_potential.register
def _(field: ScaledField) -> bool:
    return field.factor >= 0 and is_gradient_flow(field.field)


@follows_convex_potential.register
def _(field: SumField) -> bool:
    return all(is_gradient_flow(part) for part in field.fields)
