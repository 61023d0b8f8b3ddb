"""The evidence that comes with natrob is that of reports/, small, and judged alike."""

from pathlib import Path

import pytest
from synthetic_runs import attack, number, proof, sweep, table_1, theory, theory_refusal, write_folder

from natrob_empirical.claims import Evidence, judge_all
from natrob_empirical.evidence import packaged
from natrob_empirical.evidence.folders import RunsRead, UnreadFile, read_folders
from natrob_empirical.evidence.grouping import runs_of
from natrob_empirical.evidence.proofs import by_path, read_proofs

REPORTS = Path(__file__).parents[3] / "reports"
LATER = "2026-02-01T00:00:00+00:00"
MADE_UP = [
    *table_1(),
    theory("A", radii=(0.1, 0.2), growth_bound=number(float("inf"), "upper", None)),
    theory_refusal("B"),
    sweep(),
    attack("A", left=0.4),
    attack("A", left=0.5, created=LATER),
    attack("A", "FAB", distances=(0.0, 0.05, float("inf"))),
]


@pytest.fixture(scope="module")
def reports() -> RunsRead:
    return read_folders(sorted(REPORTS.glob("*/records")))


@pytest.fixture
def packed_as(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the package is made to read."""
    monkeypatch.setattr(packaged, "files", lambda _: tmp_path)
    return tmp_path / packaged.FILE


def test_the_packaged_evidence_is_that_of_reports(reports: RunsRead) -> None:
    packed = packaged.packed(reports, read_proofs(REPORTS / "proofs.json"))
    file = Path(packaged.__file__).with_name(packaged.FILE)
    assert file.read_text(encoding="utf-8") == packed, "run `make evidence`"


def test_the_packaged_evidence_gives_the_verdicts_of_reports(reports: RunsRead) -> None:
    proofs = by_path(read_proofs(REPORTS / "proofs.json"))
    own = packaged.packaged_runs()
    assert by_path(packaged.packaged_proofs()) == proofs
    assert own.notes == reports.notes
    ledgers = [judge_all(Evidence(runs=read.runs, proofs=proofs, notes=read.notes)) for read in (own, reports)]
    assert ledgers[0].to_json() == ledgers[1].to_json()
    reasons = [entry.judgement.reason for entry in ledgers[0].entries]
    assert [r for r in reasons if "No outcome of" in r or "do not agree" in r] == []


def test_what_is_packed_comes_back_as_the_same_runs_without_curves(packed_as: Path) -> None:
    read = RunsRead(runs=runs_of(MADE_UP, source="made-up"))
    packed_as.write_text(packaged.packed(read, [proof("b"), proof("a")]), encoding="utf-8")
    back = packaged.packaged_runs()
    assert packaged.packaged_proofs() == (proof("a"), proof("b"))
    assert [(r.name, len(r.records), len(r.superseded)) for r in back.runs] == [
        ("made-up: quick on digits, seed 0", 5, 1),
        ("made-up: table1-cpu on mnist, seed 0", 18, 0),
    ]
    kept = {"curves": [], "margins": None, "blocks": []}
    for run, own in zip(read.runs, back.runs, strict=True):
        expected = [
            r.model_copy(update={"result": r.result.model_copy(update=kept)}) if r.result.kind == "theory" else r
            for r in run.records
        ]
        assert list(own.records) == expected
    assert packaged.packed(back, packaged.packaged_proofs()) == packed_as.read_text(encoding="utf-8")


def test_what_stands_in_many_records_is_written_once() -> None:
    text = packaged.packed(RunsRead(runs=runs_of(MADE_UP)), ())
    assert text.count("Imaginary CPU") == 1
    assert text.count('"test_images":200') == 2  # the settings of two data sets


def test_evidence_with_holes_is_not_packed(tmp_path: Path) -> None:
    read = read_folders([write_folder(tmp_path, theory())])
    with pytest.raises(ValueError, match=r"every record must be readable to be packed, got x\.json \(broken\)"):
        packaged.packed(RunsRead(runs=read.runs, unread=(UnreadFile(name="x.json", reason="broken"),)), ())
    with pytest.raises(ValueError, match=r"a name of its own to be packed, got .* twice"):
        packaged.packed(RunsRead(runs=(*read.runs, *read.runs)), ())
