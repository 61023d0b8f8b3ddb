"""N2: no measured growth exceeds a bound from upper constants."""

from collections.abc import Sequence

from natrob_empirical.claims.claim import Claim, Evidence
from natrob_empirical.claims.judgement import Judgement, Source, no_evidence
from natrob_empirical.claims.network_numbers import ENOUGH
from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.display.text import measured
from natrob_empirical.evidence.run import Model, Run
from natrob_empirical.records import BoundCheckSummary


def _judge(evidence: Evidence) -> Judgement:
    # One network may stand in several runs: it counts once.
    found = {
        (run.dataset, run.seed, model.label, check.model_dump_json()): (run, model, check)
        for run in evidence.runs
        for model in run.models
        for check in (model.theory.bound_checks if model.theory else ())
        if check.kind == "upper"
    }
    checks = list(found.values())
    compared, broken = sum(c.comparisons for *_, c in checks), sum(c.violations for *_, c in checks)
    models = {(run.dataset, run.seed, model.label) for run, model, _ in checks}
    kinds = dict.fromkeys((run.name, check.constant) for run, _, check in checks)
    sources = [Source(kind="records", name=name, says=_counted(checks, name, constant)) for name, constant in kinds]
    if compared < ENOUGH:
        return no_evidence(f"n too small to decide: {compared:,} comparisons of growth with a bound.", sources=sources)
    return Judgement(
        verdict=Verdict.REFUTED if broken else Verdict.REPRODUCED,
        reason=f"{measured(f'{broken:,} of {compared:,}')} comparisons of {len(models)} networks exceed their bound.",
        sources=sources,
    )


def _counted(checks: Sequence[tuple[Run, Model, BoundCheckSummary]], name: str, constant: str) -> str:
    """The comparisons of one run with one kind of bound."""
    own = [check for run, _, check in checks if (run.name, check.constant) == (name, constant)]
    return f"{constant}: {sum(c.violations for c in own):,} of {sum(c.comparisons for c in own):,} exceeded"


CLAIM = Claim(
    id="N2",
    statement="Measured growth of a perturbation never exceeds a bound computed from upper constants.",
    place="natrob",
    rule=(
        "Every pair of images is compared with its bound after every step, with rounding allowed for.",
        f"Reproduced: 0 of {ENOUGH:,} comparisons or more exceed it. Refuted: one does.",
    ),
    judge=_judge,
    replay="natrob bench --preset quick",
)
