import json
from pathlib import Path

import pytest
from synthetic_runs import attack, theory, write_folder

from natrob_empirical.evidence.folders import read_folders


def altered(folder: Path, name: str, **changes: object) -> Path:
    """A copy of the folder's first record with these fields changed."""
    first = min((folder / "records").glob("*.json"))
    path = folder / "records" / name
    path.write_text(json.dumps({**json.loads(first.read_text(encoding="utf-8")), **changes}), encoding="utf-8")
    return path


def test_a_folder_that_mixes_runs_is_parted_and_said_so(tmp_path: Path) -> None:
    one = write_folder(tmp_path / "one", theory(), theory(seed=1), theory(dataset="mnist"), theory(preset="cpu"))
    other = write_folder(tmp_path / "other", theory())
    found = read_folders([one, other])
    assert len(found.runs) == 5
    assert found.notes == (
        "5 runs (2 folders, 2 data sets, 2 presets and 2 seeds), each judged apart and never averaged.",
    )


def test_one_run_needs_no_note_and_counts_once(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "one", theory(), attack())
    found = read_folders([folder, folder])
    assert [(r.source, len(r.records)) for r in found.runs] == [("one", 2)]
    assert found.notes == ()
    assert read_folders([folder / "records"]) == found


def test_older_records_of_a_cell_are_counted(tmp_path: Path) -> None:
    newer = attack(left=0.4, created="2026-02-01T00:00:00+00:00", settings={"changed": 1})
    folder = write_folder(tmp_path, attack(left=0.9), newer)
    assert read_folders([folder]).notes == ("1 older records of the same cells or models do not count.",)


def test_a_corrupt_record_is_named_and_neither_moved_nor_changed(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, theory())
    broken = folder / "records" / "broken.json"
    broken.write_text('{"cell": ', encoding="utf-8")
    before = sorted(folder.rglob("*"))
    found = read_folders([folder])
    assert [each.name for each in found.unread] == ["broken.json"]
    assert found.notes[0].startswith("Left out: broken.json (1 problem(s), first at the file: Invalid JSON")
    assert sorted(folder.rglob("*")) == before
    assert broken.read_text(encoding="utf-8") == '{"cell": '


def test_a_record_of_a_newer_schema_is_called_that(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, theory())
    altered(folder, "newer.json", schema_version=7, something_new=1)
    assert read_folders([folder]).notes == (
        "Left out: newer.json (schema version 7, written by a newer natrob; this one reads up to 1).",
    )


def test_a_field_that_does_not_belong_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, theory())
    altered(folder, "other.json", extra=1)
    assert "first at extra: Extra inputs are not permitted" in read_folders([folder]).notes[0]


def test_bytes_that_are_no_text_and_a_folder_in_place_of_a_record_are_left_out(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, theory())
    (folder / "records" / "bytes.json").write_bytes(b"\xff\xfe")
    (folder / "records" / "folder.json").mkdir()
    assert [each.name for each in read_folders([folder]).unread] == ["bytes.json", "folder.json"]


def test_a_path_that_is_no_folder_and_a_folder_without_records_are_errors(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match=r"`RECORDS` must be folders, got .*nothing"):
        read_folders([tmp_path / "nothing"])
    with pytest.raises(ValueError, match=r"at least one record that can be read, got none$"):
        read_folders([tmp_path])
    (tmp_path / "broken.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ValueError, match=r"got none; left out: broken.json \(1 problem"):
        read_folders([tmp_path])
