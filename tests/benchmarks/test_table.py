import inspect
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.measurement import Row
from benchmarks.sections import SECTIONS
from benchmarks.table import HEADINGS, markdown_table, summary


def row(*, value: float, target: float | None) -> Row:
    return Row(
        section="solvers", case="‖y‖ of a|b", subject="NeuralODE", peer="peer 1.0", quantity="time / peer's",
        value=value, target=target, remark="1 ms / 2 ms",
    )  # fmt: skip


ROWS = [row(value=0.51234, target=0.5), row(value=0.4, target=0.5), row(value=1234.5, target=None)]


def test_each_row_is_a_line_and_a_missed_target_says_so() -> None:
    lines = markdown_table(ROWS).splitlines()
    assert lines[0] == "| " + " | ".join(HEADINGS) + " |"
    assert lines[2].endswith("| time / peer's | 0.512 | ≤ 0.5 | **missed** | 1 ms / 2 ms |")
    assert lines[3].endswith("| 0.4 | ≤ 0.5 | yes | 1 ms / 2 ms |")
    assert lines[4].endswith("| 1.23e+03 |  |  | 1 ms / 2 ms |")
    assert len(lines) == 5


def test_a_bar_in_a_cell_does_not_end_it() -> None:
    assert r"a\|b" in markdown_table(ROWS)


def test_the_summary_counts_rows_with_a_target() -> None:
    assert summary(ROWS) == "1 of 2 targets met."


@pytest.mark.parametrize("name", list(SECTIONS))
def test_every_section_has_rows(name: str) -> None:
    assert list(inspect.signature(SECTIONS[name]).parameters) == ["quick"]


def test_the_page_is_printed_and_written_only_where_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(SECTIONS, "fixed_steps", lambda quick: ROWS[: 1 if quick else 3])
    main(["--section", "fixed_steps"])
    printed = capsys.readouterr().out
    for part in ("hardware: ", "threads", "torch ", "torchode ", "commit: ", "seed: ", "1 of 2 targets met."):
        assert part in printed
    output = str(tmp_path / "deep" / "cpu.md")
    main(["--section", "fixed_steps", "--quick", "--output", output])
    page = Path(output).read_text(encoding="utf-8")
    assert page in capsys.readouterr().out
