"""Do the trunk's fields have the structure that the constants rest on? A numerical check at clean states."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from natrob_empirical.certification.errors import CertificateRefusedError
from natrob_empirical.models import AbstractClassifier, IntegratorClassifier, SequentialClassifier
from natrob_theory import AbstractIntegratorNet, NeuralODE, StackedNeuralODE, StructureError, require_structure
from natrob_theory.fields import split_halves

CHECKED_IMAGES = 2


def require_stated_structure(model: AbstractClassifier, images: Tensor) -> None:
    """Check every field of a network at the state where it starts its first step, for the first few images.

    Raises:
        CertificateRefusedError: a field's Jacobian contradicts what its class states (gradient flow, skew,
            dissipative); the message names the field, the property and the defect.
    """
    with torch.no_grad():
        for net, entering in _networks(model, images[:CHECKED_IMAGES]):
            _require_structure_of(net, entering)


def _networks(model: AbstractClassifier, images: Tensor) -> Iterator[tuple[AbstractIntegratorNet, Tensor]]:
    """The integrator networks in the classifier, and the states that enter each."""
    if isinstance(model, IntegratorClassifier):
        yield model.trunk, model.stem(images)
    elif isinstance(model, SequentialClassifier):
        for layer in model.layers:
            if isinstance(layer, AbstractIntegratorNet):
                yield layer, images
            images = layer(images)


def _require_structure_of(net: AbstractIntegratorNet, entering: Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    if isinstance(net, StackedNeuralODE):
        for part in net.parts:
            _require_structure_of(part, entering)
            entering = part(entering)
        return
    if isinstance(net, NeuralODE):
        _require(net.field, entering, net.start_time, generator)
        return
    states = net.trajectory(entering).states
    checked = set()
    for step, state in zip(net.plan(), states[:-1], strict=True):
        if step.field in checked:
            continue
        checked.add(step.field)
        fields = net.stepper.fields_of(step.field)
        seen = [state] if len(fields) == 1 else reversed(split_halves(state))
        for field, points in zip(fields, seen, strict=True):
            _require(field, points, step.time, generator)


def _require(field: nn.Module, points: Tensor, time: float, generator: torch.Generator) -> None:
    try:
        require_structure(field, points, time=time, generator=generator)
    except StructureError as defect:
        raise CertificateRefusedError(f"no certificate: {defect}") from defect
