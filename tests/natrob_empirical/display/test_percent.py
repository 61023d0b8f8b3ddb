"""Shares in percent, rounded so that a bound stays one."""

import pytest

from natrob_empirical.display.formatting import format_percent


@pytest.mark.parametrize(
    ("share", "kind", "text"),
    [(1 / 3, "upper", "33.4 %"), (2 / 3, "lower", "66.6 %"), (2 / 3, "measured", "66.7 %"), (0.0, "upper", "0 %"),
     (0.3, "upper", "30 %"), (0.1 + 0.2, "upper", "30 %"), (1.0, "lower", "100 %"), (0.0001, "upper", "0.1 %")],
)  # fmt: skip
def test_a_share_in_percent_is_rounded_as_its_kind_asks_for(share: float, kind: str, text: str) -> None:
    assert format_percent(share, kind=kind) == text


def test_decimals_can_be_asked_for() -> None:
    assert [format_percent(0.7523, decimals=decimals) for decimals in (0, 1, 2)] == ["75 %", "75.2 %", "75.23 %"]
