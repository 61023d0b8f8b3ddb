"""The ledger's claims about experiments and natrob's own: complete, short, and empty-handed without evidence."""

from pathlib import Path

import pytest

from natrob_empirical.claims import Evidence, Ledger, Verdict, judge_all
from natrob_empirical.claims.headline import headline, tally
from natrob_empirical.display.text import measured_values, plain
from natrob_empirical.evidence.folders import read_folders

REPORTS = Path(__file__).parents[3] / "reports"
NOTHING = Evidence(runs=(), proofs={})


@pytest.fixture(scope="module")
def committed() -> Ledger:
    folders = sorted(place for place in REPORTS.iterdir() if (place / "records").is_dir())
    return judge_all(Evidence(runs=read_folders(folders).runs, proofs={}))


def of_experiments(ledger: Ledger) -> list[str]:
    return [entry.claim.id for entry in ledger.entries if entry.claim.id[0] in "EN"]


def test_every_claim_about_experiments_and_every_own_claim_is_there() -> None:
    expected = [f"E{number}" for number in range(1, 13)] + [f"N{number}" for number in range(1, 9)]

    assert of_experiments(judge_all(NOTHING)) == expected


def test_statements_rules_and_reasons_have_at_most_25_words(committed: Ledger) -> None:
    sentences = [entry.claim.statement for entry in committed.entries]
    sentences += [rule for entry in committed.entries for rule in entry.claim.rule]
    sentences += [e.judgement.reason for ledger in (committed, judge_all(NOTHING)) for e in ledger.entries]

    assert [text for text in sentences if len(plain(text).split()) > 25] == []


def test_without_evidence_nothing_is_decided_but_what_the_paper_alone_decides() -> None:
    decided = [e.claim.id for e in judge_all(NOTHING).entries
               if e.judgement.verdict not in {Verdict.NOT_RUN, Verdict.NO_EVIDENCE}]  # fmt: skip

    assert decided == ["N8"]


def test_the_committed_records_decide_the_claims_that_smaller_networks_can_decide(committed: Ledger) -> None:
    assert {committed[name].judgement.verdict for name in ("E3", "E4", "E5", "E8")} == {Verdict.NOT_RUN}
    assert committed["E12"].judgement.verdict == Verdict.NOT_REPRODUCED
    assert committed["N2"].judgement.verdict == committed["N3"].judgement.verdict == Verdict.REPRODUCED


def test_a_replay_of_a_smaller_network_is_named_with_its_bound(committed: Ledger) -> None:
    for name in ("E3", "E4", "E5", "E6", "E7", "E8"):
        found = committed[name].judgement

        assert "one of 16 channels keeps at most" in found.reason
        assert found.attacked is not None
        assert "16 channels" in found.attacked.source


def test_the_headline_is_one_short_sentence_with_one_measured_value(committed: Ledger) -> None:
    sentence = headline(committed)

    assert len(plain(sentence).split()) <= 25
    assert len(measured_values(sentence)) == 1
    assert "no evidence" in headline(judge_all(NOTHING))


def test_the_tally_counts_every_claim_once(committed: Ledger) -> None:
    assert sum(tally(committed).values()) == len(committed.entries)
