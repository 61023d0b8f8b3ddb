import pytest

from natrob_empirical.display.formatting import format_p


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0352, "p = 0.035"), (0.001, "p = 0.001"), (0.00099, "p < 0.001"), (0.0, "p < 0.001"), (1.0, "p = 1.000")],
)
def test_a_small_p_value_is_never_printed_as_zero(value: float, text: str) -> None:
    assert format_p(value) == text
