"""Reports: from the records of a run to a Markdown page, one self-contained HTML page, and figures."""

from natrob_empirical.reporting.experiments import findings_of as findings_of
from natrob_empirical.reporting.findings import Finding as Finding
from natrob_empirical.reporting.record_groups import Section as Section
from natrob_empirical.reporting.record_groups import group_records as group_records
from natrob_empirical.reporting.writer import ReportFiles as ReportFiles
from natrob_empirical.reporting.writer import write_report as write_report
