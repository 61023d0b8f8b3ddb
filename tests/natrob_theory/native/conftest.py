"""The compiled extension, which these tests compare with Python."""

from types import ModuleType

import pytest

from natrob_theory.native import extension, native_status


@pytest.fixture(scope="session")
def compiled() -> ModuleType:
    module = extension()
    if module is None:
        pytest.skip(f"no compiled extension: {native_status().reason}")
    return module
