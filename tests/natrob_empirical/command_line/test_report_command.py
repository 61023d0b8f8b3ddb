"""`natrob report` on folders of records: one site of many, one file, and comparisons; torch is not needed for them."""

import json
from pathlib import Path

from console_runner import natrob
from synthetic_runs import attack, table_1, theory, write_folder


def test_one_site_of_all_folders_in_a_folder(tmp_path: Path) -> None:
    write_folder(tmp_path / "runs" / "one", *table_1())
    write_folder(tmp_path / "runs" / "two", theory("A"))
    damaged = tmp_path / "runs" / "two" / "records" / "broken.json"
    damaged.write_text('{"schema_version": 99}')
    result = natrob("report", "--records", str(tmp_path / "runs"), "--output", str(tmp_path / "site"))
    assert result.exit_code == 0, result.output
    data = (tmp_path / "site" / "data.html").read_text()
    for text in (
        "one: table1-cpu on mnist, seed 0",
        "two: quick on digits, seed 0",
        "each judged apart",
        "broken.json",
    ):
        assert text in data
    assert damaged.exists()  # folders are read, never changed


def test_one_file(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "run", theory("A"))
    result = natrob("report", "--records", str(folder), "--output", str(tmp_path / "site"), "--single-file")
    assert result.exit_code == 0, result.output
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["index.html"]


def test_a_broken_bound_is_exit_code_1_after_the_site_is_written(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "run", theory("A", violations=1))
    result = natrob("report", "--records", str(folder), "--output", str(tmp_path / "site"))
    assert result.exit_code == 1
    assert "ALARM" in result.output
    assert (tmp_path / "site" / "index.html").is_file()


def test_two_folders_compared(tmp_path: Path) -> None:
    folders = [str(write_folder(tmp_path / name, attack("A", left=left))) for name, left in (("a", 0.5), ("b", 0.4))]
    result = natrob("report", "--compare", *folders, "--json")
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)["changed-numbers"]["rows"]
    assert row[2:4] == [0.5, 0.4]
    shown = natrob("report", "--compare", *folders, "--output", str(tmp_path / "out"))
    assert "1 of 1 numbers changed" in " ".join(shown.output.split())
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"compare.html", "compare.md"}


def test_what_cannot_be_read_or_written_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    folder = write_folder(tmp_path / "run", theory("A"))
    for arguments, message in (
        (("--records", str(tmp_path / "none")), "must be folders"),
        (("--records", str(tmp_path)), "at least one record"),
        (("--records", str(folder), "--output", str(file / "site")), "nothing can be written"),
    ):
        if arguments[1] == str(tmp_path):
            (folder / "records").rename(tmp_path / "moved")
        result = natrob("report", "--output", str(tmp_path / "site"), *arguments)
        assert result.exit_code == 2
        assert message in " ".join(result.output.split())
        if (tmp_path / "moved").exists():
            (tmp_path / "moved").rename(folder / "records")
