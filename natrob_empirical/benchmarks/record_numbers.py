"""Numbers of a record, from bounds and from measurements."""

from natrob_empirical.records import Number
from natrob_theory import Bound


def number_of(bound: Bound, *, n: int | None = None) -> Number:
    """The bound with its kind and source; n is how many states or images it was searched on."""
    return Number(value=float(bound), kind=bound.kind, n=n, source=bound.source)


def measured(value: float, n: int, source: str) -> Number:
    """A value as it was seen on n images or pairs."""
    return Number(value=value, kind="measured", n=n, source=source)
