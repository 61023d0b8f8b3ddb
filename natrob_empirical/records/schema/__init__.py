"""The schema of a record, one idea a file."""

from natrob_empirical.records.schema.attack_result import AttackRefusal as AttackRefusal
from natrob_empirical.records.schema.attack_result import AttackResult as AttackResult
from natrob_empirical.records.schema.attack_result import AttackRunResult as AttackRunResult
from natrob_empirical.records.schema.attack_result import PublishedNumber as PublishedNumber
from natrob_empirical.records.schema.cell_record import SCHEMA_VERSION as SCHEMA_VERSION
from natrob_empirical.records.schema.cell_record import CellKey as CellKey
from natrob_empirical.records.schema.cell_record import CellRecord as CellRecord
from natrob_empirical.records.schema.cell_record import Environment as Environment
from natrob_empirical.records.schema.packed_values import packed as packed
from natrob_empirical.records.schema.packed_values import unpacked as unpacked
from natrob_empirical.records.schema.record_part import Curve as Curve
from natrob_empirical.records.schema.record_part import Number as Number
from natrob_empirical.records.schema.sample_certificates import SampleCertificates as SampleCertificates
from natrob_empirical.records.schema.sample_certificates import SampleMargins as SampleMargins
from natrob_empirical.records.schema.sample_certificates import share_certified as share_certified
from natrob_empirical.records.schema.sample_growth import EvaluationStatistics as EvaluationStatistics
from natrob_empirical.records.schema.sample_growth import GridStatistics as GridStatistics
from natrob_empirical.records.schema.sample_growth import SampleAmplification as SampleAmplification
from natrob_empirical.records.schema.sample_outcomes import OUTCOME_LETTERS as OUTCOME_LETTERS
from natrob_empirical.records.schema.sample_outcomes import SampleOutcomes as SampleOutcomes
from natrob_empirical.records.schema.step_size_result import FieldGrowth as FieldGrowth
from natrob_empirical.records.schema.step_size_result import StepSizePoint as StepSizePoint
from natrob_empirical.records.schema.step_size_result import StepSizeResult as StepSizeResult
from natrob_empirical.records.schema.theory_result import BlockConstants as BlockConstants
from natrob_empirical.records.schema.theory_result import BoundCheckSummary as BoundCheckSummary
from natrob_empirical.records.schema.theory_result import CertifiedPoint as CertifiedPoint
from natrob_empirical.records.schema.theory_result import TheoryRefusal as TheoryRefusal
from natrob_empirical.records.schema.theory_result import TheoryResult as TheoryResult
from natrob_empirical.records.schema.theory_result import VacuityPoint as VacuityPoint

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
    "CertifiedPoint",
    "Curve",
    "Environment",
    "EvaluationStatistics",
    "FieldGrowth",
    "GridStatistics",
    "Number",
    "PublishedNumber",
    "SampleAmplification",
    "SampleCertificates",
    "SampleMargins",
    "SampleOutcomes",
    "StepSizePoint",
    "StepSizeResult",
    "TheoryRefusal",
    "TheoryResult",
    "VacuityPoint",
    "packed",
    "share_certified",
    "unpacked",
]
