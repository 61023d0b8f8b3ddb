import json
from pathlib import Path
from unittest import mock

import pytest
from pydantic import ValidationError

from natrob_empirical.records import AttackResult, CellKey, CellRecord, Environment, Number, RecordStore, SampleOutcomes


def record(*, epsilon: float = 0.1, accuracy: float = 0.5) -> CellRecord:
    number = Number(value=accuracy, kind="upper", n=10, source="a test")
    return CellRecord(
        cell=CellKey(
            preset="quick",
            dataset="digits",
            model="ResNet, h = 1",
            network="euler",
            training="standard",
            seed=0,
            attack="PGD-10",
            norm="Linf",
            epsilon=epsilon,
        ),
        settings={"steps": 10},
        environment=Environment(
            natrob="0", python="3", torch="2", torchvision="0", torchdiffeq="0", platform="p", hardware="h",
            device="cpu", threads=1, commit="c", created="2026-01-01T00:00:00+00:00",
        ),
        result=AttackResult(
            accuracy=number,
            clean_accuracy=number,
            majority_share=0.1,
            largest_distance=0.1,
            mean_queries=1.0,
            mean_gradient_calls=1.0,
            seconds=1.0,
        ),
    )  # fmt: skip


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    store = RecordStore(tmp_path / "records")
    written = record(accuracy=float("inf"))
    path = store.write(written)
    assert store.read(written.cell, written.settings) == written
    assert store.read_all() == [written]
    json.loads(path.read_text(), parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))


def test_other_settings_are_another_record(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    written = record()
    store.write(written)
    assert store.read(written.cell, {"steps": 11}) is None
    assert store.read(record(epsilon=0.2).cell, written.settings) is None


@pytest.mark.parametrize("damage", ["half", "other schema", "unknown field", "bytes"])
def test_a_damaged_record_is_named_and_set_aside_unchanged(tmp_path: Path, damage: str) -> None:
    store = RecordStore(tmp_path)
    written = record()
    path = store.write(written)
    content = {
        "half": path.read_bytes()[:100],
        "other schema": path.read_bytes().replace(b'"schema_version": 1', b'"schema_version": 99'),
        "unknown field": path.read_bytes().replace(b'"settings"', b'"setings"'),
        "bytes": b"\xff\xfe\x00",
    }[damage]
    assert content != path.read_bytes()
    path.write_bytes(content)
    assert store.read(written.cell, written.settings) is None
    assert not path.exists()
    (aside,) = store.set_aside
    assert aside.path == path
    assert aside.moved_to.read_bytes() == content
    assert aside.reason
    store.write(written)
    path.write_bytes(b"{}")
    assert store.read_all() == []
    assert [p.name for p in sorted(tmp_path.iterdir())] == [f"{path.name}.unreadable", f"{path.name}.unreadable.2"]
    assert aside.moved_to.read_bytes() == content


def test_a_record_of_another_cell_is_set_aside(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    one, other = record(epsilon=0.1), record(epsilon=0.2)
    store.write(other).replace(store.path_of(one.cell, one.settings))
    assert store.read(one.cell, one.settings) is None
    assert store.set_aside[0].reason == "it holds the record of another cell"


def test_an_interrupted_write_leaves_the_old_record_and_no_rubbish(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    old = record()
    path = store.write(old)
    before = path.read_bytes()
    new = old.model_copy(update={"environment": old.environment.model_copy(update={"commit": "new"})})
    with mock.patch("os.fsync", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        store.write(new)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotADirectoryError, match=r"output folder .*file.*a file is in the way"):
        RecordStore(tmp_path / "file" / "records")


def test_a_folder_without_write_permission_is_named(tmp_path: Path) -> None:
    # Root may write everywhere, so the refusal is played rather than provoked.
    refusal = mock.patch("tempfile.TemporaryFile", side_effect=PermissionError("read-only"))
    with refusal, pytest.raises(PermissionError, match=f"no permission to write in the output folder {tmp_path}"):
        RecordStore(tmp_path)


def test_a_number_needs_its_kind() -> None:
    with pytest.raises(ValidationError, match="kind"):
        Number.model_validate({"value": 1.0, "kind": "about", "n": 1, "source": ""})


def outcomes(**changes: str) -> SampleOutcomes:
    given = {"outcomes": "wfk", "queries": "1 4 9", "gradient_calls": "0 2 7", "distances": "0.0 0.03 0.1"}
    return SampleOutcomes(**(given | changes))


def test_the_outcomes_of_images_are_read_as_they_were_written_and_joined_in_order() -> None:
    both = SampleOutcomes.joined([outcomes(), outcomes(outcomes="kkk")])
    assert both.outcomes == "wfkkkk"
    assert both.query_counts == [1, 4, 9, 1, 4, 9]
    assert both.gradient_counts == [0, 2, 7, 0, 2, 7]
    assert both.distance_values == [0.0, 0.03, 0.1, 0.0, 0.03, 0.1]
    assert SampleOutcomes.model_validate_json(both.model_dump_json()) == both
    assert len(both) == 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"outcomes": "wfx"}, "letters w, f and k, got 'x'"),
        ({"queries": "1 4"}, "`queries` must hold 3 entries, one an image, got 2"),
        ({"distances": "0.0 0.03 far"}, "far"),
    ],
)
def test_outcomes_that_are_not_one_an_image_are_refused(changes: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        outcomes(**changes)
