"""Does a layer compute what its kind computes? A rule for a kind says nothing of a layer that was altered."""

from torch import nn


def alteration(layer: nn.Module, kind: type) -> str:
    """How the layer departs from `kind`, the base class whose rule it would take; "" where it does not.

    A subclass with a forward of its own does not compute what its base computes (a residual block written as a
    subclass of nn.Sequential is the usual case), and hooks may change a layer's input or output.
    """
    for method in ("forward", "__call__", "_conv_forward"):
        if getattr(type(layer), method, None) is not getattr(kind, method, None) or method in vars(layer):
            return f"a {method} other than that of {kind.__name__}"
    if layer._forward_hooks or layer._forward_pre_hooks:
        return "forward hooks, which may change what it computes"
    return ""
