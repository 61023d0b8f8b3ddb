"""E2: ResNet-56 with tiny steps is hard to train (Figure 1)."""

from typing import Final

from natrob_empirical.claims.claim import Claim, Evidence
from natrob_empirical.claims.figure_1 import NOT_RUN, step_series
from natrob_empirical.claims.judgement import Judgement, Source, no_evidence
from natrob_empirical.claims.network_numbers import ENOUGH
from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.display.formatting import format_number, format_percent
from natrob_empirical.display.text import measured

_LOSS: Final = 0.1


def _judge(evidence: Evidence) -> Judgement:
    series = step_series(evidence, (-8, -9, -10))
    if series is None:
        return NOT_RUN
    clean = {m.label: m.clean_accuracy for m in (*series.small, series.base) if m.clean_accuracy is not None}
    base = clean.pop(series.base.label, None)
    if base is None or not clean:
        return no_evidence("The clean accuracies of the networks are not recorded.")
    label, best = max(clean.items(), key=lambda each: each[1].value)
    step = next(m.step_size or 0.0 for m in series.small if m.label == label)
    verdict, reason = series.judged(
        Verdict.REPRODUCED if base.value - best.value >= _LOSS - 1e-9 else Verdict.NOT_REPRODUCED,
        f"classifies {measured(format_percent(best.value))} of clean images at h = {format_number(step)}, "
        f"{measured(format_percent(base.value))} at h = 1 (n = {best.n:,}).",
    )
    sources = [Source(kind="records", name=f"{series.run.name}: {label}", says="clean accuracy")]
    if series.is_papers and min(best.n or 0, base.n or 0) < ENOUGH:
        return no_evidence(f"n too small to decide: {reason}", sources=sources)
    return Judgement(verdict=verdict, reason=reason, sources=sources)


CLAIM = Claim(
    id="E2",
    statement="ResNet-56 with tiny steps, h = 10⁻⁸ to 10⁻¹⁰, is hard to train: it misclassifies clean images.",
    place="3.1, 4.1, Figure 1",
    paper="curves only; “clean accuracy quite low as well”",
    rule=(
        "Only ResNet-56 on CIFAR-10 counts, with h behind every normalisation.",
        f"Reproduced: each such network is {100 * _LOSS:.0f} points or more below h = 1 on clean images.",
        f"Not reproduced: one is not. On fewer than {ENOUGH:,} images n is too small to decide.",
    ),
    judge=_judge,
    replay="natrob bench fig1 --preset cpu",
)
