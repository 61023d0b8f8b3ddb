"""How an answer that is not known is refused: by name, with the layer's setting."""

from typing import NoReturn

from torch import nn

from natrob_theory.layers.statements import Shape


class LayerRefusedError(TypeError):
    """A layer for which no Lipschitz upper bound is known here; the message names it."""


class ActivationRefusedError(TypeError):
    """An activation whose slopes are not known here; the message names it."""


class BallRefusedError(TypeError):
    """A field, layer or method that cannot be enclosed in balls here; the message names it."""


def refuse(layer: nn.Module, input_shape: Shape, setting: str) -> NoReturn:
    """Raise LayerRefusedError for this setting of the layer."""
    raise LayerRefusedError(
        f"no Lipschitz upper bound is known for layer {type(layer).__name__} with {setting} (input shape {input_shape})"
    )


def require_eval(layer: nn.Module) -> None:
    """Raise ValueError if the layer is in training mode."""
    if layer.training:
        raise ValueError(
            f"layer {type(layer).__name__} is in training mode, where it has no Lipschitz constant of its own; "
            f"call .eval() on the network first"
        )
