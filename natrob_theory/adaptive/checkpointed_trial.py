"""A trial step whose stages are computed again in backward, where they are compared with those of forward."""

import copy
from typing import final

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from natrob_theory.adaptive.embedded_method import EmbeddedMethod, Trial
from natrob_theory.adaptive.settings import SolveSettings
from natrob_theory.fields import ObservedField, field_name
from natrob_theory.fields.outer_tensors import restored_afterwards
from natrob_theory.numbers.tensor_types import Field


def checkpointed_trial(trial: "RepeatedTrial", time: Tensor, step: Tensor, state: Tensor, slope: Tensor) -> Trial:
    """The trial step of these samples; until backward only t, h, y and f(t, y) are kept of it.

    torch's generators (the CPU's and that of the state's device) are set back for the repetition, so that a field that
    draws from them draws the same again.

    Raises:
        ValueError: in backward, the field does not repeat itself.
    """
    return checkpoint(trial, time, step, state, slope, use_reentrant=False, early_stop=False)


@final
class RepeatedTrial:
    """One trial step, to be called once in forward and again in backward.

    It must hold nothing that leads to the graph of its own result: autograd keeps it inside that graph, and Python's
    collector cannot see a circle that leads through autograd, so a pass that is dropped would stay in memory for ever.

    Args:
        observed: the field of the solve.
        field: what the step evaluates: that field, or as this step sees it.
        method: the embedded pair.
        settings: whose tolerances count.
        with_time_error: whether the trial tells what rounding t may have done.
    """

    def __init__(
        self,
        observed: ObservedField,
        field: Field,
        method: EmbeddedMethod,
        settings: SolveSettings,
        *,
        with_time_error: bool = False,
    ) -> None:
        self._observed, self._field, self._method = observed, field, method
        self._settings, self._with_time_error = settings, with_time_error
        self._sizes: Tensor | None = None
        self._under_way = False

    def __call__(self, time: Tensor, step: Tensor, state: Tensor, slope: Tensor) -> Trial:
        """The trial step. Raises ValueError where it is another than the first time.

        What the field writes into, such as running statistics, is written once: the repetition leaves no trace. A
        field that differentiates inside itself asks for a repetition while the first time is still under way; that
        one needs stages of its own.
        """
        if self._sizes is None and not self._under_way:
            self._under_way = True
            try:
                trial, self._sizes = self._taken(self._method, time, step, state, slope)
            finally:
                self._under_way = False
            return trial
        method = copy.copy(self._method) if self._under_way else self._method  # a copy has no buffer yet
        with restored_afterwards(self._observed.written):
            trial, sizes = self._taken(method, time, step, state, slope)
        if self._sizes is not None:
            self._require_same(self._sizes, sizes)
        return trial

    def _taken(
        self, method: EmbeddedMethod, time: Tensor, step: Tensor, state: Tensor, slope: Tensor
    ) -> tuple[Trial, Tensor]:
        """The trial step, and ‖f‖₂ of its evaluations and samples."""
        sizes: list[Tensor] = []

        def noting_field(moment: Tensor, point: Tensor) -> Tensor:
            value = self._field(moment, point)
            sizes.append(torch.linalg.vector_norm(value.detach().flatten(1), dim=1))
            return value

        trial = method.trial(
            noting_field, time, step, state, slope, rtol=self._settings.rtol, atol=self._settings.atol,
            with_time_error=self._with_time_error,
        )  # fmt: skip
        return trial, torch.stack(sizes)

    def _require_same(self, before: Tensor, now: Tensor) -> None:
        """Raise ValueError unless ‖f‖₂ of every sample and stage is the same up to the root of the dtype's spacing."""
        tolerance = torch.finfo(now.dtype).eps ** 0.5
        if not bool(torch.isclose(now, before, rtol=tolerance, atol=0.0, equal_nan=True).all()):
            raise ValueError(
                f'`gradients` = "checkpointed" evaluates the field again in backward, and field '
                f"{field_name(self._observed.field)} gave other values there: it draws from a generator of its own, "
                f'keeps a state, or was changed after forward; use `gradients` = "direct"'
            )
