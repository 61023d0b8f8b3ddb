"""Rules that read a claim's verdict off the proofs that decide it."""

from collections.abc import Callable, Mapping
from typing import Final

from natrob_empirical.claims.claim import Evidence, Rule
from natrob_empirical.claims.judgement import Judgement, Source, no_evidence
from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.evidence.proofs import ProofOutcome, ProofVerdict

VERDICTS: Final[Mapping[ProofVerdict, Verdict]] = {
    "proved as stated": Verdict.PROVED,
    "proved for every h": Verdict.PROVED,
    "proved only for linear f": Verdict.PROVED_IF,
    "repaired": Verdict.PROVED_IF,
    "refuted with a counterexample": Verdict.REFUTED,
}


def by_proofs(decided_by: str, *, reason: Callable[[Evidence], str], and_by: tuple[str, ...] = ()) -> Rule:
    """Makes the rule: the first proof's verdict is the claim's, once it and all others of the list are checked.

    Args:
        decided_by: path of the proof whose verdict counts.
        reason: the sentence with its number; it may read records too.
        and_by: further proofs that must be checked.
    """

    def judge(evidence: Evidence) -> Judgement:
        found = proofs_of(evidence, decided_by, *and_by)
        if isinstance(found, Judgement):
            return found
        return Judgement(
            verdict=VERDICTS[found[0].verdict], reason=reason(evidence), sources=[source_of(proof) for proof in found]
        )

    return judge


def proofs_of(evidence: Evidence, *paths: str) -> list[ProofOutcome] | Judgement:
    """Returns the outcomes of these proofs, or the judgement that one of them is missing or failed."""
    missing = [path for path in paths if path not in evidence.proofs]
    if missing:
        return no_evidence(f"No outcome of {missing[0]} is at hand.")
    found = [evidence.proofs[path] for path in paths]
    failed = [proof for proof in found if not proof.passed]
    if failed:
        return no_evidence(f"The proof {failed[0].path} was not checked.", sources=[source_of(p) for p in found])
    return found


def source_of(proof: ProofOutcome) -> Source:
    """The proof as a source of a judgement."""
    return Source(kind="proof", name=proof.path, says=proof.verdict if proof.passed else "failed")
