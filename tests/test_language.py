"""Docstrings begin with a subject or a verb, and the glossary is short and in use."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "GLOSSARY.md"
TERMS = re.findall(r"^\| \*\*(.+?)\*\* \|", GLOSSARY.read_text(encoding="utf-8"), flags=re.M)
MOST_TERMS = 30


def docstrings(package: str) -> Iterator[tuple[str, str]]:
    """Each docstring of a package, with its place."""
    for file in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node)
                if text is not None:
                    yield f"{file.relative_to(ROOT)}: {getattr(node, 'name', 'the module')}", text


@pytest.mark.parametrize("package", ["natrob_theory", "natrob_empirical"])
def test_docstrings_open_with_a_subject_or_a_verb(package: str) -> None:
    opening = re.compile(r"(Of|What|The same)\b")
    assert [place for place, text in docstrings(package) if opening.match(text)] == []


def test_the_glossary_is_short() -> None:
    assert 0 < len(TERMS) <= MOST_TERMS
    assert len(set(TERMS)) == len(TERMS)


@pytest.mark.parametrize("term", TERMS)
def test_a_term_of_the_glossary_is_used_by_docstrings(term: str) -> None:
    word = re.split(r", | \(", term)[0]
    assert any(word in text for package in ("natrob_theory", "natrob_empirical") for _, text in docstrings(package))
