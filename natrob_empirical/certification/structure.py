"""Do the trunk's fields have the structure that the constants rest on? A numerical check at clean states."""

import torch
from torch import Tensor

from natrob_empirical.certification.refusals import CertificateRefusedError
from natrob_empirical.models import AbstractClassifier, IntegratorClassifier
from natrob_theory import StructureError, require_structure
from natrob_theory.fields import split_halves
from natrob_theory.networks import AbstractFixedStepNet
from natrob_theory.steppers import CoupledField

CHECKED_IMAGES = 2


def require_stated_structure(model: AbstractClassifier, images: Tensor) -> None:
    """Check every field of the trunk at the state where it starts its first step, for the first few images.

    Raises:
        CertificateRefusedError: a field's Jacobian contradicts what its class states (gradient flow, skew,
            dissipative); the message names the field, the property and the defect.
    """
    if not isinstance(model, IntegratorClassifier) or not isinstance(model.trunk, AbstractFixedStepNet):
        return
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        states = model.trunk.trajectory(model.stem(images[:CHECKED_IMAGES])).states
    checked = set()
    for step, state in zip(model.trunk.plan(), states[:-1], strict=True):
        if step.field in checked:
            continue
        checked.add(step.field)
        parts = [(step.field, state)]
        if isinstance(step.field, CoupledField):
            first, second = split_halves(state)
            parts = [(step.field.first, second), (step.field.second, first)]
        for field, points in parts:
            try:
                require_structure(field, points, time=step.time, generator=generator)
            except StructureError as defect:
                raise CertificateRefusedError(f"no certificate: {defect}") from defect
