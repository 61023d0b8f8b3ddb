"""Sentences in which measured values are marked, so that a page can show each once and a test can count them."""

import re
from typing import Final

_OPEN: Final = "⟦"
_CLOSE: Final = "⟧"
_MARKED: Final = re.compile(f"{_OPEN}(.*?){_CLOSE}")


def measured(text: str) -> str:
    """Marks a printed value as measured, computed or proved by natrob; pages show it with a `data` element."""
    return f"{_OPEN}{text}{_CLOSE}"


def plain(text: str) -> str:
    """Returns the sentence without marks."""
    return _MARKED.sub(r"\1", text)


def pieces(text: str) -> list[tuple[str, bool]]:
    """Splits a sentence at its marks: (text, whether it is a measured value), none of them empty."""
    parts = _MARKED.split(text)
    return [(part, bool(index % 2)) for index, part in enumerate(parts) if part]


def measured_values(text: str) -> list[str]:
    """Lists the measured values of a sentence, in order."""
    return _MARKED.findall(text)
