"""One Coq build for all tests and workers; without `coqc` these tests skip, and in CI they fail."""

import os
from collections.abc import Iterator

import pytest

from proofs.coq_build import CoqBuild, coq_version
from proofs.kept_builds import KEPT


@pytest.fixture(scope="session")
def coq() -> str:
    """The version of Coq."""
    version = coq_version()
    if version is not None:
        return version
    if os.environ.get("CI"):
        pytest.fail("no `coqc` on the PATH, and in CI it must be: proofs/install_coq installs it")
    pytest.skip("no `coqc` on the PATH; proofs/install_coq installs it")


@pytest.fixture(scope="session")
def build(coq: str) -> Iterator[CoqBuild]:
    """The folder's own files, compiled."""
    with CoqBuild(kept=KEPT) as compiled:
        yield compiled
