"""Networks with a fixed step size: the loop over steps, shared by all of them."""

from collections.abc import Callable, Sequence
from typing import Any, final

import torch
from torch import Tensor, nn

from natrob_theory.fields import FunctionField
from natrob_theory.networks.abstract_net import AbstractIntegratorNet, StepPlan
from natrob_theory.networks.native_passage import native_passage
from natrob_theory.networks.passage import Passage, stored_passage
from natrob_theory.networks.time_resolution import resolved_steps
from natrob_theory.networks.trajectory import Trajectory
from natrob_theory.numbers.argument_checks import require_count, require_finite, require_positive, require_state
from natrob_theory.numbers.tensor_types import Field
from natrob_theory.steppers import AbstractStepper


def as_module(field: object, *, argument: str) -> nn.Module:
    """The field itself if it is a module, else the function wrapped in one. Raises TypeError if not callable."""
    if isinstance(field, nn.Module):
        return field
    if isinstance(field, Callable):
        return FunctionField(field)
    raise TypeError(f"`{argument}` must be a callable field(t, y) or a sequence of them, got {type(field).__name__}")


class AbstractFixedStepNet(AbstractIntegratorNet):
    """N steps of size h from time t_0, with one field for all steps or one for each.

    Args:
        field_or_fields: one field (shared weights) or one per step.
        stepper: the method.
        step_size: h > 0.
        num_steps: N ≥ 1; may be left out where there is one field per step.
        start_time: t_0.
        passage: how `forward` goes through the steps.

    Attributes:
        ran_native: whether the last pass took its steps in C++ (`natrob_theory.native`), to the same bits.

    Raises:
        TypeError, ValueError: naming the argument.
    """

    def __init__(
        self,
        field_or_fields: Field | Sequence[Field],
        stepper: AbstractStepper[Any],
        *,
        step_size: float,
        num_steps: int | None = None,
        start_time: float = 0.0,
        passage: Passage = stored_passage,
    ) -> None:
        super().__init__()
        fields = field_modules(field_or_fields)
        self._passage = passage
        self.ran_native = False
        self.stepper = stepper
        self.step_size = require_positive("step_size", step_size)
        self.start_time = require_finite("start_time", start_time)
        if isinstance(fields, nn.Module):
            if num_steps is None:
                raise ValueError("`num_steps` must be given when one field is shared by all steps")
            fields = [fields]
        if num_steps is None:
            num_steps = len(fields)
        self.num_steps = require_count("num_steps", num_steps)
        if len(fields) not in (1, self.num_steps):
            raise ValueError(
                f"`field_or_fields` must be one field or one per step ({self.num_steps}), got {len(fields)}"
            )
        self.fields = nn.ModuleList(fields)

    @final
    def plan(self) -> list[StepPlan]:
        """The steps; a fixed-step network has one grid."""
        fields = list(self.fields)
        start, size, shared = self.start_time, self.step_size, len(fields) == 1
        return [
            StepPlan(fields[0 if shared else n], start + n * size, size, start + (n + 1) * size)
            for n in range(self.num_steps)
        ]

    @final
    def plan_for(self, y0: Tensor) -> list[StepPlan]:
        """Steps that do not depend on y_0; their fields refuse to look at t where y_0's dtype is too coarse for t."""
        return list(self._resolved_steps(y0))

    @final
    def _resolved_steps(self, y0: Tensor) -> Sequence[StepPlan]:
        return resolved_steps(self.stepper, self.plan(), y0.dtype)

    @final
    def forward(self, y0: Tensor) -> Tensor:
        """y_N from y_0, both of shape (batch, *state).

        Raises:
            TypeError: y_0 is not a floating-point tensor.
            ValueError: y_0 has no batch axis or is not finite; the field changes the shape; the field looks at t and
                y_0's dtype, in which it gets t, cannot tell the times of its steps apart.
        """
        y0 = require_state("y0", y0)
        steps = self._resolved_steps(y0)
        native = native_passage(self.stepper, steps, y0) if self._passage is stored_passage else None
        self.ran_native = native is not None
        return self._passage(self.stepper, steps, y0) if native is None else native.run(steps, y0).states[-1]

    @final
    def trajectory(self, y0: Tensor) -> Trajectory:
        """y_0, …, y_N at t_n = t_0 + nh. Raises like `forward`."""
        states, plan = [require_state("y0", y0)], self._resolved_steps(y0)
        native = native_passage(self.stepper, plan, y0)
        self.ran_native = native is not None
        if native is not None:
            states += native.run(plan, y0, keep_states=True).states
        else:
            stepper = self.stepper.begun()
            for field, time, step_size, _ in plan:
                states.append(stepper.step(field, time, states[-1], step_size))
        steps = torch.arange(self.num_steps + 1, dtype=torch.float64, device=y0.device)
        return Trajectory(times=self.start_time + self.step_size * steps, states=torch.stack(states))

    @final
    def growth_source(self) -> tuple[str, tuple[str, ...]]:
        """The method's growth from K, and what it assumes."""
        return self.stepper.growth_formula, self.stepper.growth_assumptions

    def extra_repr(self) -> str:
        """Method, step size and steps, for print(net)."""
        return f"{self.stepper.name}, step_size={self.step_size:g}, num_steps={self.num_steps}"


def field_modules(field_or_fields: Field | Sequence[Field]) -> nn.Module | list[nn.Module]:
    """The module of a field, or those of a sequence. Raises TypeError or, for no field at all, ValueError."""
    if isinstance(field_or_fields, (list, tuple, nn.ModuleList)):
        if len(field_or_fields) == 0:
            raise ValueError("`field_or_fields` must hold at least one field, got an empty sequence")
        return [as_module(field, argument="field_or_fields") for field in field_or_fields]
    return as_module(field_or_fields, argument="field_or_fields")
