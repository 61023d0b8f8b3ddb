"""Local constants of a map at points, in a form whose gradient trains the map."""

from collections.abc import Callable
from typing import Literal, TypeAlias, final

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_theory.bounds.point_pairs import scaled
from natrob_theory.numbers.powers_of_two import exponent_of_largest, times_power_of_two
from natrob_theory.spectra.lanczos import top_direction

Quantity: TypeAlias = Literal["lipschitz", "one_sided"]
Map: TypeAlias = Callable[[Tensor], Tensor]


def local_constants(
    function: Map,
    points: Float[Tensor, "batch *state"],
    *,
    quantity: Quantity,
    iterations: int,
    generator: torch.Generator,
) -> Float[Tensor, " batch"]:
    """Bounds the largest stretch of the Jacobian J at each point y from below, differentiable in the weights.

    "lipschitz": ‖Jv‖ ≤ ‖J‖₂, v from Lanczos on JᵀJ. "one_sided": ⟨v, Jv⟩ ≤ λ_max((J + Jᵀ)/2), v from Lanczos on that
    symmetric part. v is a unit vector found with `iterations` products from a random start, and a constant to autograd:
    at the maximum the value does not change with v to first order, so nothing is lost.

    Where autograd's J is a slope of the map (everywhere but at kinks), ‖J‖₂ is at most K and λ_max at most μ, so these
    are lower bounds of the local constants and of the global ones, up to rounding.

    Args:
        function: of states (batch, *state), which treats samples independently; keeps the state's shape for
            "one_sided".
        points: taken as constants.
        quantity: which constant.
        iterations: Jacobian products of the search, at least 1; each is one with J and one with Jᵀ.
        generator: on the CPU; one normal number per entry is drawn.

    Source: theory, section 5.
    """
    jacobian = _Jacobian(function, points)
    start = torch.randn(points.shape, generator=generator, dtype=points.dtype).to(points.device)
    if quantity == "lipschitz":
        # JᵀJ over the square of a power of two near ‖J‖, which would under- or overflow long before J does.
        size = exponent_of_largest(jacobian.pushed(start).flatten(1), 1)
        right = top_direction(
            lambda v: _over(jacobian.pulled(_over(jacobian.pushed(v), size)), size), start, iterations
        )
        left = scaled(jacobian.pushed(right), 1.0)
    else:
        right = top_direction(lambda v: (jacobian.pushed(v) + jacobian.pulled(v)) / 2, start, iterations)
        left = right
    # ⟨left, J right⟩ with both constant: for left = Jv/‖Jv‖ the value and the gradient in the weights are those of ‖Jv‖
    return (jacobian.pulled(left, keep_graph=True) * right).flatten(1).sum(dim=1)


def _over(states: Tensor, exponent: Tensor) -> Tensor:
    """Each sample over 2^e."""
    return times_power_of_two(states, -exponent.view(-1, *[1] * (states.dim() - 1)))


@final
class _Jacobian:
    """J at each point as an operator. Two reverse passes make J·v, which is faster here than torch's forward mode."""

    def __init__(self, function: Map, points: Tensor) -> None:
        with torch.enable_grad():
            self._points = points.detach().requires_grad_()
            self.image = function(self._points)
            self._cotangent = torch.zeros_like(self.image, requires_grad=True)
            self._linear = self.pulled(self._cotangent, keep_graph=True)

    def pulled(self, cotangent: Tensor, *, keep_graph: bool = False) -> Tensor:
        """Jᵀ·cotangent."""
        (result,) = torch.autograd.grad(self.image, self._points, cotangent, retain_graph=True, create_graph=keep_graph)
        return result

    def pushed(self, direction: Tensor) -> Tensor:
        """J·direction: the transpose of the linear map cotangent → Jᵀ·cotangent."""
        (result,) = torch.autograd.grad(self._linear, self._cotangent, direction, retain_graph=True)
        return result
