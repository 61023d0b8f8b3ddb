"""Rules that read a claim's verdict off the proofs that decide it, and hold it against what was measured."""

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Final

from natrob_empirical.claims.claim import Evidence, Rule
from natrob_empirical.claims.judgement import Judgement, Source, no_evidence
from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.display.text import measured
from natrob_empirical.evidence.proofs import ProofOutcome, ProofVerdict

VERDICTS: Final[Mapping[ProofVerdict, Verdict]] = {
    "proved as stated": Verdict.PROVED,
    "proved for every h": Verdict.PROVED,
    "proved only for linear f": Verdict.PROVED_IF,
    "repaired": Verdict.PROVED_IF,
    "refuted with a counterexample": Verdict.REFUTED,
}
_OPPOSITE: Final = {Verdict.PROVED: Verdict.REFUTED, Verdict.REFUTED: Verdict.PROVED}


def by_proofs(
    decided_by: str,
    *,
    reason: str | Callable[[Evidence], str],
    and_by: tuple[str, ...] = (),
    fails_without: tuple[str, ...] = (),
    of_the_opposite: bool = False,
) -> Rule:
    """Makes the rule: the verdict is what the proofs say, once all are checked and agree.

    Args:
        decided_by: path of the proof whose verdict counts.
        reason: the sentence with its number.
        and_by: further proofs of the same; where one says something else, nothing is decided.
        fails_without: proofs about the claim without its conditions. One that refutes makes "proved only if".
        of_the_opposite: whether the proofs prove what the claim denies, so that "proved" refutes it.
    """

    def judge(evidence: Evidence) -> Judgement:
        found = proofs_of(evidence, decided_by, *and_by, *fails_without)
        if isinstance(found, Judgement):
            return found
        sources = [source_of(proof) for proof in found]
        verdicts = [VERDICTS[proof.verdict] for proof in found]
        deciding, without = verdicts[: 1 + len(and_by)], verdicts[1 + len(and_by) :]
        verdict = deciding[0]
        if len(set(deciding)) > 1:
            return no_evidence("The proofs of this claim do not agree.", sources=sources)
        if without and verdict is not Verdict.REFUTED:
            verdict = Verdict.PROVED_IF if Verdict.REFUTED in without else Verdict.PROVED
        verdict = _OPPOSITE.get(verdict, verdict) if of_the_opposite else verdict
        words = reason if isinstance(reason, str) else reason(evidence)
        return Judgement(verdict=verdict, reason=words, sources=sources)

    return judge


def held_against_growth(rule: Rule, networks: Collection[str], step_size: float | None = None) -> Rule:
    """Makes the rule that adds measured growth under the proved bound to a reason; one excess, and nothing is decided.

    Args:
        rule: which judges by proofs.
        networks: whose bound checks count, by class.
        step_size: of these networks; any unless told.
    """

    def judge(evidence: Evidence) -> Judgement:
        judged = rule(evidence)
        # One network may stand in several runs: it counts once.
        checks = {
            (run.dataset, run.seed, model.label, check.model_dump_json()): (f"{run.name}: {model.label}", check)
            for run in evidence.runs
            for model in run.models
            if model.theory and model.network in networks and step_size in {None, model.theory.step_size}
            for check in model.theory.bound_checks
            if check.kind == "upper"
        }.values()
        compared = sum(check.comparisons for _, check in checks)
        if judged.verdict is Verdict.NO_EVIDENCE or not compared:
            return judged
        broken = sum(check.violations for _, check in checks)
        says = f"measured growth exceeded it in {measured(f'{broken:,} of {compared:,}')} comparisons."
        names = {name: f"{check.comparisons:,} comparisons" for name, check in checks}
        sources = [*judged.sources, *(Source(kind="records", name=name, says=says) for name, says in names.items())]
        if broken:
            return no_evidence(f"The bound is proved, but {says}", sources=sources)
        return dataclasses.replace(judged, reason=f"{judged.reason.rstrip('.')}; {says}", sources=sources)

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
