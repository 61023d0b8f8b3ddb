"""Everything that constraints of a weight share: which precision it computes in, and when it need not compute again."""

import abc
from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from natrob_theory.numbers.argument_checks import all_finite


class AbstractNormConstraint(nn.Module, abc.ABC):
    """raw parameter -> weight with a norm of at most 1, registered with `torch.nn.utils.parametrize`.

    Where no gradient can flow back to the parameters (gradients off, or all of them frozen) the last weight is given
    again while the parameters hold the very numbers that it was computed from. They are compared one by one, so a
    change by any way is seen (an optimiser, `load_state_dict`, `.data`, `.double()`).

    Autocast is off inside and half precision is raised to float32: a norm off by 2⁻⁸ would be no constraint. On the
    meta device, where there are only shapes, the raw parameter stands for the weight.
    """

    def __init__(self) -> None:
        super().__init__()
        self._known: tuple[list[Tensor], Tensor] | None = None

    @abc.abstractmethod
    def constrained(self, raw: Tensor) -> Tensor:
        """The weight, of the raw parameter's shape and dtype."""

    @final
    def forward(self, raw: Tensor) -> Tensor:
        """The weight.

        Raises:
            ValueError: a parameter is NaN or infinite; not looked at while tracing or under torch.func.
        """
        if raw.is_meta:
            return raw
        sources = [raw, *self.parameters()]
        if all(_is_plain(source) for source in sources):
            _require_finite(type(self).__name__, sources)
        tracked = torch.is_grad_enabled() and any(source.requires_grad for source in sources)
        if tracked or not all(_is_plain(source) for source in sources):
            return self._in_full_precision(raw)
        known = self._known
        if known is not None and all(_same(kept, now) for kept, now in zip(known[0], sources, strict=True)):
            return known[1].clone()  # what is written into it must not be remembered
        weight = self._in_full_precision(raw).detach()
        self._known = ([source.detach().clone() for source in sources], weight.clone())
        return weight

    def _in_full_precision(self, raw: Tensor) -> Tensor:
        with torch.autocast(raw.device.type, enabled=False):
            wide = raw.float() if raw.dtype in (torch.float16, torch.bfloat16) else raw
            return self.constrained(wide).to(raw.dtype)


def _require_finite(constraint: str, sources: Sequence[Tensor]) -> None:
    if not all(all_finite(source) for source in sources):
        raise ValueError(
            f"the raw parameters of a constrained weight ({constraint}) must be finite, got NaN or infinite entries; "
            f"if training made them so, take a smaller learning rate"
        )


def _is_plain(source: Tensor) -> bool:
    """Whether a tensor's numbers can be looked at and kept: no transform, no tracing, no inference mode."""
    # torch has no public way to ask whether a torch.func transform is at work, and its stubs leave this one out.
    transformed = torch._C._functorch.is_functorch_wrapped_tensor(source)  # type: ignore[attr-defined]
    return not (transformed or torch.compiler.is_compiling() or torch.is_inference_mode_enabled())


def _same(kept: Tensor, now: Tensor) -> bool:
    alike = kept.dtype == now.dtype and kept.device == now.device and kept.shape == now.shape
    return alike and torch.equal(kept, now)
