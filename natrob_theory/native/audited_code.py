"""Reads the code of a field's functions: only what has no effect but its result may be traced once and then skipped."""

import builtins
import dis
import inspect
import math
from collections.abc import Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any, Final

import torch
from torch import Tensor, nn

from natrob_theory.native.refusal import NotNativeError

IMMUTABLE: Final = (bool, int, float, str, bytes, type(None))

_TRUSTED: Final = ("natrob_theory.fields", "torch.nn")
"""Packages whose modules do nothing but compute."""

_MODULES: Final = ("torch", "torch.nn", "torch.nn.functional", "math", "natrob_theory", "natrob_theory.fields")
_BUILTINS: Final = frozenset(
    {"abs", "enumerate", "float", "int", "len", "list", "range", "reversed", "sum", "super", "zip"}
)
_WRITES: Final = (
    *("DELETE_ATTR", "DELETE_GLOBAL", "DELETE_SUBSCR", "IMPORT_FROM", "IMPORT_NAME", "RAISE_VARARGS"),
    *("RETURN_GENERATOR", "STORE_ATTR", "STORE_GLOBAL", "STORE_NAME", "STORE_SUBSCR", "YIELD_VALUE"),
)
_MODES: Final = frozenset(
    {"enable_grad", "inference_mode", "is_grad_enabled", "manual_seed", "no_grad", "set_grad_enabled", "requires_grad_"}
)


def audit_module(module: nn.Module) -> list[nn.Module]:
    """The modules that a module's own code reaches by global or closed-over names.

    Raises:
        NotNativeError: the code may do more than compute its result.
    """
    kind = type(module)
    for name in ("__call__", "__getattr__", "__getattribute__"):
        if getattr(kind, name) is not getattr(nn.Module, name):
            raise NotNativeError(f"{kind.__name__} has a {name} of its own")
    if _is_trusted(kind):
        return [value for value in vars(module).values() if isinstance(value, FunctionType) for value in _audit(value)]
    return _audit(kind.forward, kind)


def _is_trusted(kind: type) -> bool:
    return any(kind.__module__ == place or kind.__module__.startswith(place + ".") for place in _TRUSTED)


def _audit(function: Any, kind: type | None = None, seen: set[CodeType] | None = None) -> list[nn.Module]:
    """The modules reached from a function and from those that it calls. Raises NotNativeError."""
    seen = set() if seen is None else seen
    if not isinstance(function, FunctionType):
        raise NotNativeError(f"{getattr(function, '__name__', type(function).__name__)} is no plain Python function")
    if function.__code__ in seen:
        return []
    found: list[nn.Module] = []
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    for code in _codes(function.__code__):
        seen.add(code)
        if code.co_exceptiontable:
            raise NotNativeError(f"{function.__qualname__} has a `try` or a `with`")
        for instruction in dis.get_instructions(code):
            found += _audit_instruction(instruction, function, cells, kind, seen)
    return found


def _audit_instruction(
    instruction: dis.Instruction, function: FunctionType, cells: dict[str, Any], kind: type | None, seen: set[CodeType]
) -> list[nn.Module]:
    name, operation = str(instruction.argval), instruction.opname
    if operation in _WRITES or (operation == "STORE_DEREF" and name in cells):
        raise NotNativeError(
            f"{function.__qualname__} has a statement ({operation.lower()} {name}) that may not repeat"
        )
    if operation == "LOAD_GLOBAL":
        return _audit_value(name, _global(function, name), function, seen)
    if operation == "LOAD_DEREF" and name in cells and name != "__class__":
        return _audit_value(name, cells[name].cell_contents, function, seen)
    if operation in ("LOAD_ATTR", "LOAD_METHOD"):
        if name in _MODES:
            raise NotNativeError(f"{function.__qualname__} uses {name}")
        own = None if kind is None else inspect.getattr_static(kind, name, None)
        own = own.fget if isinstance(own, property) else own
        if isinstance(own, FunctionType) and own is not getattr(nn.Module, name, None):
            return _audit(own, kind, seen)
    return []


def _audit_value(name: str, value: Any, function: FunctionType, seen: set[CodeType]) -> list[nn.Module]:
    """The module that a name stands for, or those that its function reaches; nothing for constants."""
    if isinstance(value, nn.Module):
        return [value]
    if isinstance(value, FunctionType) and not _is_library(value):
        return _audit(value, None, seen)
    allowed = (
        isinstance(value, IMMUTABLE)
        or (isinstance(value, ModuleType) and value.__name__ in _MODULES)
        or (isinstance(value, (FunctionType, BuiltinFunctionType)) and _is_library(value))
        or (name in _BUILTINS and value is getattr(builtins, name))
    )
    if not allowed:
        what = "a tensor that is no parameter" if isinstance(value, Tensor) else f"a {type(value).__name__}"
        raise NotNativeError(f"{function.__qualname__} uses `{name}`, {what}")
    return []


def _is_library(value: Any) -> bool:
    place = getattr(value, "__module__", None) or ""
    return place == math.__name__ or place.split(".")[0] == torch.__name__ or place.startswith("natrob_theory.")


def _global(function: FunctionType, name: str) -> Any:
    if name in function.__globals__:
        return function.__globals__[name]
    return getattr(builtins, name, None)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code and that of the functions and comprehensions written inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)
