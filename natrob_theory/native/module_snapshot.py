"""Whether modules are still what they were when they were traced: types, hooks, training flags, plain attributes."""

import weakref
from collections.abc import Iterable
from types import FunctionType
from typing import Any, Final, final

from torch import nn
from torch.nn.modules import module as torch_module

from natrob_theory.native.audited_code import IMMUTABLE
from natrob_theory.native.refusal import NotNativeError

_HOOKS: Final = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_STANDARD: Final = frozenset(vars(nn.Module()))


@final
class ModuleSnapshot:
    """Everything that a trace of these modules rests on, held weakly.

    Args:
        modules: all that the trace went through.

    Raises:
        NotNativeError: one of them is altered, or holds what cannot be compared.
    """

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        self._modules = [(weakref.ref(module), _content(module)) for module in modules]

    def holds(self) -> bool:
        """Whether nothing has changed. Parameters and buffers may have: they are read anew."""
        try:
            for reference, content in self._modules:
                module = reference()
                if module is None or _content(module) != content:
                    return False
        except NotNativeError:
            return False
        return True


def require_no_global_hooks() -> None:
    """Raise NotNativeError where hooks are registered for all modules."""
    if torch_module._has_any_global_hook():
        raise NotNativeError("hooks are registered for all modules")


def _content(module: nn.Module) -> tuple[Any, ...]:
    """All that the computation may depend on besides tensors. Raises NotNativeError."""
    own = vars(module)
    for name in _HOOKS:
        if own[name]:
            raise NotNativeError(f"{type(module).__name__} has hooks")
    plain = [(name, _comparable(name, value, module)) for name, value in own.items() if name not in _STANDARD]
    children = [(name, None if child is None else id(child)) for name, child in own["_modules"].items()]
    tensors = [(name, tensor is None) for name, tensor in (*own["_parameters"].items(), *own["_buffers"].items())]
    return (type(module), own["training"], plain, children, tensors)


def _comparable(name: str, value: Any, module: nn.Module) -> Any:
    """The value in a form that is equal to itself alone. Raises NotNativeError."""
    if isinstance(value, IMMUTABLE):
        return (type(value), value)
    if isinstance(value, (list, tuple)):
        return (type(value), [_comparable(name, part, module) for part in value])
    if isinstance(value, (FunctionType, type)):
        return weakref.ref(value)
    if isinstance(value, nn.Module) and name != "forward":
        return weakref.ref(value)
    if isinstance(value, dict):
        return [(_comparable(name, key, module), _comparable(name, part, module)) for key, part in value.items()]
    raise NotNativeError(f"{type(module).__name__} holds `{name}`, a {type(value).__name__}")
