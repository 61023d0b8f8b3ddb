import time

import pytest

from benchmarks.measurement import Row, interleaved_medians, versioned


def row(*, value: float, target: float | None) -> Row:
    return Row(section="s", case="c", subject="n", peer="p", quantity="q", value=value, target=target)


@pytest.mark.parametrize(
    ("value", "target", "met"), [(0.5, 0.5, True), (0.51, 0.5, False), (0.1, None, None), (float("nan"), 1.0, False)]
)
def test_a_target_is_met_up_to_itself(value: float, target: float | None, met: bool | None) -> None:
    assert row(value=value, target=target).met is met


def test_contestants_take_turns_and_the_order_rotates() -> None:
    calls: list[str] = []
    contestants = {name: lambda name=name: calls.append(name) for name in "ABC"}
    medians = interleaved_medians(contestants, repeats=3, warmup=1)
    assert "".join(calls) == "ABCBCACABABC"
    assert set(medians) == {"A", "B", "C"}
    assert all(seconds >= 0 for seconds in medians.values())


def test_the_median_is_of_the_turns_after_the_warmup(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 100.0, 0.0, 1.0, 0.0, 3.0, 0.0, 9.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    assert interleaved_medians({"A": lambda: None}, repeats=3, warmup=1) == {"A": 3.0}


def test_a_peer_is_named_with_its_version() -> None:
    assert versioned("torchdiffeq").startswith("torchdiffeq 0.")
