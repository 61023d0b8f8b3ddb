"""Adaptive integration made for evaluation: per-sample steps and verdicts, exact end, everything on record."""

from natrob_theory.adaptive.adjoint import AdjointProblem as AdjointProblem
from natrob_theory.adaptive.adjoint import solve_with_adjoint as solve_with_adjoint
from natrob_theory.adaptive.controller import PIController as PIController
from natrob_theory.adaptive.embedded_method import EmbeddedMethod as EmbeddedMethod
from natrob_theory.adaptive.event import event_values as event_values
from natrob_theory.adaptive.jump_times import FieldBetweenJumps as FieldBetweenJumps
from natrob_theory.adaptive.jump_times import field_in_step as field_in_step
from natrob_theory.adaptive.native_solve import solve as solve
from natrob_theory.adaptive.record import SolveLog as SolveLog
from natrob_theory.adaptive.record import SolveRecord as SolveRecord
from natrob_theory.adaptive.settings import Event as Event
from natrob_theory.adaptive.settings import SolveSettings as SolveSettings
from natrob_theory.adaptive.status import IntegrationError as IntegrationError
from natrob_theory.adaptive.status import IntegrationWarning as IntegrationWarning
from natrob_theory.adaptive.status import SolveStatus as SolveStatus
from natrob_theory.adaptive.status import describe_failures as describe_failures
