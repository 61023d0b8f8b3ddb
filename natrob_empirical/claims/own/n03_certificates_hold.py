"""N3: no attack fools an image inside its certified radius."""

from natrob_empirical.claims.claim import Claim, Evidence
from natrob_empirical.claims.judgement import Judgement, Source, no_evidence
from natrob_empirical.claims.network_numbers import ENOUGH
from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.display.text import measured
from natrob_empirical.evidence.certificate_checks import certificate_checks


def _judge(evidence: Evidence) -> Judgement:
    found = [(run, certificate_checks(run)) for run in evidence.runs]
    images = sum(checks.images for _, checks in found)
    broken = [text for _, checks in found for text in checks.broken]
    sources = [Source(kind="records", name=run.name, says=f"{c.images:,} images") for run, c in found if c.images]
    if not broken and images < ENOUGH:
        return no_evidence(f"n too small to decide: {images:,} certified images met an attack.", sources=sources)
    return Judgement(
        verdict=Verdict.REFUTED if broken else Verdict.REPRODUCED,
        reason=f"{measured(f'{len(broken):,} of {images:,}')} attacks on certified images found one inside its radius.",
        sources=sources or [Source(kind="records", name="certified accuracies", says=broken[0])],
    )


CLAIM = Claim(
    id="N3",
    statement="No attack fools an image inside the radius that is certified for it.",
    place="natrob",
    rule=(
        "Every certified radius is held against every attack on the same image, in norms that the certificate covers.",
        f"Reproduced: 0 contradictions in {ENOUGH:,} comparisons or more. Refuted: one contradiction.",
    ),
    judge=_judge,
    replay="natrob bench certified --preset cpu",
)
