"""Rules for the accuracies that the paper prints: near enough, or inside the interval that images and seeds leave."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, final

from natrob_empirical.claims.claim import Evidence, Rule
from natrob_empirical.claims.judgement import Judgement, Source
from natrob_empirical.claims.masking_rule import MASKING_IN_WORDS, masked
from natrob_empirical.claims.network_numbers import ENOUGH, numbers_of
from natrob_empirical.claims.paper_scale import SCALE_IN_WORDS, papers_budgets, papers_models
from natrob_empirical.claims.replay import nearest_replay
from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.display.formatting import format_percent
from natrob_empirical.display.text import measured
from natrob_empirical.evidence.run import AttackBudget, Model, Run
from natrob_empirical.paper import PrintedAccuracy
from natrob_empirical.records import Number
from natrob_empirical.statistics.share_intervals import wilson_interval

NEAR: Final = 0.03
RULE_IN_WORDS: Final = (
    f"A printed accuracy is met if a record on {ENOUGH:,} images or more is within {100 * NEAR:.0f} points of it.",
    "It is met too if it lies inside the records’ 95 % intervals (Wilson), from the lowest end to the highest.",
    "Reproduced: all are met. Not reproduced: one is not. A printed accuracy without a record: not run.",
    MASKING_IN_WORDS,
    *SCALE_IN_WORDS,
)


@final
@dataclass(frozen=True, kw_only=True)
class Replayed:
    """A printed accuracy, and one record of the same network, data and attack.

    Attributes:
        printed: as the paper has it.
        run, model: of the record.
        budget: None for the accuracy without an attack.
        found: with its n.
    """

    printed: PrintedAccuracy
    run: Run
    model: Model
    budget: AttackBudget | None
    found: Number

    @property
    def enough(self) -> bool:
        """Whether there are images enough to decide."""
        return (self.found.n or 0) >= ENOUGH

    @property
    def ends(self) -> tuple[float, float]:
        """The interval in which the record allows a printed accuracy to be."""
        n, value = self.found.n or 1, self.found.value
        low, high = wilson_interval(round(value * n), n)
        return min(low, value - NEAR), max(high, value + NEAR)

    @property
    def masked(self) -> str:
        """Why it is not robustness, or empty."""
        return "" if self.budget is None else masked(self.run, self.model, self.budget.attack)

    @property
    def words(self) -> str:
        """ "at most 97.4 % (n = 1,000) at ε = 0.2"."""
        share = measured(format_percent(self.found.value, kind=self.found.kind))
        text = f"{share} (n = {self.found.n:,})"
        return f"at most {text} at ε = {self.printed.epsilon_printed}" if self.budget else text

    @property
    def source(self) -> Source:
        """The record as a source, with what the paper prints."""
        attack = self.budget.text if self.budget else "no attack"
        says = f"{self.words} against the printed {format_percent(self.printed.accuracy, decimals=2)}"
        return Source(kind="records", name=f"{self.run.name}: {self.model.label}, {attack}", says=says)


def by_printed(entries: Sequence[PrintedAccuracy]) -> Rule:
    """Makes the rule that holds these printed accuracies against records of the paper's own networks."""

    def judge(evidence: Evidence) -> Judgement:
        found = [list(_replayed(evidence.runs, printed)) for printed in entries]
        if not any(found):
            told = next((each for each in entries if each.network == "neural_ode"), entries[0])
            attack = told.attack.partition("-")[0]
            return nearest_replay(evidence, dataset=told.dataset, epsilon=told.epsilon, attack=attack)
        return _judged(entries, found)

    return judge


def _replayed(runs: Sequence[Run], printed: PrintedAccuracy) -> Iterator[Replayed]:
    for run, model in papers_models(runs, printed):
        if not printed.attack and model.clean_accuracy is not None:
            yield Replayed(printed=printed, run=run, model=model, budget=None, found=model.clean_accuracy)
        for budget in papers_budgets(run, model, printed) if printed.attack else ():
            found = model.attacks[budget].accuracy
            yield Replayed(printed=printed, run=run, model=model, budget=budget, found=found)


def _judged(entries: Sequence[PrintedAccuracy], found: Sequence[list[Replayed]]) -> Judgement:
    decided = [[each for each in own if each.enough] for own in found]
    shown = max(decided, key=_distance)[0] if any(decided) else next(own for own in found if own)[0]
    missed, ran = sum(_distance(own) > 0 for own in decided), sum(map(bool, found))
    compared = f"{shown.words} against the printed {format_percent(shown.printed.accuracy, decimals=2)}."
    if missed:
        verdict, reason = Verdict.NOT_REPRODUCED, f"{missed} of {len(entries)} numbers missed: {compared}"
    elif ran < len(entries):
        verdict, reason = Verdict.NOT_RUN, f"Only {ran} of {len(entries)} numbers were run: {compared}"
    elif not all(decided):
        verdict, reason = Verdict.NO_EVIDENCE, f"n too small to decide: {compared}"
    elif hidden := next(filter(None, (each.masked for own in decided for each in own)), ""):
        verdict, reason = Verdict.REPRODUCED_BY_MASKING, hidden
    else:
        verdict, reason = Verdict.REPRODUCED, f"All {len(entries)} numbers are met; the farthest: {compared}"
    every = [each for own in found for each in own]
    sources = tuple(each.source for each in every)
    about = next((each for each in every if each.model.is_neural_ode and each.budget is not None), None)
    if about is None or about.budget is None:
        return Judgement(verdict=verdict, reason=reason, sources=sources)
    numbers = numbers_of(about.run, about.model, about.budget.norm, about.budget.epsilon)
    numbers["sources"] = (*numbers["sources"], *sources)
    return Judgement(verdict=verdict, reason=reason, **numbers)


def _distance(replays: Sequence[Replayed]) -> float:
    """How far the printed accuracy lies outside what the records allow together; negative inside, or without any."""
    if not replays:
        return -1.0
    low, high = min(each.ends[0] for each in replays), max(each.ends[1] for each in replays)
    return max(low - replays[0].printed.accuracy, replays[0].printed.accuracy - high)
