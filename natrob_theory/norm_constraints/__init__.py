"""Weights whose spectral norm is at most 1 by construction, differentiable in the forward pass."""

from natrob_theory.norm_constraints.constrain import NormConstraint as NormConstraint
from natrob_theory.norm_constraints.constrain import constrain_norm as constrain_norm
from natrob_theory.norm_constraints.materialised import materialised as materialised
