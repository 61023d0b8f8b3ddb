"""E1: ResNet-56 with small steps has no obvious robustness (Figure 1)."""

from natrob_empirical.claims.claim import Claim, Evidence
from natrob_empirical.claims.figure_1 import NOT_RUN, step_series
from natrob_empirical.claims.judgement import Judgement, no_evidence
from natrob_empirical.claims.network_numbers import ENOUGH, numbers_of
from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.display.formatting import format_number, format_percent
from natrob_empirical.display.text import measured
from natrob_empirical.evidence.comparison import compare_under, most_telling, outcome_of
from natrob_empirical.evidence.pairs import learned


def _judge(evidence: Evidence) -> Judgement:
    series = step_series(evidence, (-1, -2, -3))
    if series is None:
        return NOT_RUN
    labels = dict.fromkeys(budget.attack for budget in series.base.attacks if series.run.source_of(budget.attack))
    moved = [label for label in labels if (named := series.run.attack_of(label)) and named.label == "FGSM"]
    small = [model for model in series.small if learned((model,))]
    compared = {model.label: compare_under(series.run, model, series.base, a) for model in small for a in moved}
    compared = {label: found for label, found in compared.items() if found}
    if not compared:
        return no_evidence("No network with small steps has learned and met images made on another network.")
    robust = [label for label, found in compared.items() if outcome_of(found) == "ahead"]
    told = most_telling([most_telling(found) for found in compared.values()])
    shown = next(model for model in small if told in compared.get(model.label, []))
    left = [measured(format_percent(kept.share, kind="upper")) for kept in (told.first, told.second)]
    step = format_number(shown.step_size or 0.0)
    verdict, reason = series.judged(
        Verdict.NOT_REPRODUCED if robust else Verdict.REPRODUCED,
        f"keeps at most {left[0]} at h = {step}, {left[1]} at h = 1 (n = {told.comparison.n:,}).",
    )
    numbers = numbers_of(series.run, shown, told.norm, told.epsilon)
    if series.is_papers and not robust and min(c.comparison.n for found in compared.values() for c in found) < ENOUGH:
        return no_evidence(f"n too small to decide: {reason}", sources=numbers["sources"])
    return Judgement(verdict=verdict, reason=reason, **numbers)


CLAIM = Claim(
    id="E1",
    statement="ResNet-56 with small steps, h = 0.1 to 0.001, is not obviously more robust than with h = 1.",
    place="3.1, 4.1, Figure 1",
    paper="curves only; “no obvious robustness”",
    rule=(
        "Only ResNet-56 on CIFAR-10 counts, h behind every normalisation, under FGSM images of another network.",
        "A network that classifies under 50 % of its clean images rightly has not learned and does not count.",
        "Not reproduced: a network with h = 0.1 to 0.001 keeps more than h = 1 at one budget, and less at none.",
        f"Reproduced: none does, on {ENOUGH:,} images or more (exact McNemar tests, Holm over the budgets).",
    ),
    judge=_judge,
    replay="natrob bench fig1 --preset cpu",
)
