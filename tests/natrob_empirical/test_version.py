from importlib import metadata
from unittest import mock

import pytest

import natrob_empirical
import natrob_theory
from natrob_empirical import version as empirical_version
from natrob_theory import version as theory_version


def test_both_packages_have_the_version_of_the_metadata() -> None:
    assert natrob_theory.__version__ == natrob_empirical.__version__ == metadata.version("natrob")


@pytest.mark.parametrize("module", [theory_version, empirical_version])
def test_a_source_tree_that_is_not_installed_says_so(module: object) -> None:
    with mock.patch.object(module, "version", side_effect=metadata.PackageNotFoundError("natrob")):
        assert module.installed_version() == "0+not.installed"  # pyright: ignore[reportAttributeAccessIssue] - a module
