"""N7: does the growth of an image's perturbation tell whether an attack fools it?"""

from natrob_empirical.claims.claim import Claim, Evidence
from natrob_empirical.claims.judgement import Judgement, Source, no_evidence
from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.display.formatting import format_interval
from natrob_empirical.display.text import measured
from natrob_empirical.evidence.separation import separations

_FEWEST = 8


def _judge(evidence: Evidence) -> Judgement:
    found = [(run, each) for run in evidence.runs for each in separations(run)]
    networks = {(run.name, each.model) for run, each in found}
    if len(networks) < _FEWEST:
        return no_evidence(f"n too small to decide: {len(networks)} of {_FEWEST} networks with growth image by image.")
    above = sum(each.auroc.low > 0.5 for _, each in found)
    below = sum(each.auroc.high < 0.5 for _, each in found)
    holds = 2 * above >= len(found) and 20 * below <= len(found)
    return Judgement(
        verdict=Verdict.REPRODUCED if holds else Verdict.NOT_REPRODUCED,
        reason=f"Fooled images grow more beyond chance in {measured(f'{above} of {len(found)}')} cases, "
        f"and less in {measured(str(below))}, over {len(networks)} networks.",
        sources=[
            Source(
                kind="records",
                name=f"{run.name}: {each.model}, {each.norm} ε = {each.epsilon:g}",
                says=f"AUROC {format_interval(each.auroc.value, each.auroc.low, each.auroc.high)}, n = {each.auroc.n}",
            )
            for run, each in found
        ],
    )


CLAIM = Claim(
    id="N7",
    statement="Images whose perturbations grow more inside a network are the ones that attacks fool.",
    place="natrob",
    rule=(
        "A case is a network and a norm: the AUROC of growth for fooled against kept images, bootstrapped over images.",
        "Reproduced: the 95 % interval is above 0.5 in half of the cases or more, and below in at most 1 of 20.",
        f"Not reproduced: otherwise. Under {_FEWEST} networks n is too small to decide.",
    ),
    judge=_judge,
    replay="natrob bench --preset quick",
)
