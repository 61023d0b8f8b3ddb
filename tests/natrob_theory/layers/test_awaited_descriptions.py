"""Layers of a module that need not be imported are described once somebody has imported it."""

import sys
from types import ModuleType

import pytest
from torch import nn

from natrob_theory.layers import answers
from natrob_theory.layers.answers import AbstractLayer, described_by
from natrob_theory.layers.questions import layer_lipschitz


class Foreign(nn.Module):
    """A layer of somebody else's module."""


class _Describing(ModuleType):
    """Registers an answer when it is imported, as a file with `@describes` does."""

    def describe(self) -> None:
        layer_lipschitz.register(Foreign, lambda layer, shape: 3.0)


@pytest.fixture
def awaited(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lets `describings` stand for the description of `strangers`; lists what is imported for it."""
    monkeypatch.setattr(answers, "_AWAITED", {})
    monkeypatch.setattr(answers, "_DESCRIPTIONS", dict(answers._DESCRIPTIONS))
    imported: list[str] = []

    def imports(name: str) -> None:
        imported.append(name)
        _Describing(name).describe()

    monkeypatch.setattr(answers.importlib, "import_module", imports)
    described_by("strangers", "describings")
    return imported


def test_a_module_that_nobody_has_imported_is_not_described(awaited: list[str]) -> None:
    assert isinstance(answers.answers_of(Foreign()), answers.UnknownLayer)
    assert awaited == []


def test_its_layers_are_described_once_it_is_imported(awaited: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    answers.answers_of(nn.ReLU())
    monkeypatch.setitem(sys.modules, "strangers", ModuleType("strangers"))
    assert layer_lipschitz(Foreign(), (2,)) == 3.0
    assert isinstance(answers.answers_of(Foreign()), AbstractLayer)
    assert Foreign in answers.described_kinds()
    assert awaited == ["describings"]


def test_an_answer_of_ones_own_comes_after_the_awaited_one(awaited: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "strangers", ModuleType("strangers"))
    layer_lipschitz.register(Foreign, lambda layer, shape: 7.0)
    assert awaited == ["describings"]
    assert layer_lipschitz(Foreign(), (2,)) == 7.0
