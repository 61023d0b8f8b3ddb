"""Old module paths still import, and say where to look."""

import importlib
import sys

import pytest

import natrob_theory
from natrob_theory.moved_modules import MOVED


@pytest.fixture
def forgotten_imports() -> None:
    for name in MOVED:
        sys.modules.pop(f"natrob_theory.{name}", None)
        natrob_theory.__dict__.pop(name, None)


@pytest.mark.usefixtures("forgotten_imports")
@pytest.mark.parametrize("name", MOVED)
def test_old_path_warns_and_names_the_new_one(name: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"natrob_theory.{name} has moved to natrob_theory.{MOVED[name]}"):
        importlib.import_module(f"natrob_theory.{name}")


@pytest.mark.usefixtures("forgotten_imports")
def test_names_of_old_packages_are_the_same_objects() -> None:
    with pytest.warns(DeprecationWarning, match="has moved"):
        old = natrob_theory.lipschitz
    assert old.layer_lipschitz is natrob_theory.layer_lipschitz
    assert old.lipschitz_upper_bound is natrob_theory.lipschitz_upper_bound


def test_other_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lipschits'"):
        _ = natrob_theory.lipschits
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("natrob_theory.lipschits")
