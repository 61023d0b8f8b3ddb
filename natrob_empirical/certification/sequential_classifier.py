"""A plain nn.Sequential of layers with known constants, taken apart into what certificates are about: features, head.

The layers inside nested chains come one after the other, those of this library's classifiers too. Where exactly one of
them is an integrator network with a fixed grid, the chain is an `IntegratorClassifier`, and has every certificate that
one has; else it is a `SequentialClassifier`.

The gaps of the logits are bounded by ‖w_y − w_j‖ times the features' constant where the chain ends with a linear layer.
Where it does not, the features are the logits themselves and the head is the identity, so that ‖w_y − w_j‖ = √2.
"""

import torch
from torch import Tensor, nn

from natrob_empirical.certification.classifier_bounds import ImageShape
from natrob_empirical.certification.errors import CertificateRefusedError
from natrob_empirical.models import (
    AbstractClassifier,
    IntegratorClassifier,
    ResidualClassifier,
    SequentialClassifier,
)
from natrob_theory.layers.altered_layers import FORWARD_METHODS, alteration, computes_as
from natrob_theory.networks import AbstractFixedStepNet

CLASSIFIER_METHODS = (*FORWARD_METHODS, "features", "features_after_first_layer", "first_layer")
"""The methods that a classifier computes its logits with."""

WITHOUT_EFFECT = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d)
"""In eval mode; behind the last linear layer they are left out."""

PROBABILITIES = (nn.Softmax, nn.LogSoftmax, nn.Softmin)

TWO_WAYS = (
    "make it an nn.Sequential of layers with known constants (nn.Flatten, nn.Linear, convolutions, activations, "
    "pooling, batch norm in eval mode, networks of natrob_theory with a fixed grid, chains of these), or an "
    "IntegratorClassifier(stem, trunk, pool, head)"
)
"""Tells how a model gets a certificate."""


def as_classifier(model: nn.Sequential, image_shape: ImageShape) -> AbstractClassifier:
    """The chain as a classifier, made of the very same layers.

    Raises:
        CertificateRefusedError: a chain that is altered, whose layers mix images, or that does not end in logits.
        ValueError: the chain takes no images of this shape.
    """
    altered = alteration(model, nn.Sequential)
    if altered:
        raise CertificateRefusedError(f"no certificate: the {type(model).__name__} has {altered}; {TWO_WAYS}")
    layers = _layers_of(model)
    while layers and any(computes_as(layers[-1], kind) for kind in WITHOUT_EFFECT):
        layers.pop()
    if layers and isinstance(layers[-1], PROBABILITIES):
        raise CertificateRefusedError(
            f"no certificate: the model ends with {type(layers[-1]).__name__}, which gives no logits; leave "
            f"it out, the label is that of the largest logit with or without it"
        )
    entering, logits = _passed(layers, image_shape)
    last = layers[-1]
    if isinstance(last, nn.Linear) and entering.dim() == 2:
        return _classifier_of(layers[:-1], last)
    return _classifier_of(layers, _identity_head(logits))


def _layers_of(module: nn.Module) -> list[nn.Module]:
    """The layers inside nested chains and classifiers, in order; an altered chain stays one layer."""
    if computes_as(module, nn.Sequential):
        parts = list(module)
    elif isinstance(module, IntegratorClassifier) and not _altered(module, IntegratorClassifier):
        parts = [module.stem, module.trunk, module.pool, nn.Flatten(), module.head]
    elif isinstance(module, ResidualClassifier) and not _altered(module, ResidualClassifier):
        parts = [module.stem, *module.blocks, module.last, module.pool, nn.Flatten(), module.head]
    else:
        return [module]
    return [layer for part in parts for layer in _layers_of(part)]


def _altered(module: nn.Module, kind: type) -> str:
    return alteration(module, kind, methods=CLASSIFIER_METHODS)


def _passed(layers: list[nn.Module], image_shape: ImageShape) -> tuple[Tensor, Tensor]:
    """Two gray images before and after the last layer; what a layer says of a wrong shape is put in words."""
    parameter = next((p for layer in layers for p in layer.parameters() if p.is_floating_point()), torch.zeros(()))
    value = entering = torch.full((2, *image_shape), 0.5, dtype=parameter.dtype, device=parameter.device)
    for layer in layers:
        entering = value.clone()  # a layer that works in place must not change what is looked at
        try:
            with torch.no_grad():
                value = layer(value)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            reason = " ".join(str(error).split())
            raise ValueError(f"the classifier takes no images of shape {tuple(image_shape)}: {reason}") from error
        if not isinstance(value, Tensor) or value.dim() == 0 or len(value) != 2:
            raise CertificateRefusedError(
                f"no certificate: layer {type(layer).__name__} does not give one tensor with one entry an image, so "
                f"its answer to an image may depend on the rest of the batch"
            )
    if not layers or value.dim() != 2 or value.shape[1] < 2:
        raise CertificateRefusedError(
            f"no certificate: the model must give at least 2 logits for every image, got shape {tuple(value.shape[1:])}"
        )
    return entering, value


def _identity_head(logits: Tensor) -> nn.Linear:
    classes = logits.shape[1]
    head = nn.Linear(classes, classes, bias=False, dtype=logits.dtype, device=logits.device)
    head.weight.data = torch.eye(classes, dtype=logits.dtype, device=logits.device)
    return head


def _classifier_of(layers: list[nn.Module], head: nn.Linear) -> AbstractClassifier:
    places = [place for place, layer in enumerate(layers) if isinstance(layer, AbstractFixedStepNet)]
    if len(places) != 1:
        return SequentialClassifier(layers, head)
    (place,) = places
    trunk = layers[place]
    assert isinstance(trunk, AbstractFixedStepNet)
    return IntegratorClassifier(nn.Sequential(*layers[:place]), trunk, nn.Sequential(*layers[place + 1 :]), head)
