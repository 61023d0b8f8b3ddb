"""A model with plain weights in the place of parametrized ones."""

import copy
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils import parametrize

ModelT = TypeVar("ModelT", bound=nn.Module)


def materialised(model: ModelT) -> ModelT:
    """A copy that computes the same, in the same mode, where every parametrized tensor is a plain one as it is now.

    Gradients with respect to the input then cost no constraint; those with respect to the parameters would lead out of
    it, so this is for judging a model, not for training it. A model without parametrized tensors is copied as it is.

    Args:
        model: of any class. Its parametrizations are evaluated in its present mode.
    """
    plain = copy.deepcopy(model)
    for module in list(plain.modules()):
        if parametrize.is_parametrized(module):
            _make_plain(module)
    return plain


@torch.no_grad()
def _make_plain(module: nn.Module) -> None:
    """Its parametrized tensors as parameters, or buffers where nothing about them is trained.

    torch's `remove_parametrizations` takes the tensor's property off the class that a deep copy shares with its
    original, and so breaks the original; here the copy leaves that class instead.
    """
    parametrizations = module.parametrizations
    assert isinstance(parametrizations, nn.ModuleDict)
    values = {name: getattr(module, name).detach().clone() for name in parametrizations}
    plain_kind = parametrize.type_before_parametrizations(module)
    del module.parametrizations
    module.__class__ = plain_kind
    for name, value in values.items():
        sources = list(parametrizations[name].parameters())
        if sources:
            trained = any(source.requires_grad for source in sources)
            module.register_parameter(name, nn.Parameter(value, requires_grad=trained))
        else:
            module.register_buffer(name, value)
