"""Numbers as they may be written on the command line: one decimal, one fraction or one integer, in ASCII digits.

Python's own `int`, `float` and `Fraction` read more: "1_0", "٣", " 7 ", "nan" and, of `Fraction`, "16/2e3". Whoever
writes such a text rarely means the number that comes of it, so each of them is refused.
"""

import math
import re
from fractions import Fraction
from typing import Final

_LONGEST: Final = 100
"""Characters of a number; longer texts cost time to read and say nothing that a float can hold."""
_INTEGER: Final = re.compile(r"-?[0-9]+")
_PLAIN: Final = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_DECIMAL: Final = re.compile(rf"-?({_PLAIN})(?:[eE][+-]?[0-9]+)?")
_FRACTION: Final = re.compile(rf"(-?{_PLAIN})/({_PLAIN})")


def number_of(option: str, text: str) -> float:
    """The float nearest to one decimal such as "0.03" or "3e-2", or to one fraction such as "8/255".

    Raises:
        ValueError: naming the option, for other texts (more than one slash, an exponent in a fraction, signs but a
            leading minus, spaces, underscores, other digits than 0 to 9, nan, inf), for a denominator of zero, and for
            a number that a float cannot hold: one that would become infinite, or 0 without being 0.
    """
    value = _value_of(text) if len(text) <= _LONGEST else None
    if value is None:
        raise ValueError(f"`{option}` must be a fraction such as 8/255 or a decimal such as 0.03, got {_shown(text)}")
    if math.isinf(value):
        raise ValueError(f"`{option}` must be a finite number, got {text!r}, which is too large for a float")
    if value == 0 and re.search("[1-9]", re.split("[eE/]", text)[0]):
        raise ValueError(f"`{option}` must be 0 or a number that a float can hold, got {text!r}, which would become 0")
    return value + 0.0  # no −0


def numbers_of(option: str, texts: list[str]) -> list[tuple[str, float]]:
    """Every number of the texts, each a list with commas, beside its text. Spaces around a comma are allowed.

    Raises:
        ValueError: as `number_of`; also for an empty entry such as that of "0.1,,0.2".
    """
    parts = [(part.strip(" "), text) for text in texts for part in text.split(",")]
    for part, text in parts:
        if not part:
            raise ValueError(f"`{option}` must be numbers separated by commas, got '' in {_shown(text)}")
    return [(part, number_of(option, part)) for part, _ in parts]


def integer_of(option: str, text: str) -> int:
    """One integer in the digits 0 to 9, such as "16" or "-3". Raises ValueError, naming the option, for other texts."""
    if len(text) > _LONGEST or not _INTEGER.fullmatch(text):
        raise ValueError(f"`{option}` must be an integer such as 16, got {_shown(text)}")
    return int(text)


def _value_of(text: str) -> float | None:
    """The number, perhaps infinite; None if the text is none."""
    if _DECIMAL.fullmatch(text):
        return float(text)
    parts = _FRACTION.fullmatch(text)
    if parts is None:
        return None
    denominator = Fraction(parts[2])
    return None if denominator == 0 else float(Fraction(parts[1]) / denominator)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else f"{text[:20]}…")
