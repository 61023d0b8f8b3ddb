"""What the tests of the report share: a builder of made-up records, and one whole report."""

import pytest
import synthetic_records

from natrob_empirical.records import CellRecord
from natrob_empirical.reporting import ReportFiles, Section, group_records, write_report


@pytest.fixture(scope="session")
def run() -> list[CellRecord]:
    """Six networks, four attacks, one seed."""
    return synthetic_records.run_records()


@pytest.fixture(scope="session")
def section(run: list[CellRecord]) -> Section:
    return group_records(run)[0]


@pytest.fixture(scope="session")
def report(run: list[CellRecord], tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    """The report of that run."""
    return write_report(run, tmp_path_factory.mktemp("report"), title="A made-up run", command="natrob bench quick")
