"""Does a layer compute what layers of its kind compute? Only then does a rule for the kind apply to it."""

from typing import TypeGuard, TypeVar

from torch import nn

Kind = TypeVar("Kind", bound=nn.Module)
FORWARD_METHODS = ("forward", "__call__", "_conv_forward")


def alteration(layer: nn.Module, kind: type) -> str:
    """How the layer departs from `kind`, in words; "" where it does not.

    A subclass with a forward of its own does not inherit the rule of its base (a residual block written as a
    subclass of nn.Sequential is the usual case), nor does a layer with hooks, which may change its input or output.
    """
    for method in FORWARD_METHODS:
        if getattr(type(layer), method, None) is not getattr(kind, method, None) or method in vars(layer):
            return f"a {method} other than that of {kind.__name__}"
    if layer._forward_hooks or layer._forward_pre_hooks:
        return "forward hooks, which may change what it computes"
    return ""


def computes_as(layer: nn.Module, kind: type[Kind]) -> TypeGuard[Kind]:
    """Whether the layer is of this kind and unaltered."""
    return isinstance(layer, kind) and not alteration(layer, kind)
