"""T15: whether the bound on a Neural ODE's output says anything at the paper's horizons."""

import math
from typing import Final

from natrob_empirical.claims.claim import Claim, Evidence
from natrob_empirical.claims.judgement import Judgement, Source, no_evidence
from natrob_empirical.claims.proof_rules import VERDICTS, proofs_of, source_of
from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.display.formatting import format_number, superscript
from natrob_empirical.display.text import measured
from natrob_empirical.paper import DATASETS, table_a1

TIMES: Final = tuple(table_a1(name).stop_time - table_a1(name).start_time for name in DATASETS)
LARGEST_GROWTH: Final = 10
"""Beyond it a bound is called vacuous, as in proofs/symbolic/vacuous_horizons.py."""
_TIMES: Final = " and ".join(map(str, TIMES))


def _judge(evidence: Evidence) -> Judgement:
    proofs = proofs_of(evidence, "proofs/symbolic/vacuous_horizons.py")
    if isinstance(proofs, Judgement):
        return proofs
    if VERDICTS[proofs[0].verdict] is not Verdict.PROVED:
        return no_evidence("No proof says from which K on the bound is vacuous.", sources=[source_of(proofs[0])])
    # A sampled K is a lower bound, and so is the exponential of it.
    found = [
        (model.theory.field_lipschitz_lower.value, model.theory.total_time, f"{run.name}: {model.label}")
        for run in evidence.runs
        for model in run.models
        if model.is_neural_ode and model.plain and model.theory and model.theory.field_lipschitz_lower
        if model.theory.total_time in TIMES
    ]
    if not found:
        return no_evidence(
            f"No naturally trained Neural ODE with T = {_TIMES} is on record.", sources=[source_of(proofs[0])]
        )
    lower, time, name = min(found, key=lambda each: (each[0] * each[1], each))
    shown = measured(format_number(lower, kind="lower"))
    sources = [source_of(proofs[0]), Source(kind="records", name=name, says=f"T = {time:g}, K at least {shown}")]
    if lower * time <= math.log(LARGEST_GROWTH):
        return no_evidence(
            f"A sampled K of {shown} decides nothing at T = {time:g}: the true one is larger.", sources=sources
        )
    growth = measured(f"10{superscript(math.floor(lower * time / math.log(10)))}")
    return Judgement(
        verdict=Verdict.VACUOUS,
        reason=f"At T = {time:g} the bound allows growth of at least {growth}, since trained networks have a Lipschitz "
        f"constant of at least {shown}.",
        sources=sources,
    )


CLAIM = Claim(
    id="T15",
    statement="Thanks to the bound a Neural ODE’s output cannot change too much, so it is naturally robust.",
    place="abstract, 3.2, 5",
    paper=f"T = {_TIMES}; e^{{KT}} itself is not evaluated",
    rule=(
        f"Vacuous: at the paper’s T = {_TIMES} e^{{KT}} exceeds {LARGEST_GROWTH} for the smallest K sampled in a "
        "naturally trained Neural ODE.",
        "A sampled K is a lower bound, so a smaller one decides nothing: no evidence.",
    ),
    judge=_judge,
    replay="python -m proofs --only symbolic && natrob report table1 --preset cpu",
)
