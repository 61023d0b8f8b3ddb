"""How numbers and names are printed: directed rounding, powers of ten, infinity, and names made safe to print."""

import math
import re
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Final

MISSING: Final = "–"
NORM_SIGNS: Final = {"Linf": "L∞", "L2": "L2", "L1": "L1"}

_SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_ROUNDING: Final = {"lower": ROUND_FLOOR, "upper": ROUND_CEILING}
_NOISE_DIGITS: Final = 12  # an accuracy is a count over n; the sums behind a mean leave 0.2 as 0.20000000000000004
_EXCESS_DIGITS: Final = 2


def format_number(value: float, *, kind: str = "measured", digits: int = 3) -> str:
    """A number with `digits` significant digits: "0.942", "1230", "1.23·10⁹", "∞".

    A lower bound is rounded down and an upper bound up, so that what is printed, read back, is still a bound;
    everything else goes to the nearest. A bound too near to 1 for its digits shows how far off it is, "1 + 1.1·10⁻⁷"
    or "1 − 2·10⁻⁵", where "1.01" or "0.999" would say a thousand times as much.

    Args:
        value: any float.
        kind: "lower", "upper", or another word for rounding to the nearest.
        digits: significant digits, at least 1.
    """
    sign = {"upper": "+", "lower": "−"}.get(kind)
    excess = Decimal(0) if sign is None or not math.isfinite(value) else abs(_as_printed(value) - 1)
    beyond = value > 1 if kind == "upper" else value < 1
    if sign is not None and beyond and 0 < excess < _too_near_to_one(kind, digits):
        return f"1 {sign} {_written(_round_significant(excess, _EXCESS_DIGITS, ROUND_CEILING))}"
    return format_rounded(value, kind=kind, digits=digits)


def format_rounded(value: float, *, kind: str = "measured", digits: int = 3) -> str:
    """The number without a special case near 1, for ends of an interval: "0.99" serves them better than "1 − …".

    Args:
        value: any float.
        kind: "lower", "upper", or another word for rounding to the nearest.
        digits: significant digits, at least 1.
    """
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    return _written(_round_significant(_as_printed(value), digits, _ROUNDING.get(kind, ROUND_HALF_EVEN)))


def format_interval(value: float, low: float, high: float) -> str:
    """An estimate to the nearest with its interval rounded outward, two digits each: "0.71 [0.6, 0.82]"."""
    lowest, highest = format_rounded(low, kind="lower", digits=2), format_rounded(high, kind="upper", digits=2)
    return f"{format_rounded(value, digits=2)} [{lowest}, {highest}]"


def superscript(number: int) -> str:
    """An integer as an exponent: "⁻¹²"."""
    return str(number).translate(_SUPERSCRIPTS)


def format_share(value: float, *, kind: str = "measured") -> str:
    """An accuracy with three decimals, rounded in the direction that its kind asks for: "0.942", "1.000".

    An accuracy counts images, so that digits past the twelfth are the noise of a mean; they are dropped first.
    """
    if not math.isfinite(value):
        return format_number(value)
    return f"{Decimal(f'{value:.{_NOISE_DIGITS}f}').quantize(Decimal('0.001'), _ROUNDING.get(kind, ROUND_HALF_EVEN)):f}"


def format_percent(value: float, *, kind: str = "measured", decimals: int = 1) -> str:
    """A share in percent, rounded in the direction that its kind asks for: "75.2 %", "0 %"."""
    if not math.isfinite(value):
        return format_number(value)
    percent = Decimal(f"{value:.{_NOISE_DIGITS}f}") * 100
    rounded = percent.quantize(Decimal(1).scaleb(-decimals), _ROUNDING.get(kind, ROUND_HALF_EVEN))
    return f"{_drop_trailing_zeros(f'{rounded:f}')} %"


def format_p(value: float) -> str:
    """A p-value with three decimals: "p = 0.035", and "p < 0.001" below that, where "0.000" would say too much."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def format_count(value: float | int) -> str:
    """A count with thousands separated: "12,345"; a mean of counts keeps one decimal."""
    if not math.isfinite(value):
        return format_number(value)
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def format_epsilon(epsilon: float) -> str:
    """A budget as people write it: "8/255" where it is a multiple of 1/255 and no short decimal, else "0.1"."""
    steps = epsilon * 255
    if steps >= 1 and abs(steps - round(steps)) < 1e-6 and abs(epsilon - round(epsilon, 3)) > 1e-9:
        return f"{round(steps)}/255"
    return format_number(epsilon)


def format_budget(norm: str, epsilon: float) -> str:
    """A budget with its norm: "L∞ ε = 0.1"."""
    return f"{NORM_SIGNS.get(norm, norm)} ε = {format_epsilon(epsilon)}"


def format_sample_size(counts: tuple[int | None, ...]) -> str:
    """The n behind a number: "n = 360", "n = 300 to 360", or "all inputs" for a bound without samples."""
    known = sorted({count for count in counts if count is not None})
    parts = ["all inputs"] if None in counts else []
    if known:
        parts.append(f"n = {known[0]:,}" if len(known) == 1 else f"n = {known[0]:,} to {known[-1]:,}")
    return " or ".join(parts)


def format_kind(kind: str, counts: tuple[int | None, ...]) -> str:
    """Kind and n: "upper, n = 360", "upper, all inputs". Without an n only an upper bound is about all inputs."""
    if set(counts) == {None} and kind != "upper":
        return f"{kind}, n not recorded"
    return f"{kind}, {format_sample_size(counts)}"


def clean_text(text: str) -> str:
    """A name on one line without control characters, which neither XML nor a table can hold; "�" stands for them."""
    one_line = re.sub(r"\s+", " ", text)
    return re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", "\ufffd", one_line).strip() or "(no name)"


def join_words(words: list[str] | tuple[str, ...]) -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def natural_order(text: str) -> tuple[tuple[int, float, str], ...]:
    """A sort key under which "h=0.5" comes before "h=1" and "PGD-7" before "PGD-20"."""
    parts = re.split(r"(\d+(?:\.\d+)?)", text)
    return tuple((1, float(part), "") if index % 2 else (0, 0.0, part) for index, part in enumerate(parts))


def _as_printed(value: float) -> Decimal:
    """The shortest decimal that reads back as this very float: 0.1 as 0.1."""
    return Decimal(repr(float(value)))


def _too_near_to_one(kind: str, digits: int) -> Decimal:
    """A tenth of the last digit that a number just above (upper) or just below 1 would be printed with."""
    return Decimal(1).scaleb(-digits if kind == "upper" else -digits - 1)


def _written(rounded: Decimal) -> str:
    """A number that is not 0, with a power of ten where it is small or large."""
    exponent = rounded.adjusted()
    if -4 < exponent < 5:
        return _drop_trailing_zeros(f"{rounded:f}").replace("-", "−")
    mantissa = _drop_trailing_zeros(f"{rounded.scaleb(-exponent):f}").replace("-", "−")
    return f"{mantissa}·10{superscript(exponent)}"


def _round_significant(number: Decimal, digits: int, rounding: str) -> Decimal:
    """`number` to `digits` significant digits."""
    return number.quantize(Decimal(1).scaleb(number.adjusted() - digits + 1), rounding)


def _drop_trailing_zeros(text: str) -> str:
    """ "1.200" as "1.2" and "3.00" as "3"; an integer stays."""
    return text.rstrip("0").rstrip(".") if "." in text else text
