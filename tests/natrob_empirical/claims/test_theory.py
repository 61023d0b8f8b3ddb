"""T1 to T16 are judged by proofs and records, and change with them."""

from functools import cache
from typing import Any

import pytest
from synthetic_runs import attack, evidence, number, proof, theory

from natrob_empirical.claims import Evidence, Judgement, all_claims
from natrob_empirical.claims.theory.t07_theorem_3_2 import ONE_STEP, WEIGHTS
from natrob_empirical.display.text import measured_values, plain
from natrob_empirical.evidence.proofs import ProofOutcome, ProofVerdict
from natrob_empirical.records import CellRecord
from natrob_theory.checks.increment_witnesses import one_step_witness
from natrob_theory.tableaus import DOPRI5
from proofs.catalogue import coq_proofs, symbolic_proofs

CLAIMS = {claim.id: claim for claim in all_claims() if claim.id.startswith("T")}
BY_PROOFS = {
    "T1": "proved", "T2": "proved", "T3": "proved", "T4": "refuted", "T5": "proved", "T6": "refuted",
    "T7": "proved_if", "T8": "refuted", "T9": "proved_if", "T10": "proved_if", "T11": "refuted", "T12": "proved",
    "T13": "refuted", "T14": "refuted",
}  # fmt: skip
SETTLED = {**BY_PROOFS, "T15": "vacuous"}


@cache
def outcomes() -> tuple[ProofOutcome, ...]:
    """Every proof of the repository as if it had been checked, with the verdict that its file states."""
    return tuple(proof(each.path, each.claim.verdict.value) for each in (*symbolic_proofs(), *coq_proofs()))


def ode(sampled: float = 0.3, time: float = 100.0, **changes: Any) -> CellRecord:
    """A Neural ODE with a K of at least `sampled`."""
    lower = number(sampled, "lower", 48)
    return theory("ODE", network="neural_ode", total_time=time, field_lipschitz_lower=lower, **changes)


def judged(claim: str, *records: CellRecord, proofs: tuple[ProofOutcome, ...] | None = None) -> Judgement:
    return CLAIMS[claim].judge(evidence(*records, proofs=outcomes() if proofs is None else proofs))


def proofs_behind(claim: str) -> list[str]:
    return [source.name for source in judged(claim, ode()).sources if source.kind == "proof"]


def with_one(path: str, verdict: ProofVerdict | None = None, **changes: Any) -> tuple[ProofOutcome, ...]:
    """All proofs, one of them with another outcome."""
    return tuple(proof(path, verdict or each.verdict, **changes) if each.path == path else each for each in outcomes())


PAIRS = [(claim, path) for claim in SETTLED for path in proofs_behind(claim)]


def test_every_claim_of_the_paper_on_theory_has_a_file() -> None:
    assert list(CLAIMS) == [f"T{n}" for n in range(1, 17)]


@pytest.mark.parametrize("claim", CLAIMS)
def test_statement_rules_and_reason_have_at_most_25_words(claim: str) -> None:
    full = evidence(ode(), *FIGURE_1, *grown("resnet"), *grown("polynet"), proofs=outcomes())
    for found in (full, Evidence(runs=full.runs, proofs={}), Evidence(runs=(), proofs=full.proofs)):
        assert len(plain(CLAIMS[claim].judge(found).reason).split()) <= 25
    assert max(len(text.split()) for text in (CLAIMS[claim].statement, *CLAIMS[claim].rule)) <= 25


@pytest.mark.parametrize("claim", SETTLED)
def test_the_verdict_is_what_the_checked_proofs_say(claim: str) -> None:
    found = judged(claim, ode())
    assert found.verdict == SETTLED[claim]
    assert measured_values(found.reason)


@pytest.mark.parametrize("claim", CLAIMS)
def test_without_proofs_and_records_there_is_no_evidence(claim: str) -> None:
    assert CLAIMS[claim].judge(Evidence(runs=(), proofs={})).verdict == "no_evidence"


@pytest.mark.parametrize(("claim", "path"), PAIRS)
def test_a_proof_that_fails_or_is_gone_leaves_no_evidence(claim: str, path: str) -> None:
    assert judged(claim, ode(), proofs=with_one(path, failure="not identical")).verdict == "no_evidence"
    gone = tuple(each for each in outcomes() if each.path != path)
    assert judged(claim, ode(), proofs=gone).verdict == "no_evidence"


@pytest.mark.parametrize(("claim", "path"), PAIRS)
def test_another_verdict_of_a_proof_is_another_verdict_of_the_claim(claim: str, path: str) -> None:
    refuted = next(each for each in outcomes() if each.path == path).verdict.startswith("refuted")
    other: ProofVerdict = "proved as stated" if refuted else "refuted with a counterexample"
    # T9 has two conditions: where one is not needed, the other still is.
    unchanged = judged(claim, ode(), proofs=with_one(path, other)).verdict == SETTLED[claim]
    assert unchanged == (claim == "T9" and refuted)


@pytest.mark.parametrize("claim", ["T7", "T9", "T10"])
def test_a_claim_that_holds_without_its_conditions_is_proved(claim: str) -> None:
    unconditional = tuple(
        proof(each.path, "proved as stated") if each.verdict.startswith("refuted") else each for each in outcomes()
    )
    assert judged(claim, proofs=unconditional).verdict == "proved"


@pytest.mark.parametrize(
    ("claim", "opposite"), [("T2", "refuted"), ("T6", "proved"), ("T9", "refuted"), ("T11", "proved")]
)
def test_proofs_that_all_say_the_opposite_turn_the_verdict(claim: str, opposite: str) -> None:
    turned = tuple(
        proof(each.path, "proved as stated" if each.verdict.startswith("ref") else "refuted with a counterexample")
        for each in outcomes()
    )
    assert judged(claim, proofs=turned).verdict == opposite


def grown(network: str, *, violations: int = 0, step_size: float = 1.0, preset: str = "fig1-cpu") -> list[CellRecord]:
    return [theory(network, network=network, step_size=step_size, violations=violations, preset=preset)]


@pytest.mark.parametrize(("claim", "network"), [("T2", "resnet"), ("T11", "revnet")])
def test_measured_growth_stands_in_the_reason_and_an_excess_leaves_nothing_decided(claim: str, network: str) -> None:
    held = judged(claim, *grown(network), *grown(network, preset="fig2-cpu"))
    assert "0 of 640" in measured_values(held.reason)  # the same network in two runs counts once
    assert held.verdict == SETTLED[claim]
    broken = judged(claim, *grown(network, violations=3))
    assert (broken.verdict, measured_values(broken.reason)) == ("no_evidence", ["3 of 640"])


def test_skip_networks_are_measured_at_step_size_1() -> None:
    assert judged("T11", *grown("revnet", step_size=0.25, violations=3)).verdict == "refuted"


def test_the_constants_of_dopri5_are_those_of_its_tableau() -> None:
    assert sum(map(abs, DOPRI5.b)) == WEIGHTS
    assert one_step_witness(DOPRI5).growth == ONE_STEP


def test_the_bound_is_vacuous_by_the_smallest_sampled_k() -> None:
    found = judged("T15", ode(0.3), ode(0.2, seed=1))
    assert (found.verdict, measured_values(found.reason)) == ("vacuous", ["10⁸", "0.2"])  # e²⁰ = 4.9·10⁸


@pytest.mark.parametrize(
    "network",
    [ode(0.023), ode(0.3, time=10.0), ode(0.3, training="pgd"), theory(network="euler", total_time=100.0)],
    ids=["small K", "short time", "adversarially trained", "not a Neural ODE"],
)
def test_other_networks_decide_nothing_about_the_papers_horizons(network: CellRecord) -> None:
    assert judged("T15", network).verdict == "no_evidence"


def figure_1(
    *, last: float = 0.2, left: float = 0.3, n: int = 2_000, dataset: str = "cifar10", blocks: int = 9, **place: Any
) -> list[CellRecord]:
    """ResNets with h = 1, 0.01 and 10⁻¹⁰, the middle one attacked."""
    found = []
    for h, clean in ((1.0, 0.9), (0.01, 0.8), (1e-10, last)):
        settings = {"model": {"network": "resnet", "step_size": h, "step_placement": "after_norm", "blocks": blocks}}
        own = {"network": "resnet", "preset": "fig1-paper", "dataset": dataset, "settings": settings, **place}
        found.append(theory(f"h = {h:g}", step_size=h, clean_accuracy=number(clean, n=n), **own))
        if h == 0.01:
            settings = {"model": settings["model"]}
            found.append(attack(f"h = {h:g}", "FGSM", 0.1, left, n=n, **{**own, "settings": settings}))
    return found


FIGURE_1 = figure_1()


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "reproduced"),
        ({"last": 0.9}, "not_reproduced"),
        ({"left": 0.79}, "not_reproduced"),
        ({"n": 400}, "no_evidence"),
        ({"dataset": "mnist"}, "not_run"),
        ({"blocks": 3}, "not_run"),
    ],
)
def test_small_steps_are_judged_by_the_papers_network_on_its_images(changes: dict[str, Any], verdict: str) -> None:
    found = judged("T16", *figure_1(**changes))
    assert found.verdict == verdict
    if verdict == "reproduced":
        assert measured_values(found.reason) == ["0.900", "0.200", "0.300"]
        assert found.attacked is not None
        assert found.attacked.value == 0.3


def test_runs_that_disagree_about_small_steps_decide_nothing() -> None:
    assert judged("T16", *figure_1(), *figure_1(last=0.9, seed=1)).verdict == "no_evidence"
