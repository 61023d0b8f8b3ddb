import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from natrob_empirical.display.formatting import (
    clean_text,
    format_budget,
    format_count,
    format_epsilon,
    format_interval,
    format_kind,
    format_number,
    format_rounded,
    format_sample_size,
    format_share,
    join_words,
    natural_order,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.942, "0.942"),
        (1.2e9, "1.2·10⁹"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "not a number"),
        (0.0, "0"),
        (-0.5, "−0.5"),
        (1234.0, "1230"),
        (99999.0, "1·10⁵"),
        (1e-7, "1·10⁻⁷"),
        (1e300, "1·10³⁰⁰"),
        (100.0, "100"),
    ],
)
def test_numbers_print_as_people_write_them(value: float, text: str) -> None:
    assert format_number(value) == text


def test_bounds_are_rounded_outward() -> None:
    assert format_number(1.2341, kind="upper") == "1.24"
    assert format_number(1.2349, kind="lower") == "1.23"
    assert format_number(-1.2341, kind="upper") == "−1.23"
    assert format_share(1 / 3, kind="upper") == "0.334"
    assert format_share(2 / 3, kind="lower") == "0.666"
    assert format_share(2 / 3) == "0.667"


def test_the_noise_of_a_mean_is_not_rounded_up() -> None:
    assert format_share((0.1 + 0.2 + 0.3) / 3, kind="upper") == "0.200"
    assert format_number((0.1 + 0.2 + 0.3) / 3) == "0.2"


NEAR_ONE = st.builds(lambda sign, exponent: 1 + sign * 10**exponent, st.sampled_from([-1, 1]), st.floats(-16, -1))


@given(st.floats(min_value=1e-200, max_value=1e200) | NEAR_ONE, st.integers(1, 10))
def test_a_printed_bound_is_a_bound(value: float, digits: int) -> None:
    for write in (format_number, format_rounded):
        assert _parse(write(value, kind="upper", digits=digits)) >= value
        assert _parse(write(value, kind="lower", digits=digits)) <= value


@pytest.mark.parametrize(
    ("value", "kind", "digits", "text"),
    [
        (1.000000100017719, "upper", 3, "1 + 1.1·10⁻⁷"),
        (1.0000000000000282, "upper", 8, "1 + 2.9·10⁻¹⁴"),
        (1.0009, "upper", 3, "1 + 9·10⁻⁴"),
        (1.004, "upper", 3, "1.01"),  # the digits still say what it is
        (0.99998, "lower", 3, "1 − 2·10⁻⁵"),
        (0.9994, "lower", 3, "0.999"),
        (1.0, "upper", 3, "1"),
        (1.0, "lower", 3, "1"),
        (0.99998, "upper", 3, "1"),
        (1.0000001, "lower", 3, "1"),
        (1.0000001, "measured", 3, "1"),
    ],
)
def test_a_bound_near_one_says_how_near(value: float, kind: str, digits: int, text: str) -> None:
    assert format_number(value, kind=kind, digits=digits) == text


def test_the_ends_of_an_interval_stay_short() -> None:
    assert format_interval(0.9998, 0.99995, 1.0) == "1 [0.99, 1]"
    assert format_interval(0.5, 0.411, 0.611) == "0.5 [0.41, 0.62]"


def _parse(text: str) -> float:
    """What a reader makes of it, to the nearest float."""
    if text.startswith("1 "):
        excess = Decimal(_plain(text[4:]))
        return float(1 + excess if text[2] == "+" else 1 - excess)
    return float(_plain(text))


def _plain(text: str) -> str:
    mantissa, _, exponent = text.partition("·10")
    digits = exponent.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    return f"{mantissa}e{digits or 0}"


def test_budgets() -> None:
    assert format_epsilon(8 / 255) == "8/255"
    assert format_epsilon(0.1) == "0.1"
    assert format_epsilon(0.2) == "0.2"  # 51/255, but a short decimal
    assert format_budget("Linf", 0.5) == "L∞ ε = 0.5"
    assert format_budget("L2", 1.58) == "L2 ε = 1.58"


def test_counts_and_sample_sizes() -> None:
    assert format_count(12345.0) == "12,345"
    assert format_count(6.5) == "6.5"
    assert format_count(math.inf) == "∞"
    assert format_sample_size((360,)) == "n = 360"
    assert format_sample_size((360, 1000)) == "n = 360 to 1,000"
    assert format_sample_size((None,)) == "all inputs"
    assert format_sample_size((None, 5)) == "all inputs or n = 5"
    assert format_sample_size(()) == ""
    assert format_kind("upper", (None,)) == "upper, all inputs"
    assert format_kind("lower", (None,)) == "lower, n not recorded"
    assert format_kind("lower", (48,)) == "lower, n = 48"


def test_names() -> None:
    assert clean_text("a\n\tb\x00c") == "a b\ufffdc"
    assert clean_text("  ") == "(no name)"
    assert join_words([]) == ""
    assert join_words(["a"]) == "a"
    assert join_words(["a", "b", "c"]) == "a, b and c"
    assert sorted(["h = 1", "h = 0.5", "h = 0.05"], key=natural_order) == ["h = 0.05", "h = 0.5", "h = 1"]
    assert sorted(["PGD-20", "PGD-7"], key=natural_order) == ["PGD-7", "PGD-20"]
