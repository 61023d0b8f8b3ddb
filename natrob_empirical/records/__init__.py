"""Records: one validated JSON file per cell, written atomically; the report reads nothing else."""

from natrob_empirical.records.schema import SCHEMA_VERSION as SCHEMA_VERSION
from natrob_empirical.records.schema import AttackResult as AttackResult
from natrob_empirical.records.schema import AttackRunResult as AttackRunResult
from natrob_empirical.records.schema import BoundCheckSummary as BoundCheckSummary
from natrob_empirical.records.schema import CellKey as CellKey
from natrob_empirical.records.schema import CellRecord as CellRecord
from natrob_empirical.records.schema import CertifiedPoint as CertifiedPoint
from natrob_empirical.records.schema import Curve as Curve
from natrob_empirical.records.schema import Environment as Environment
from natrob_empirical.records.schema import FieldGrowth as FieldGrowth
from natrob_empirical.records.schema import Number as Number
from natrob_empirical.records.schema import SampleOutcomes as SampleOutcomes
from natrob_empirical.records.schema import StepSizePoint as StepSizePoint
from natrob_empirical.records.schema import StepSizeResult as StepSizeResult
from natrob_empirical.records.schema import TheoryResult as TheoryResult
from natrob_empirical.records.schema import VacuityPoint as VacuityPoint
from natrob_empirical.records.store import RecordStore as RecordStore
from natrob_empirical.records.store import UnreadableRecord as UnreadableRecord

__all__ = [
    "SCHEMA_VERSION",
    "AttackResult",
    "AttackRunResult",
    "BoundCheckSummary",
    "CellKey",
    "CellRecord",
    "CertifiedPoint",
    "Curve",
    "Environment",
    "FieldGrowth",
    "Number",
    "RecordStore",
    "SampleOutcomes",
    "StepSizePoint",
    "StepSizeResult",
    "TheoryResult",
    "UnreadableRecord",
    "VacuityPoint",
]
