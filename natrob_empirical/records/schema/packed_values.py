"""One number an image, packed into text: a JSON list would put every image on a line of its own."""

import math
from collections.abc import Iterable


def packed(values: Iterable[float]) -> str:
    """The numbers between spaces, exact as `float` reads them; infinity is "inf"."""
    return " ".join(map(repr, values))


def unpacked(text: str) -> list[float]:
    """The numbers of `packed`."""
    return [float(part) for part in text.split()]


def require_entries(name: str, values: list[float], count: int, *, smallest: float | None = None) -> None:
    """Raise ValueError unless there are so many numbers, none of them NaN or below `smallest`."""
    if len(values) != count:
        raise ValueError(f"`{name}` must hold {count} entries, one an image, got {len(values)}")
    for value in values:
        if math.isnan(value) or (smallest is not None and value < smallest):
            limit = "numbers" if smallest is None else f"numbers of at least {smallest:g}"
            raise ValueError(f"`{name}` must hold {limit}, got {value}")
