"""The contributors' page is run: every block is a file, and the tests among them are tests here."""

import importlib
import re
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from natrob_theory.layers import answers

PAGE = Path(__file__).parents[2] / "CONTRIBUTING.md"
BLOCKS = dict(re.findall(r"```python title=(\S+)\.py\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S))
LONGEST = 60
"""Lines that an example may have."""


class Blocks(MetaPathFinder, Loader):
    """Imports a block of the page by its title."""

    def find_spec(self, fullname: str, path: object, target: ModuleType | None = None) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname in BLOCKS else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(BLOCKS[module.__name__], f"{PAGE.name}: {module.__name__}.py", "exec"), vars(module))


sys.meta_path.append(Blocks())
_BEFORE = dict(answers._DESCRIPTIONS)
for _title in BLOCKS:
    _names = vars(importlib.import_module(_title))
    globals().update({name: one for name, one in _names.items() if name.startswith(("Test", "test_"))})
EXAMPLES = {kind: answers._DESCRIPTIONS.pop(kind) for kind in answers._DESCRIPTIONS.keys() - _BEFORE.keys()}
"""Kinds of layer that the page describes: known here only, and unknown to every other test."""


@pytest.fixture(autouse=True)
def _examples_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, description in EXAMPLES.items():
        monkeypatch.setitem(answers._DESCRIPTIONS, kind, description)


@pytest.mark.parametrize("title", BLOCKS)
def test_every_block_is_a_short_file(title: str) -> None:
    assert len(BLOCKS[title].splitlines()) <= LONGEST
    assert max(map(len, BLOCKS[title].splitlines())) <= 120


def test_the_table_leads_to_every_example() -> None:
    text = PAGE.read_text(encoding="utf-8")
    titles = re.findall(r"^## (.+)$", text, flags=re.M)
    links = re.findall(r"\]\(#([\w-]+)\)", text)
    assert links == [re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles]
