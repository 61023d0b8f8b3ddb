"""The network that is trained in place of another one, with which it shares its weights."""

import math

from torch import nn

from natrob_empirical.models.classifiers import AbstractClassifier, IntegratorClassifier
from natrob_empirical.models.contractive_specification import ContractiveSpecification
from natrob_empirical.models.other_solver import with_trunk
from natrob_empirical.models.row_bounded_specification import RowBoundedSpecification
from natrob_theory import EulerNet, GradientFlowField, HeunNet, StackedNeuralODE

ORTHONORMAL = ("orthogonal", "projected")
"""Constraints under which the rows of W are orthonormal, where there are no more of them than features."""


def trained_form(classifier: AbstractClassifier, specification: object) -> AbstractClassifier:
    """The classifier to be trained: itself, or one that shares its weights and is cheaper to train.

    Gradient flows with orthonormal rows have the flow φ_t(y) = y − (1 − e^{−t})Wᵀσ(Wy + b) in closed form: each unit
    that is on decays by itself. It is one step of Euler's method of size 1 − e^{−t}. So an adaptive solve of such
    fields is trained by its exact flow, at one evaluation a field, and then is what the solver makes of it.

    A `RowBoundedSpecification` is trained with a few steps of Heun's method a part.

    Proof: proofs/symbolic/decoupled_units.py.
    """
    if not isinstance(classifier, IntegratorClassifier) or not isinstance(classifier.trunk, StackedNeuralODE):
        return classifier
    trunk = classifier.trunk
    if isinstance(specification, RowBoundedSpecification):
        steps = specification.trained_steps
        fields = [field for field in trunk.fields for _ in range(steps)]
        return with_trunk(classifier, HeunNet(fields, specification.part_time / steps))
    if not isinstance(specification, ContractiveSpecification) or specification.constraint not in ORTHONORMAL:
        return classifier
    if not all(_has_orthonormal_rows(field) for field in trunk.fields):
        return classifier
    return with_trunk(classifier, EulerNet(trunk.fields, -math.expm1(-specification.part_time)))


def _has_orthonormal_rows(field: nn.Module) -> bool:
    """Whether a constrained gradient flow has at most as many units as features."""
    if not isinstance(field, GradientFlowField) or not isinstance(field.linear_map, nn.Linear):
        return False
    return field.linear_map.out_features <= field.linear_map.in_features
