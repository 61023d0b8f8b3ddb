import json
from pathlib import Path

import pytest
from synthetic_runs import proof, write_proofs

from natrob_empirical.evidence.proofs import by_path, read_proofs


def test_outcomes_are_read_and_ordered_by_path(tmp_path: Path) -> None:
    given = [proof("proofs/symbolic/b.py", failure="x = y"), proof("proofs/coq/a.v", "repaired")]
    found = read_proofs(write_proofs(tmp_path / "proofs.json", *given))
    assert list(found) == given
    assert list(by_path(found)) == ["proofs/coq/a.v", "proofs/symbolic/b.py"]
    assert [outcome.passed for outcome in found] == [False, True]


@pytest.mark.parametrize(
    "content",
    ["{", "[]", "{}", '{"proofs": [{}]}', '{"proofs": "no"}', '{"proofs": null}', "\xff"],
)
def test_a_file_that_holds_something_else_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "proofs.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ValueError, match=r"proofs\.json must hold what `python -m proofs --json FILE` writes"):
        read_proofs(path)


def test_a_verdict_that_is_none_is_refused(tmp_path: Path) -> None:
    content = proof().model_dump() | {"verdict": "probably"}
    (tmp_path / "proofs.json").write_text(json.dumps({"proofs": [content]}), encoding="utf-8")
    with pytest.raises(ValueError, match="must hold"):
        read_proofs(tmp_path / "proofs.json")
    with pytest.raises(FileNotFoundError):
        read_proofs(tmp_path / "nothing.json")
