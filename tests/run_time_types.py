"""Annotations checked when a function runs: beartype's checks, with the axes of jaxtyping's shapes bound together.

jaxtyping's own decorator checks parameters twice, binds the signature at every call and compiles two functions at
import; that was half of the suite's CPU time. This one makes the same checks once, compiled at the first call.
"""

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any

import jaxtyping
from beartype import BeartypeConf, beartype

Function = Callable[..., Any]

_jaxtyped = jaxtyping.jaxtyped
_beartyped = beartype(conf=BeartypeConf(violation_type=jaxtyping.TypeCheckError))
_axes_of_one_call = jaxtyping.jaxtyped("context")


def check_annotations(packages: list[str]) -> None:
    """From here on every annotated shape and type of `packages` is checked when a function runs.

    Call it before their first import. `jaxtyping.config.jaxtyping_disable` switches the checks off.
    """
    # The hook writes `@jaxtyping.jaxtyped(typechecker=…)` before every function and class.
    jaxtyping.jaxtyped = checked  # type: ignore[assignment]
    jaxtyping.install_import_hook(packages, "beartype.beartype")


def checked(decorated: Any = None, *, typechecker: Function | None = None) -> Any:
    """Decorates a function or the constructor of a dataclass; whatever else comes, jaxtyping decorates."""
    if decorated is None:
        return functools.partial(checked, typechecker=typechecker)
    if inspect.isclass(decorated):
        constructor = vars(decorated).get("__init__")
        if "__dataclass_params__" in vars(decorated) and inspect.isfunction(constructor):
            decorated.__init__ = _with_checks(constructor)  # type: ignore[misc]
        return decorated
    if inspect.isfunction(decorated):
        return _with_checks(decorated)
    return _jaxtyped(decorated) if typechecker is None else _jaxtyped(decorated, typechecker=typechecker)


def _with_checks(function: Function) -> Function:
    checking: Function | None = None
    has_shapes = False

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal checking, has_shapes
        if jaxtyping.config.jaxtyping_disable:
            return function(*args, **kwargs)
        if checking is None:
            checking, has_shapes = _compiled(function)
        if has_shapes:
            with _axes_of_one_call:
                return checking(*args, **kwargs)
        return checking(*args, **kwargs)

    # As generated code is, it is nobody's own: error messages name the user's file, not this one.
    wrapped.__code__ = wrapped.__code__.replace(co_filename="<run-time types>")
    return functools.wraps(function)(wrapped)


def _compiled(function: Function) -> tuple[Function, bool]:
    """The function with its checks, and whether its axes have to be bound together around a call."""
    hints = {name: _hint(annotation, function) for name, annotation in function.__annotations__.items()}
    shapes = [hint for hint in hints.values() if _is_shape(hint)]
    # A generator checks what it returns, not what it yields; `{argument}` in a shape is read from the call.
    if inspect.isgeneratorfunction(function) or any("{" in str(shape) for shape in shapes):
        return _jaxtyped(function, typechecker=beartype), False
    function.__annotations__.update(hints)
    return _beartyped(function), bool(shapes)


def _hint(annotation: Any, function: Function) -> Any:
    """The annotation without quotes; Any where it names what is not there at run time."""

    def holder(value: Any) -> None: ...

    holder.__annotations__ = {"value": annotation}
    try:
        return typing.get_type_hints(holder, function.__globals__, include_extras=True)["value"]
    except NameError:
        return Any


def _is_shape(hint: Any) -> bool:
    """Whether one of jaxtyping's arrays is the hint or a part of it."""
    if isinstance(hint, type) and issubclass(hint, jaxtyping.AbstractArray):
        return True
    return any(map(_is_shape, hint if isinstance(hint, list) else typing.get_args(hint)))
