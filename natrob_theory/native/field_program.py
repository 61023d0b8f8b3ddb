"""A field as a program for the compiled loop: traced once, kept as long as the field stays what it was."""

import logging
import threading
import weakref
from types import ModuleType
from typing import Any, Final, final

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from natrob_theory.native.module_snapshot import ModuleSnapshot, require_no_global_hooks
from natrob_theory.native.refusal import NotNativeError
from natrob_theory.native.tracing import TracedField, trace
from natrob_theory.numbers.transformed import is_wrapped

_LOG: Final = logging.getLogger("natrob_theory.native")
_DTYPES: Final = (torch.float32, torch.float64)


@final
class FieldProgram:
    """A traced field that reads its parameters anew for every solve.

    Args:
        extension: the compiled extension.
        traced: what the trace has found.
    """

    def __init__(self, extension: ModuleType, traced: TracedField) -> None:
        self._extension = extension
        self._snapshot = ModuleSnapshot(traced.modules)
        self._slots = [(weakref.ref(module), name) for module, name in traced.slots]
        self._program = extension.Program(traced.instructions, len(self._slots), traced.output)
        self.uses_time: bool = self._program.uses_time
        self.count = len(self._slots)

    def holds(self) -> bool:
        """Whether the field still is what was traced."""
        return self._snapshot.holds()

    def bound(self, like: Tensor) -> Any:
        """The compiled field with the parameters as they are now, `Field` of field.h.

        Raises:
            NotNativeError: one of them is no plain tensor of the state's dtype on the CPU.
        """
        return self._extension.Field(self._program, self.parameters(like))

    @property
    def compiled(self) -> Any:
        """The program without parameters, `Program` of field.h."""
        return self._program

    def parameters(self, like: Tensor) -> list[Tensor]:
        """The parameters as they are now. Raises NotNativeError as `bound` does."""
        found = []
        for reference, name in self._slots:
            module = reference()
            tensor = None if module is None else module._parameters.get(name, module._buffers.get(name))
            if tensor is None:
                raise NotNativeError(f"the parameter {name} is gone")
            if tensor.dtype != like.dtype:
                raise NotNativeError(f"the parameter {name} is {tensor.dtype}, the state {like.dtype}")
            require_plain_tensor(tensor, f"the parameter {name}")
            found.append(tensor)
        return found


@final
class _Remembered:
    """Keeps a field's program, or why it has none."""

    __slots__ = ("program", "refusal", "snapshot")

    def __init__(self, program: FieldProgram | None, refusal: str, snapshot: tuple[Any, ...] | None) -> None:
        self.program = program
        self.refusal = refusal
        self.snapshot = snapshot


_remembered: weakref.WeakKeyDictionary[nn.Module, _Remembered] = weakref.WeakKeyDictionary()
_lock = threading.Lock()
_said: set[tuple[str, str]] = set()


def field_program(field: nn.Module, extension: ModuleType) -> FieldProgram | None:
    """The field's program; None where it stays in Python, which the log says once, with the reason.

    Args:
        field: f(t, y).
        extension: the compiled extension.
    """
    known = _remembered.get(field)
    if known is not None and known.program is not None and known.program.holds():
        return known.program
    if known is not None and known.program is None and known.snapshot == _rough(field):
        return None
    with _lock:
        try:
            require_no_global_hooks()
            program = FieldProgram(extension, trace(field))
        except NotNativeError as error:
            refuse_field(field, str(error))
            return None
        _remembered[field] = _Remembered(program, "", None)
    return program


def refuse_field(field: nn.Module, reason: str) -> None:
    """Keep the field in Python until its parts change, and say so once."""
    _remembered[field] = _Remembered(None, reason, _rough(field))
    name = type(field).__name__
    if (name, reason) not in _said:
        _said.add((name, reason))
        _LOG.info("the field %s is evaluated in Python: %s", name, reason)


def refusal_of(field: nn.Module) -> str:
    """Why a field stays in Python; "" where it does not, or has not been asked for."""
    known = _remembered.get(field)
    return "" if known is None else known.refusal


def _rough(field: nn.Module) -> tuple[Any, ...]:
    """Sums up the parts that must change before a refused field is traced again."""
    return tuple((id(module), module.training) for module in field.modules())


def require_plain_state(state: Tensor) -> None:
    """Raise NotNativeError where a solve from this state cannot run in the compiled loop, whatever the field.

    The loop takes plain tensors on the CPU, outside torch.func's transforms, forward-mode differentiation, tracing,
    autocast, and modes that want to see every operation.
    """
    require_plain_tensor(state, "the state")
    if state.dtype not in _DTYPES:
        raise NotNativeError(f"the state is {state.dtype}")
    watching = torch._C._len_torch_function_stack() + torch._C._len_torch_dispatch_stack()  # type: ignore[attr-defined]
    if watching:
        raise NotNativeError("a mode is active that sees every operation")
    if torch.is_autocast_enabled("cpu"):
        raise NotNativeError("autocast is active")
    if torch._C._functorch.peek_interpreter_stack() is not None:  # type: ignore[attr-defined]
        raise NotNativeError("a transform of torch.func is at work")
    if forward_ad._current_level >= 0 or torch._C._is_tracing() or torch.compiler.is_compiling():
        raise NotNativeError("the solve is being traced or differentiated forward")


def require_plain_tensor(tensor: Tensor, name: str) -> None:
    """Raise NotNativeError unless it is a dense torch.Tensor on the CPU, no subclass, and not wrapped."""
    if type(tensor) not in (Tensor, nn.Parameter):
        raise NotNativeError(f"{name} is a {type(tensor).__name__}")
    if tensor.device.type != "cpu" or tensor.layout is not torch.strided or is_wrapped(tensor):
        raise NotNativeError(f"{name} is no plain tensor on the CPU")
