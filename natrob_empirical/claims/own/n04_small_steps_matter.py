"""N4: with a one-sided constant μ the step size does matter, the paper's intuition repaired."""

from typing import Final

from natrob_empirical.claims.claim import Claim, Evidence
from natrob_empirical.claims.judgement import Judgement, Source, no_evidence
from natrob_empirical.claims.proof_rules import proofs_of, source_of
from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.display.formatting import format_number
from natrob_empirical.display.text import measured
from natrob_empirical.records import FieldGrowth, StepSizePoint

_ROUNDING: Final = 1e-6
"""Relative: the growth found is float64 arithmetic over many steps."""


def _judge(evidence: Evidence) -> Judgement:
    proofs = proofs_of(evidence, "proofs/symbolic/euler_one_sided.py", "proofs/coq/euler_one_sided.v")
    if isinstance(proofs, Judgement):
        return proofs
    fields = [(run, field) for run in evidence.runs if run.sweep for field in run.sweep.fields if _contracts(field)]
    sources = [*map(source_of, proofs), *(Source(kind="records", name=run.name, says=f.label) for run, f in fields)]
    if not fields:
        return no_evidence("No sweep over step sizes holds a field whose exact flow contracts.", sources=sources)
    ends = [(_coarse(field), min(field.points, key=lambda point: point.step_size)) for _, field in fields]
    coarse, fine = max(ends, key=lambda each: each[0].measured.value)
    grown = measured(format_number(coarse.measured.value, kind="lower"))
    bound = measured(format_number(_bound(fine), kind="upper"))
    reason = f"A contracting field multiplies a distance by {grown} or more at h = {format_number(coarse.step_size)}, "
    reason += f"by at most {bound} at {format_number(fine.step_size)}."
    verdict = Verdict.PROVED if coarse.measured.value > 1 >= _bound(fine) else Verdict.NOT_REPRODUCED
    if any(point.measured.value > _bound(point) * (1 + _ROUNDING) for _, field in fields for point in field.points):
        verdict = Verdict.REFUTED
    return Judgement(verdict=verdict, reason=reason, sources=sources)


def _contracts(field: FieldGrowth) -> bool:
    return bool(field.points) and field.exact_flow.value < 1


def _coarse(field: FieldGrowth) -> StepSizePoint:
    """The point whose step is nearest to 1, the residual network's; the coarser of two."""
    return min(field.points, key=lambda point: (abs(point.step_size - 1), -point.step_size))


def _bound(point: StepSizePoint) -> float:
    """The smallest upper bound."""
    bounds = (point.from_lipschitz, point.from_one_sided, point.from_gradient_flow)
    return min(bound.value for bound in bounds if bound is not None and bound.kind == "upper")


CLAIM = Claim(
    id="N4",
    statement="Small steps matter where the exact flow contracts: Euler’s method can expand at h = 1, not at small h.",
    place="natrob",
    paper="says so of every network, from K alone (3.1)",
    rule=(
        "Proved: both proofs of Euler’s bound from μ and K are checked, and a sweep shows both sides.",
        "One contracting field must be seen to expand at the step nearest to 1; its finest step’s bound is at most 1.",
        "Not reproduced: the sweep does not show it. Refuted: measured growth exceeds a bound of the sweep.",
    ),
    judge=_judge,
    replay="natrob bench --preset quick",
)
