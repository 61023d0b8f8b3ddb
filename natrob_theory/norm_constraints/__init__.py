"""Weights whose norm is at most 1 by construction, differentiable in the forward pass, and fields made of them."""

from natrob_theory.norm_constraints.constrain import NormConstraint as NormConstraint
from natrob_theory.norm_constraints.constrain import constrain_norm as constrain_norm
from natrob_theory.norm_constraints.diagonally_dominant import (
    diagonally_dominant_convolutional_field as diagonally_dominant_convolutional_field,
)
from natrob_theory.norm_constraints.diagonally_dominant import diagonally_dominant_field as diagonally_dominant_field
from natrob_theory.norm_constraints.materialised import materialised as materialised
