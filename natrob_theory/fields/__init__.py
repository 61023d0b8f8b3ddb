"""Fields: right-hand sides f(t, y) of dy/dt = f(t, y), and the check every evaluation passes."""

from natrob_theory.fields.autonomous import AutonomousField as AutonomousField
from natrob_theory.fields.combinations import ScaledField as ScaledField
from natrob_theory.fields.combinations import SumField as SumField
from natrob_theory.fields.dissipative import DissipativeField as DissipativeField
from natrob_theory.fields.evaluation import broadcast_time as broadcast_time
from natrob_theory.fields.evaluation import evaluate_field as evaluate_field
from natrob_theory.fields.evaluation import field_name as field_name
from natrob_theory.fields.function import FunctionField as FunctionField
from natrob_theory.fields.gradient_flow import GradientFlowField as GradientFlowField
from natrob_theory.fields.halves import split_halves as split_halves
from natrob_theory.fields.hamiltonian import HamiltonianField as HamiltonianField
from natrob_theory.fields.linear import LinearField as LinearField
from natrob_theory.fields.observed_field import ObservedField as ObservedField
from natrob_theory.fields.residual import convolutional_field as convolutional_field
from natrob_theory.fields.residual import dense_field as dense_field
from natrob_theory.fields.row_use import OneSampleField as OneSampleField
from natrob_theory.fields.row_use import RowUse as RowUse
from natrob_theory.fields.row_use import WholeBatchFunction as WholeBatchFunction
from natrob_theory.fields.row_use import row_use as row_use
from natrob_theory.fields.skew_symmetric import SkewSymmetricField as SkewSymmetricField
from natrob_theory.fields.watched_time import TimelessField as TimelessField
from natrob_theory.fields.watched_time import WatchedField as WatchedField
