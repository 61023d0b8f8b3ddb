"""Puts the options that the user typed into messages from below: `--pairs` for `pairs`."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

_WORDS: ContextVar[Mapping[str, str]] = ContextVar("natrob option words", default=MappingProxyType({}))
_ARGUMENT: Final = re.compile(r"`([A-Za-z_]\w*)`")


@contextmanager
def option_words(words: Mapping[str, str]) -> Iterator[None]:
    """Inside the block, arguments of these names are the options that they map to, besides those known before."""
    token = _WORDS.set({**_WORDS.get(), **words})
    try:
        yield
    finally:
        _WORDS.reset(token)


def in_option_words(message: str) -> str:
    """The message with every argument that an option stands for as that option."""
    words = _WORDS.get()
    return _ARGUMENT.sub(lambda found: f"`{words.get(found[1], found[1])}`", message)
