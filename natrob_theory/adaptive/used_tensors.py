"""Finds what a field uses whose gradients the adjoint needs: one evaluation tells, another if it repeats itself."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from natrob_theory.fields import evaluate_field, field_name
from natrob_theory.fields.generator_states import GeneratorStates
from natrob_theory.fields.outer_tensors import OuterTensors, leaves_behind, restored_afterwards


class UsedTensors(NamedTuple):
    """The tensors that an evaluation of a field uses from outside.

    Attributes:
        tensors: those that require a gradient: leaves, and results of other computations.
        written: those that the field writes into, such as a counter.
    """

    tensors: list[Tensor]
    written: list[Tensor]

    def require_still(self, field: nn.Module, before: GeneratorStates) -> None:
        """Raise ValueError if torch's generators have moved since: the field draws random numbers."""
        if not before.still():
            raise _no_fixed_field(field, "draws random numbers")


def used_tensors(field: nn.Module, time: float, state: Tensor) -> UsedTensors:
    """Finds what f(t, y) uses, by two evaluations.

    Raises:
        ValueError: the field draws random numbers, gives another value the second time, or normalises by its batch.
    """
    moments = torch.full((len(state),), time, dtype=torch.float64, device=state.device)
    before = GeneratorStates.now(state.device)
    outer = OuterTensors()
    with torch.enable_grad():
        leaf = state.detach().requires_grad_()
        outer.take_as_made((leaf, moments))
        with outer:
            value = evaluate_field(field, moments, leaf)
    written = outer.written
    if outer.generators or not before.still():
        raise _no_fixed_field(field, "draws random numbers")
    if outer.statistics:
        raise _no_fixed_field(field, "normalises by the batch that it happens to be given")
    with torch.no_grad(), restored_afterwards(written):
        again = evaluate_field(field, moments, state)
    tolerance = torch.finfo(state.dtype).eps ** 0.5
    if not torch.allclose(again, value.detach(), rtol=tolerance, atol=tolerance * _largest(value), equal_nan=True):
        raise _no_fixed_field(field, "gives another value at the same t and y the second time")
    computed = outer.computed
    found = [*field.parameters(), *computed, *leaves_behind(value, computed)]
    tensors = {id(tensor): tensor for tensor in found if tensor.requires_grad and tensor is not leaf}
    return UsedTensors(list(tensors.values()), written)


def _largest(value: Tensor) -> float:
    return float(value.detach().abs().nan_to_num(0.0, 0.0, 0.0).max())


def _no_fixed_field(field: nn.Module, why: str) -> ValueError:
    return ValueError(
        f'`gradients` = "adjoint" solves the equation of one fixed field backward, and field {field_name(field)} '
        f'{why}; switch its layers to eval(), or use `gradients` = "direct"'
    )
