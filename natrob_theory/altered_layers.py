"""Does a layer compute what its class computes? A rule for a class says nothing of what is altered."""

from collections.abc import Iterable

from torch import nn


def alteration(layer: nn.Module, registered: Iterable[type]) -> str:
    """In words, how the layer departs from the registered class whose rule would be used for it; "" if it does not.

    A subclass with a forward of its own does not inherit the rule of its base (a residual block written as a
    subclass of nn.Sequential is the usual case), and a layer with hooks, which may change its input or output, has
    no rule.

    Args:
        layer: the layer.
        registered: the classes that have rules, `object` for the rule that refuses.
    """
    known = set(registered)
    kind = next(kind for kind in type(layer).__mro__ if kind in known)
    if kind is object:
        return ""
    for method in ("forward", "__call__", "_conv_forward"):
        if getattr(type(layer), method, None) is not getattr(kind, method, None) or method in vars(layer):
            return f"a {method} other than that of {kind.__name__}"
    return hooks_of(layer)


def hooks_of(layer: nn.Module) -> str:
    """In words, that the layer has forward hooks; "" if it has none."""
    hooked = layer._forward_hooks or layer._forward_pre_hooks
    return "forward hooks, which may change what it computes" if hooked else ""
