"""What changed between two sets of records: verdicts and the numbers of common cells."""

from pathlib import Path

from synthetic_runs import attack, evidence, proof, theory

from natrob_empirical.claims import judge_all
from natrob_empirical.reporting import comparison_page, write_page


def test_only_what_changed_is_shown(tmp_path: Path) -> None:
    proofs = [proof(path) for path in ("proofs/symbolic/discrete_bound.py", "proofs/coq/theorem_3_1.v")]
    before = evidence(theory("A"), attack("A", left=0.5), attack("A", "FGSM", left=0.6), theory("B"), proofs=proofs)
    now = evidence(theory("A"), attack("A", left=0.4), attack("A", "FGSM", left=0.6))
    page = comparison_page(("old", judge_all(before)), ("new", judge_all(now)))
    verdicts, numbers = page.tables
    assert ["T2", "proved", "no evidence"] in [[cell.text for cell in row[:3]] for row in verdicts.rows]
    assert [[cell.text for cell in row] for row in numbers.rows] == [
        ["A (digits, seed 0)", "kept under PGD-40 at L∞ ε = 0.1", "0.5", "0.4", "−0.1"]
    ]
    assert "are only in the first, 0 only in the second." in page.lead[1]
    html, markdown = write_page(page, tmp_path, "compare")
    assert 'aria-label="Pages"' in html.read_text()
    assert "old → new" in markdown.read_text()


def test_the_same_records_change_nothing() -> None:
    ledger = judge_all(evidence(theory("A"), attack("A")))
    page = comparison_page(("a", ledger), ("b", ledger))
    assert page.parts == ()
    assert page.lead[0] == "0 verdicts changed."
