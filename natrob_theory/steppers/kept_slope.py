"""f at one point in C++, kept for products with its transposed Jacobian."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, final

import torch
from torch import Tensor, nn

from natrob_theory.fields import TimelessField
from natrob_theory.native import NotNativeError, extension, field_program, refuse_field, require_plain_state
from natrob_theory.numbers.tensor_types import Field

Pull: TypeAlias = Callable[[Tensor], Tensor]
"""v ↦ (∂f/∂y)ᵀ v, of the state's shape, without a graph."""


@final
@dataclass(frozen=True, kw_only=True)
class KeptSlope:
    """An evaluation of a field with the parameters as they were.

    Attributes:
        pull: the product. Raises RuntimeError where a parameter has been written to since.
        needs_parameters: whether a parameter of the field wants a gradient.
    """

    pull: Pull
    needs_parameters: bool


def kept_slope(field: Field, time: float, point: Tensor, value: Tensor) -> KeptSlope | None:
    """f at `point`, (batch, *state), where Python has found `value`; None where the field stays in Python.

    A field whose program gives other bits stays there for good.
    """
    module = extension()
    if module is None or not isinstance(field, nn.Module) or isinstance(field, TimelessField):
        return None
    try:
        require_plain_state(point)
        program = field_program(field, module)
        if program is None:
            return None
        bound, parameters = program.bound(point), program.parameters(point)
    except NotNativeError:
        return None
    if not bound.has_own_pull:
        return None
    kept = module.KeptEvaluation(bound, torch.full((), time, dtype=point.dtype), point)
    if not module.same_bits(kept.value, value):
        refuse_field(field, "its program gives other bits than its code")
        return None
    return KeptSlope(
        pull=_guarded(kept.pull, parameters), needs_parameters=any(own.requires_grad for own in parameters)
    )


def _guarded(pull: Pull, parameters: list[Tensor]) -> Pull:
    """The pull, for as long as nobody writes to the parameters: autograd would refuse then, too."""
    versions = [own._version for own in parameters]

    def guarded(vector: Tensor) -> Tensor:
        if [own._version for own in parameters] != versions:
            raise RuntimeError(
                "a parameter of the field has been modified by an inplace operation between forward and backward"
            )
        return pull(vector)

    return guarded
