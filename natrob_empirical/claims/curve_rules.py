"""Rules for Figures 2 and 3, curves of which the paper prints no number: what is lost, and who keeps more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from natrob_empirical.claims.claim import Evidence, Rule
from natrob_empirical.claims.comparison_rules import Vote, together, vote
from natrob_empirical.claims.judgement import Judgement
from natrob_empirical.claims.masking_rule import MASKING_IN_WORDS, masked
from natrob_empirical.claims.network_numbers import ENOUGH, numbers_of
from natrob_empirical.claims.paper_scale import SCALE_IN_WORDS, is_papers_network
from natrob_empirical.claims.replay import nearest_replay, titled
from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.display.formatting import format_epsilon, format_percent
from natrob_empirical.display.text import measured
from natrob_empirical.evidence.comparison import compare_under, outcome_of
from natrob_empirical.evidence.run import AttackBudget, Model, Run

RULE_IN_WORDS = (
    f"Reproduced: both halves hold, on {ENOUGH:,} images or more. Not reproduced: one does not.",
    MASKING_IN_WORDS,
    *SCALE_IN_WORDS,
)


@final
@dataclass(frozen=True, kw_only=True)
class Half:
    """One data set’s part of a figure’s claim.

    Attributes:
        dataset: by the name that records have.
        most_lost: of the Neural ODE's accuracy, at every radius; None where the figure says nothing of it.
        ahead_above: the radius above which it keeps more than ResNet-50, and less nowhere; None likewise.
    """

    dataset: str
    most_lost: float | None = None
    ahead_above: float | None = None


def by_curves(attack: str, halves: Sequence[Half], *, norm: str, epsilon: float) -> Rule:
    """Makes the rule: both halves must hold for the paper's networks under this attack.

    Args:
        attack: its label in records.
        halves: each on one data set.
        norm, epsilon: at which the nearest smaller network is shown.
    """

    def judge(evidence: Evidence) -> Judgement:
        found = [_of_half(evidence.runs, half, attack) for half in halves]
        told = [each for each in found if each is not None]
        if len(told) < len(halves):
            return nearest_replay(evidence, dataset=halves[0].dataset, epsilon=epsilon, norm=norm, attack=attack)
        verdict = together(each[0] for each in told)
        _, run, model, budget = next((each for each in told if each[0] == "against"), told[0])
        left = model.attacks[budget].accuracy
        share = measured(format_percent(left.value, kind="upper"))
        reason = f"{attack} leaves the Neural ODE at most {share} of {titled(run.dataset)} "
        reason += f"at ε = {format_epsilon(budget.epsilon)} (n = {left.n:,})."
        hidden = next(filter(None, (masked(run, model, budget.attack) for _, run, model, budget in told)), "")
        if verdict == Verdict.NO_EVIDENCE:
            reason = f"n too small to decide: {reason}"
        elif verdict == Verdict.REPRODUCED and hidden:
            verdict, reason = Verdict.REPRODUCED_BY_MASKING, hidden
        return Judgement(verdict=verdict, reason=reason, **numbers_of(run, model, budget.norm, budget.epsilon))

    return judge


def _of_half(runs: Sequence[Run], half: Half, attack: str) -> tuple[Vote, Run, Model, AttackBudget] | None:
    """Reads the first run of the paper's networks, at its largest radius; None without one."""
    for run in (run for run in runs if run.dataset == half.dataset):
        own = [model for model in run.models if model.plain and is_papers_network(model, run.dataset)]
        for model in (model for model in own if model.is_neural_ode):
            budgets = [b for b in model.attacks if b.epsilon > 0 and _is_attack(run, b, attack)]
            rivals = [other for other in own if other.network == "resnet50"]
            if budgets and (half.ahead_above is None or rivals):
                return _vote(run, model, rivals, budgets, half), run, model, max(budgets, key=lambda b: b.epsilon)
    return None


def _vote(run: Run, model: Model, rivals: Sequence[Model], budgets: Sequence[AttackBudget], half: Half) -> Vote:
    results = [model.attacks[budget] for budget in budgets]
    images = min(result.accuracy.n or 0 for result in results)
    lost = max(result.clean_accuracy.value - result.accuracy.value for result in results)
    if half.most_lost is not None and lost > half.most_lost + 1e-9:
        return vote("behind", images) if images >= ENOUGH else "too few"
    above = half.ahead_above
    if above is None:
        return "for" if images >= ENOUGH else "too few"
    compared = [c for c in compare_under(run, model, rivals[0], budgets[0].attack) if c.epsilon > above]
    return vote(outcome_of(compared), images) if compared else "too few"


def _is_attack(run: Run, budget: AttackBudget, attack: str) -> bool:
    named = run.attack_of(budget.attack)
    return named is not None and named.label == attack and run.source_of(budget.attack) is None
