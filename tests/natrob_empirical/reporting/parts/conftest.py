"""Committed records that the tests of parts share, read once."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from natrob_empirical.evidence.folders import read_folders
from natrob_empirical.evidence.run import Run

REPORTS = Path(__file__).parents[4] / "reports"


@pytest.fixture(scope="session")
def committed() -> Sequence[Run]:
    """The quick run (digits) and the two runs on MNIST behind the picture."""
    return read_folders([REPORTS / name for name in ("quick", "table1-cpu", "certified-cpu", "fig1-cpu")]).runs
