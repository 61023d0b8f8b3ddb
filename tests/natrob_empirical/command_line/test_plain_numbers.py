import contextlib
import re
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from natrob_empirical.command_line.plain_numbers import integer_of, number_of, numbers_of

DECIMALS = {"0.03": 0.03, "3e-2": 0.03, "3E+1": 30.0, ".5": 0.5, "2.": 2.0, "007": 7.0, "-0.1": -0.1, "0": 0.0}
FRACTIONS = {"8/255": 8 / 255, "0.5/255": 0.5 / 255, "0/255": 0.0, "1/3": 1 / 3, "-8/255": -8 / 255, "4/.5": 8.0}
NO_NUMBERS = (
    "8/255/2", "0.6/2/2", "8//255", "/255", "8/", "/", "1/2e3", "1e1/2", "8/-255", "8/+255",  # fractions
    "", " ", "-", ".", "e5", "1e", "1e5.0", "0.1.2", "0,5", "--1", "+8/255", "+1", "1+1", "2*3", "0x10", "1f", "8%",
    "1_0", "1_0/255", "8/2_55", " 8/255", "8/255\n", "8 / 255", "1 0", "\t1",  # what Python's float skips over
    "nan", "NaN", "inf", "-inf", "infinity", "1/inf", "nan/2",
    "٣", "٣/255", "８/255", "⅛", "1²", "−1", "8∕255", "8⁄255",  # digits and signs that are not ASCII
    "8/0", "0/0", "1/0.0", "1" * 101, "0." + "0" * 5000 + "1",
)  # fmt: skip


@pytest.mark.parametrize(("text", "value"), [*DECIMALS.items(), *FRACTIONS.items()])
def test_one_decimal_or_one_fraction_is_a_number(text: str, value: float) -> None:
    assert number_of("--epsilon", text) == value


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_every_other_text_is_refused_by_the_option_s_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"^`--step-size` must be a fraction such as 8/255 or a decimal such as 0\.03"):
        number_of("--step-size", text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1e-400", "must be 0 or a number that a float can hold, got '1e-400', which would become 0"),
        ("-1e-400", "which would become 0"),
        ("1e400", "must be a finite number, got '1e400', which is too large for a float"),
        ("-1e400", "too large for a float"),
    ],
)
def test_a_number_that_a_float_cannot_hold_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        number_of("--epsilon", text)


@example(text="0e-400")
@given(st.from_regex(r"-?[0-9]{1,6}(\.[0-9]{0,6})?(e-?[0-9]{1,2})?", fullmatch=True).filter(str.isascii))
def test_a_decimal_is_the_nearest_float(text: str) -> None:
    assert number_of("--epsilon", text) == float(Fraction(text))


@given(st.text(alphabet="0123456789./-+e_ ,nif٣"))
def test_what_is_read_is_what_the_text_says(text: str) -> None:
    value = None
    with contextlib.suppress(ValueError):
        value = number_of("--epsilon", text)
    if value is not None:
        numerator, _, denominator = text.partition("/")
        assert value == float(Fraction(numerator) / Fraction(denominator or 1))


def test_minus_zero_is_zero() -> None:
    assert str(number_of("--epsilon", "-0")) == "0.0"


def test_lists_may_have_spaces_around_their_commas() -> None:
    assert numbers_of("--epsilon", ["8/255, 0.1", "0.10"]) == [("8/255", 8 / 255), ("0.1", 0.1), ("0.10", 0.1)]


@pytest.mark.parametrize("text", ["", "0.1,,0.2", ",0.1", "0.1,", "0.1, ,0.2", ","])
def test_an_empty_entry_of_a_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^`--epsilon` must be numbers separated by commas, got '' in "):
        numbers_of("--epsilon", [text])


@pytest.mark.parametrize(("text", "value"), [("16", 16), ("0", 0), ("-3", -3), ("007", 7)])
def test_digits_are_an_integer(text: str, value: int) -> None:
    assert integer_of("--steps", text) == value


@pytest.mark.parametrize(
    "text", ["", " 16", "16 ", "1_6", "1e3", "16.0", "+16", "٣", "１６", "0x10", "1,6", "9" * 5000]
)
def test_other_texts_are_no_integer(text: str) -> None:
    with pytest.raises(ValueError, match=r"^`--steps` must be an integer such as 16, got "):
        integer_of("--steps", text)
