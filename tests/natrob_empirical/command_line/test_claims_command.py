"""`natrob claims` judges folders or what comes with the package, and says what it left out, without torch."""

import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from console_runner import natrob, text_of
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text
from synthetic_runs import attack, proof, theory, write_folder, write_proofs

from natrob_empirical.claims import Claim, Evidence, Judgement, Ledger, Source, Verdict, ledger
from natrob_empirical.claims.ledger import Entry, all_claims
from natrob_empirical.command_line.claims_command import print_claim, print_ledger
from natrob_empirical.display.text import measured
from natrob_empirical.records import Number

DECIDED = (proof(), proof("proofs/coq/theorem_3_1.v"))


def entry(verdict: Verdict, claim_id: str = "N99") -> Entry:
    """A claim whose verdict rests on a made-up proof."""
    reason = f"It holds in {measured('7 of 9')} comparisons, and {' and '.join(['again'] * 20)} it is said."
    judged = Judgement(
        verdict=verdict,
        reason=reason,
        attacked=Number(value=0.1234, kind="upper", n=200, source="PGD-40"),
        certified=Number(value=0.0456, kind="lower", n=200, source="global"),
        sources=[Source(kind="proof", name="proofs/symbolic/x.py", says="proved as stated")],
    )
    statement = "A small step makes the network robust, whatever the attack, the norm and the radius are."
    claim = Claim(id=claim_id, statement=statement, place="(10)", rule=("Proved: by x.",), judge=lambda _: judged,
                  replay="make proofs", paper="97.48 %")  # fmt: skip
    return Entry(claim=claim, judgement=judged)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "mine", theory(), attack())


@pytest.fixture
def proofs(tmp_path: Path) -> Path:
    return write_proofs(tmp_path / "proofs.json", *DECIDED)


def test_folders_and_proofs_decide_the_verdicts(folder: Path, proofs: Path) -> None:
    text = text_of(natrob("claims", str(folder), "--proofs", str(proofs)))
    assert "T2 ✓ proved After n steps" in text
    assert "measured growth exceeded it in 0 of 640 comparisons." in text
    assert f"From 2 records of 1 runs ({folder}), 2 proofs ({proofs})" in text
    broken = write_folder(folder, theory(violations=3))
    assert "exceeded it in 3 of 640" in text_of(natrob("claims", str(broken), "--proofs", str(proofs)))


def test_without_a_folder_the_packaged_evidence_is_read() -> None:
    result = natrob("claims")
    assert result.exit_code == 0
    assert "runs (with natrob)" in text_of(result)
    assert all(claim.id in result.output for claim in all_claims())


def test_json_has_every_claim_with_its_evidence_and_the_notes(folder: Path, proofs: Path) -> None:
    write_folder(folder, theory(seed=1))
    (folder / "records" / "broken.json").write_text("{", encoding="utf-8")
    result = natrob("claims", str(folder), "--proofs", str(proofs), "--json")
    found = json.loads(result.stdout)
    assert [claim["id"] for claim in found["claims"]] == [claim.id for claim in all_claims()]
    (second,) = [claim for claim in found["claims"] if claim["id"] == "T2"]
    assert second["verdict"] == "proved"
    assert second["evidence"][0] == {"kind": "proof", "name": DECIDED[0].path, "says": "proved as stated"}
    assert {"statement", "reason", "replay", "rule", "paper"} <= set(second)
    assert found["notes"][0] == "2 runs (2 seeds), each judged apart and never averaged."
    assert found["notes"][1].startswith("Left out: broken.json")


def test_one_claim_is_shown_in_full(folder: Path, proofs: Path) -> None:
    text = text_of(natrob("claims", str(folder), "--proofs", str(proofs), "--only", "t2"))
    for part in ("place: (10)", "rule: Refuted:", "proof: proofs/coq/theorem_3_1.v: proved", "again by: make proofs"):
        assert part in text
    one = json.loads(natrob("claims", str(folder), "--only", "T2", "--json").stdout)
    assert [claim["id"] for claim in one["claims"]] == ["T2"]


def test_an_unknown_claim_brings_near_names() -> None:
    result = natrob("claims", "--only", "T22")
    assert result.exit_code == 2
    assert "error: unknown claim 'T22'; did you mean" in text_of(result)
    assert "T2" in text_of(result)


def test_bad_input_is_one_line(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    other = tmp_path / "other.json"
    other.write_text("[1]", encoding="utf-8")
    for arguments, said in (
        (["nowhere"], "error: `RECORDS` must be folders, got nowhere"),
        ([str(tmp_path / "empty")], "error: `RECORDS` must hold at least one record that can be read, got none"),
        ([str(folder), "--proofs", str(other)], "error: other.json must hold what `python -m proofs --json FILE`"),
        ([str(folder), "--proofs", str(tmp_path / "no.json")], "No such file or directory"),
        ([str(folder), "--write", str(tmp_path / "no" / "e.json")], "No such file or directory"),
    ):
        result = natrob("claims", *arguments)
        assert result.exit_code == 2
        assert said in text_of(result)
        assert len(result.output.splitlines()) == 1


def test_what_is_left_out_is_named_and_stays_where_it_is(folder: Path) -> None:
    broken = folder / "records" / "broken.json"
    broken.write_text("{", encoding="utf-8")
    assert "Note Left out: broken.json (1 problem" in text_of(natrob("claims", str(folder)))
    assert broken.read_text(encoding="utf-8") == "{"


def test_write_packs_records_and_proofs(folder: Path, proofs: Path, tmp_path: Path) -> None:
    file = tmp_path / "evidence.json"
    result = natrob("claims", str(folder), "--proofs", str(proofs), "--write", str(file))
    assert text_of(result).startswith(f"wrote {file}: 2 records of 1 runs")
    content = json.loads(file.read_text(encoding="utf-8"))
    assert [len(content["records"]["mine"]), len(content["proofs"])] == [2, 2]


def test_a_claim_without_a_rule_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"`rule` of the claim 'N99' must not be empty: it needs a rule"):
        replace(entry(Verdict.PROVED).claim, rule=())
    monkeypatch.setattr(ledger, "_ROOMS", (ledger.own, __import__("natrob_empirical.names").names))
    all_claims.cache_clear()
    try:
        result = natrob("claims")
    finally:
        monkeypatch.undo()
        all_claims.cache_clear()
    assert result.exit_code == 2
    assert "must hold a `CLAIM`, got None" in text_of(result)


def drawn(width: int, *, terminal: bool) -> tuple[list[str], list[str]]:
    """The ledger of every verdict and one claim in full, as lines."""
    entries = tuple(entry(verdict, f"N{place}") for place, verdict in enumerate(Verdict, 1))
    found = Ledger(entries=entries, evidence=Evidence(runs=(), proofs={}, notes=("A note. " * 20,)))
    lines = []
    for draw in (lambda c: print_ledger(found, c, origin="nowhere " * 20), lambda c: print_claim(entries[0], c)):
        stream = io.StringIO()
        draw(Console(file=stream, width=width, force_terminal=terminal, highlight=False))
        lines.append(stream.getvalue().splitlines())
    return lines[0], lines[1]


@pytest.mark.parametrize("width", [80, 120])
def test_every_line_fits_the_terminal(width: int) -> None:
    for lines in drawn(width, terminal=True):
        assert max(cell_len(Text.from_ansi(line).plain) for line in lines) <= width


def test_off_a_terminal_a_claim_is_one_plain_line_with_its_verdict() -> None:
    whole, one = drawn(80, terminal=False)
    for place, verdict in enumerate(Verdict, 1):
        (line,) = [line for line in whole if line.startswith(f"N{place} ")]
        assert f"{verdict.sign} {verdict.words}  A small step" in line
    assert "\x1b" not in "".join(whole + one)
    assert any("It holds in 7 of 9 comparisons" in line for line in whole)
    assert any("All" in line and "✗ not reproduced 1" in line for line in whole)
    assert "     attacked at most: 0.124 (upper, n = 200)" in one
    assert "     certified at least: 0.045 (lower, n = 200)" in one


def test_verdicts_have_colours_on_a_terminal() -> None:
    whole, _ = drawn(120, terminal=True)
    text = "\n".join(whole)
    assert "\x1b[31m✗ refuted (counterexample)" in text
    assert "\x1b[32m✓ proved" in text


def test_torch_is_not_imported() -> None:
    code = "import sys; from natrob_empirical.command_line import main; sys.argv = ['natrob', 'claims', '--json']\n"
    code += "try: main()\nexcept SystemExit: pass\n"
    code += "print([name for name in ('torch', 'matplotlib', 'altair', 'sklearn') if name in sys.modules])"
    root = Path(sys.modules["natrob_empirical"].__file__ or "").parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(root)}, capture_output=True, check=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
