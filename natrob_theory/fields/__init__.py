"""Fields: right-hand sides f(t, y) of dy/dt = f(t, y), and the check every evaluation passes."""

from natrob_theory.fields.autonomous import AutonomousField as AutonomousField
from natrob_theory.fields.evaluation import evaluate_field as evaluate_field
from natrob_theory.fields.evaluation import field_name as field_name
from natrob_theory.fields.linear import LinearField as LinearField
from natrob_theory.fields.residual import convolutional_field as convolutional_field
from natrob_theory.fields.residual import dense_field as dense_field

__all__ = [
    "AutonomousField",
    "LinearField",
    "convolutional_field",
    "dense_field",
    "evaluate_field",
    "field_name",
]
