"""Records: one validated JSON file per cell, written atomically; the report reads nothing else."""

from natrob_empirical.records.contradictions import Contradiction as Contradiction
from natrob_empirical.records.contradictions import contradictions_between as contradictions_between
from natrob_empirical.records.contradictions import covering as covering
from natrob_empirical.records.contradictions import distances_found as distances_found
from natrob_empirical.records.schema import OUTCOME_LETTERS as OUTCOME_LETTERS
from natrob_empirical.records.schema import SCHEMA_VERSION as SCHEMA_VERSION
from natrob_empirical.records.schema import AttackRefusal as AttackRefusal
from natrob_empirical.records.schema import AttackResult as AttackResult
from natrob_empirical.records.schema import AttackRunResult as AttackRunResult
from natrob_empirical.records.schema import BlockConstants as BlockConstants
from natrob_empirical.records.schema import BoundCheckSummary as BoundCheckSummary
from natrob_empirical.records.schema import CellKey as CellKey
from natrob_empirical.records.schema import CellRecord as CellRecord
from natrob_empirical.records.schema import CertifiedPoint as CertifiedPoint
from natrob_empirical.records.schema import Curve as Curve
from natrob_empirical.records.schema import Environment as Environment
from natrob_empirical.records.schema import EvaluationStatistics as EvaluationStatistics
from natrob_empirical.records.schema import FieldGrowth as FieldGrowth
from natrob_empirical.records.schema import GridStatistics as GridStatistics
from natrob_empirical.records.schema import Number as Number
from natrob_empirical.records.schema import PublishedNumber as PublishedNumber
from natrob_empirical.records.schema import SampleAmplification as SampleAmplification
from natrob_empirical.records.schema import SampleCertificates as SampleCertificates
from natrob_empirical.records.schema import SampleMargins as SampleMargins
from natrob_empirical.records.schema import SampleOutcomes as SampleOutcomes
from natrob_empirical.records.schema import StepSizePoint as StepSizePoint
from natrob_empirical.records.schema import StepSizeResult as StepSizeResult
from natrob_empirical.records.schema import TheoryRefusal as TheoryRefusal
from natrob_empirical.records.schema import TheoryResult as TheoryResult
from natrob_empirical.records.schema import VacuityPoint as VacuityPoint
from natrob_empirical.records.schema import packed as packed
from natrob_empirical.records.schema import share_certified as share_certified
from natrob_empirical.records.schema import unpacked as unpacked
from natrob_empirical.records.store import RecordStore as RecordStore
from natrob_empirical.records.store import UnreadableRecord as UnreadableRecord
from natrob_empirical.run_errors import CertificateContradictedError as CertificateContradictedError

__all__ = [
    "OUTCOME_LETTERS",
    "SCHEMA_VERSION",
    "AttackRefusal",
    "AttackResult",
    "AttackRunResult",
    "BlockConstants",
    "BoundCheckSummary",
    "CellKey",
    "CellRecord",
    "CertificateContradictedError",
    "CertifiedPoint",
    "Contradiction",
    "Curve",
    "Environment",
    "EvaluationStatistics",
    "FieldGrowth",
    "GridStatistics",
    "Number",
    "PublishedNumber",
    "RecordStore",
    "SampleAmplification",
    "SampleCertificates",
    "SampleMargins",
    "SampleOutcomes",
    "StepSizePoint",
    "StepSizeResult",
    "TheoryRefusal",
    "TheoryResult",
    "UnreadableRecord",
    "VacuityPoint",
    "contradictions_between",
    "covering",
    "distances_found",
    "packed",
    "share_certified",
    "unpacked",
]
