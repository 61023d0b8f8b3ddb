"""Signs of life without a terminal, against a clock that the tests turn."""

import threading
from pathlib import Path
from unittest import mock

import pytest
from console_runner import natrob

from natrob_empirical.command_line import heartbeat as module
from natrob_empirical.command_line.heartbeat import Heartbeat, beat, beating, describing


class Clock:
    """Shows what it was set to; `step` is added at every look."""

    def __init__(self, step: float = 0.0) -> None:
        self.now, self.step = 1000.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def test_the_first_line_comes_after_ten_seconds_and_then_one_every_thirty() -> None:
    clock, lines = Clock(), list[str]()
    heartbeat = Heartbeat(lines.append, clock=clock)
    with heartbeat.describing(lambda: "working"):
        for _ in range(7300):
            clock.now += 1.0
            heartbeat.beat()
    assert len(lines) == 1 + (7300 - 10) // 30
    assert lines[:3] == ["[0:10] working", "[0:40] working", "[1:10] working"]
    assert lines[-1] == "[2:01:40] working"


def test_lines_say_what_is_done_when_they_are_due() -> None:
    clock, lines = Clock(), list[str]()
    heartbeat = Heartbeat(lines.append, clock=clock)
    clock.now += 10
    heartbeat.beat()
    with heartbeat.describing(lambda: "outer"):
        with heartbeat.describing(lambda: "inner"):
            clock.now += 30
            heartbeat.beat()
        clock.now += 30
        heartbeat.beat()
    assert lines == ["[0:10] loading", "[0:40] inner", "[1:10] outer"]


def test_work_that_calls_nothing_is_told_of_by_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK", 0.001)
    clock, told = Clock(step=7.0), threading.Event()
    with beating(Heartbeat(lambda _line: told.set(), clock=clock)):
        assert told.wait(60.0)


def test_the_thread_ends_with_the_block() -> None:
    before = threading.active_count()
    with beating(Heartbeat(lambda _line: None)):
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_without_a_heartbeat_nothing_is_said() -> None:
    with describing(lambda: "unheard"):
        beat()


def heard(clock: Clock, *arguments: str) -> tuple[list[str], str]:
    """The lines of a command's heartbeat, and the rest of its output, under a clock that moves on at every look."""
    with mock.patch("natrob_empirical.command_line.console.Heartbeat", lambda say: Heartbeat(say, clock=clock)):
        result = natrob(*arguments)
    assert result.exit_code in (0, 2), result.output
    lines = result.stderr.splitlines()
    return [line for line in lines if line.startswith("[")], result.output


def test_one_batch_of_an_attack_is_told_of_on_the_way(models_module: str, tmp_path: Path) -> None:
    lines, output = heard(
        Clock(step=31.0), "attack", f"{models_module}:trained", "--data", "digits", "--images", "9",
        "--epsilon", "0.001,0.002", "--steps", "3", "--queries", "9", "--output", str(tmp_path / "out"),
    )  # fmt: skip
    assert any("L∞ ε = 0.001; 0/9 images; AutoAttack: Targeted APGD, part 2 of 4, pass " in line for line in lines)
    assert any("Square, part 4 of 4" in line for line in lines)
    assert output.index("L∞ ε = 0.001: accuracy ≤") < output.index("L∞ ε = 0.002: accuracy ≤")
    for control in ("\r", "\x1b", "━"):
        assert control not in output


def test_a_diagnosis_is_told_of(models_module: str) -> None:
    lines, output = heard(Clock(step=31.0), "diagnose", f"{models_module}:trained", "--data", "digits",
                          "--images", "9", "--epsilon", "0.1")  # fmt: skip
    assert any("diagnosing, L∞ ε = 0.1; check " in line and ", pass " in line for line in lines), output


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--method", "euler", "--pairs", "2", "--steps", "2", "--state-shape", "3"),
        ("train", "euler", "--set", "channels=2", "--set", "hidden=2", "--epochs", "1"),
    ],
)
def test_other_commands_are_told_of(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines, output = heard(Clock(step=31.0), *arguments)
    assert lines, output
    assert "\x1b" not in output


def test_radii_of_a_certificate_are_printed_as_they_are_settled(checkpoint: Path) -> None:
    lines, output = heard(
        Clock(step=31.0), "certify", str(checkpoint), "--epsilon", "0.02,0.001",
        "--method", "local", "--images", "3",
    )  # fmt: skip
    assert any("local, radius " in line and " of at most 10, " in line for line in lines), output
    assert output.index("L2 ε = 0.001: certified accuracy ≥") < output.index("L2 ε = 0.02: certified accuracy ≥")
