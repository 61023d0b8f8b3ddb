"""Fields: right-hand sides f(t, y) of dy/dt = f(t, y), and the check every evaluation passes."""

from natrob_theory.fields.autonomous import AutonomousField as AutonomousField
from natrob_theory.fields.combinations import ScaledField as ScaledField
from natrob_theory.fields.combinations import SumField as SumField
from natrob_theory.fields.dissipative import DissipativeField as DissipativeField
from natrob_theory.fields.evaluation import broadcast_time as broadcast_time
from natrob_theory.fields.evaluation import evaluate_field as evaluate_field
from natrob_theory.fields.evaluation import field_name as field_name
from natrob_theory.fields.evaluation import require_per_sample_time as require_per_sample_time
from natrob_theory.fields.function import FunctionField as FunctionField
from natrob_theory.fields.gradient_flow import GradientFlowField as GradientFlowField
from natrob_theory.fields.halves import split_halves as split_halves
from natrob_theory.fields.hamiltonian import HamiltonianField as HamiltonianField
from natrob_theory.fields.linear import LinearField as LinearField
from natrob_theory.fields.observed_field import ObservedField as ObservedField
from natrob_theory.fields.residual import convolutional_field as convolutional_field
from natrob_theory.fields.residual import dense_field as dense_field
from natrob_theory.fields.skew_symmetric import SkewSymmetricField as SkewSymmetricField

__all__ = [
    "AutonomousField",
    "DissipativeField",
    "FunctionField",
    "GradientFlowField",
    "HamiltonianField",
    "LinearField",
    "ObservedField",
    "ScaledField",
    "SkewSymmetricField",
    "SumField",
    "broadcast_time",
    "convolutional_field",
    "dense_field",
    "evaluate_field",
    "field_name",
    "require_per_sample_time",
    "split_halves",
]
