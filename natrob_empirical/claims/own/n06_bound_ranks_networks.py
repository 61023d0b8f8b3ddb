"""N6: does the bound on growth rank networks by the accuracy that attacks leave?"""

from natrob_empirical.claims.claim import Claim, Evidence
from natrob_empirical.claims.judgement import Judgement, Source, no_evidence
from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.display.formatting import format_number, format_p
from natrob_empirical.display.text import measured
from natrob_empirical.evidence.ranking import FEWEST_MODELS, ranking
from natrob_empirical.statistics.p_values import SIGNIFICANCE, holm_adjusted


def _judge(evidence: Evidence) -> Judgement:
    found = [(run, ranked, ranked.correlation) for run in evidence.runs if (ranked := ranking(run)) is not None]
    told = [(run, ranked, rho) for run, ranked, rho in found if rho is not None]
    if not told:
        return no_evidence(f"No run attacks {FEWEST_MODELS} networks with growth bounds in the same way.")
    adjusted = holm_adjusted([rho.p_value for *_, rho in told])
    ranked = [p <= SIGNIFICANCE and rho.rho < 0 for (*_, rho), p in zip(told, adjusted, strict=True)]
    best = min(rho.rho for *_, rho in told)
    counted = f"{sum(ranked)} of {len(told)}"
    return Judgement(
        verdict=Verdict.REPRODUCED if all(ranked) else Verdict.NOT_REPRODUCED,
        reason=f"Beyond chance in {measured(counted)} runs; the strongest rank correlation is "
        f"{measured(format_number(best))} (1 run, −1 would be perfect).",
        sources=[
            Source(
                kind="records",
                name=f"{run.name}, {each.norm} ε = {each.epsilon:g}",
                says=f"ρ = {rho.rho:.2f} over {rho.n} networks, {format_p(p)} (Holm)",
            )
            for (run, each, rho), p in zip(told, adjusted, strict=True)
        ],
    )


CLAIM = Claim(
    id="N6",
    statement="The bound on how far perturbations grow ranks networks by their accuracy under attack.",
    place="natrob",
    rule=(
        f"In each run with {FEWEST_MODELS} networks or more: Spearman’s ρ of growth bound and accuracy left, permuted.",
        "The accuracy is that under all common attacks, at the budget whose mean is nearest to one half.",
        "Reproduced: ρ is below 0 beyond chance in every run (p ≤ 0.05, Holm). Not reproduced: in one it is not.",
        "A network that classifies under 50 % of its clean images rightly has not learned and does not count.",
    ),
    judge=_judge,
    replay="natrob bench --preset quick",
)
