"""Does a layer compute what its class computes? A rule for a class says nothing of what is altered."""

from collections.abc import Iterable
from typing import TypeGuard, TypeVar

from torch import nn

Kind = TypeVar("Kind", bound=nn.Module)
FORWARD_METHODS = ("forward", "__call__", "_conv_forward")


def alteration(layer: nn.Module, kind: type, *, methods: Iterable[str] = FORWARD_METHODS) -> str:
    """In words, how the layer departs from this base class of it; "" if it does not.

    A subclass with a forward of its own does not inherit the rule of its base (a residual block written as a
    subclass of nn.Sequential is the usual case), nor does a layer with hooks, which may change its input or output.

    Args:
        layer: the layer.
        kind: the base class.
        methods: whose results the rule speaks of.
    """
    for method in methods:
        if getattr(type(layer), method, None) is not getattr(kind, method, None) or method in vars(layer):
            return f"a {method} other than that of {kind.__name__}"
    return hooks_of(layer)


def alteration_of_rule(
    layer: nn.Module, registered: Iterable[type], *, methods: Iterable[str] = FORWARD_METHODS
) -> str:
    """As `alteration`, from the registered class whose rule would be used for the layer.

    Args:
        layer: the layer.
        registered: the classes that have rules, `object` for the rule that refuses.
        methods: as there.
    """
    known = set(registered)
    kind = next(kind for kind in type(layer).__mro__ if kind in known)
    return "" if kind is object else alteration(layer, kind, methods=methods)


def hooks_of(layer: nn.Module) -> str:
    """In words, that the layer has forward hooks; "" if it has none."""
    hooked = layer._forward_hooks or layer._forward_pre_hooks
    return "forward hooks, which may change what it computes" if hooked else ""


def computes_as(layer: nn.Module, kind: type[Kind]) -> TypeGuard[Kind]:
    """Whether the layer is of this kind and unaltered."""
    return isinstance(layer, kind) and not alteration(layer, kind)
