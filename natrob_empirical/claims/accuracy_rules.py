"""Rules for the accuracies that the paper prints: near enough, or inside the interval that images and seeds leave."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, final

from natrob_empirical.claims.claim import Evidence, Rule
from natrob_empirical.claims.judgement import Judgement, Source, no_evidence
from natrob_empirical.claims.network_numbers import ENOUGH, kept_at, numbers_of
from natrob_empirical.claims.paper_scale import SCALE_IN_WORDS, papers_budgets, papers_models
from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.display.formatting import format_epsilon, format_percent
from natrob_empirical.display.text import measured
from natrob_empirical.evidence.flags import ABOVE_CEILING, FAR_FROM_STRONGEST, reliability_flags
from natrob_empirical.evidence.run import AttackBudget, Model, Run
from natrob_empirical.paper import PrintedAccuracy
from natrob_empirical.records import Number
from natrob_empirical.statistics.share_intervals import wilson_interval

NEAR: Final = 0.03
RULE_IN_WORDS: Final = (
    f"A printed accuracy is met if a record on {ENOUGH:,} images or more is within {100 * NEAR:.0f} points of it.",
    "It is met too if it lies inside the records’ 95 % intervals (Wilson), from the lowest end to the highest.",
    "Reproduced: all are met. Not reproduced: one is not. A printed accuracy without a record: not run.",
    "By masking: all are met, but a stronger attack leaves 10 points less (paired), or the ceiling is exceeded.",
    *SCALE_IN_WORDS,
)
_DATASETS: Final = {"mnist": "MNIST", "cifar10": "CIFAR-10", "digits": "the digits"}


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
        """What the record allows a printed accuracy to be."""
        n, value = self.found.n or 1, self.found.value
        low, high = wilson_interval(round(value * n), n)
        return min(low, value - NEAR), max(high, value + NEAR)


def by_printed(entries: Sequence[PrintedAccuracy]) -> Rule:
    """Makes the rule that holds these printed accuracies against records of the paper's own networks."""

    def judge(evidence: Evidence) -> Judgement:
        found = [list(_replayed(evidence.runs, printed)) for printed in entries]
        if not any(found):
            return not_run(evidence, entries)
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
    off = {id(own[0].printed): _distance(own) for own in decided if own}
    missed = sum(distance > 0 for distance in off.values())
    shown = max((own for own in decided if own), key=_distance, default=next(own for own in found if own))[0]
    number = format_percent(shown.found.value, kind=shown.found.kind)
    text = f"{number} (n = {shown.found.n:,})"
    text = f"at most {measured(text)}" if shown.budget else measured(text)
    where = f" at ε = {shown.printed.epsilon_printed}" if shown.budget else ""
    compared = f"{text} against the printed {format_percent(shown.printed.accuracy, decimals=2)}{where}."
    sources = [_source(each) for own in found for each in own]
    if missed:
        verdict, reason = Verdict.NOT_REPRODUCED, f"{missed} of {len(entries)} numbers missed: {compared}"
    elif not all(own for own in found):
        ran = sum(bool(own) for own in found)
        return Judgement(verdict=Verdict.NOT_RUN, reason=f"Only {ran} of {len(entries)} numbers were run: {compared}",
                         sources=sources)  # fmt: skip
    elif not all(decided):
        return no_evidence(f"n too small to decide: {compared}", sources=sources)
    elif masked := _masked(decided):
        verdict, reason = Verdict.REPRODUCED_BY_MASKING, masked
    else:
        verdict, reason = Verdict.REPRODUCED, f"All {len(entries)} printed numbers are met; the farthest: {compared}"
    about = next((e for own in found for e in own if e.model.is_neural_ode and e.budget), shown)
    if about.budget is None:
        return Judgement(verdict=verdict, reason=reason, sources=sources)
    numbers = numbers_of(about.run, about.model, about.budget.norm, about.budget.epsilon)
    numbers["sources"] = (*numbers["sources"], *sources)
    return Judgement(verdict=verdict, reason=reason, **numbers)


def _distance(replays: Sequence[Replayed]) -> float:
    """How far the printed accuracy lies outside what the records allow together; negative inside."""
    low, high = min(each.ends[0] for each in replays), max(each.ends[1] for each in replays)
    return max(low - replays[0].printed.accuracy, replays[0].printed.accuracy - high)


def _masked(decided: Sequence[Sequence[Replayed]]) -> str:
    """Says why an accuracy that was met is not robustness; empty without a reason."""
    for each in (each for own in decided for each in own):
        for flag in reliability_flags(each.run, each.model):
            if (
                each.budget is not None
                and flag.attack == each.budget.attack
                and flag.name in {FAR_FROM_STRONGEST, ABOVE_CEILING}
            ):
                kept = kept_at(each.model, flag.norm, flag.epsilon)
                left = "" if kept is None else format_percent(kept.share, kind="upper")
                met = format_percent(each.found.value)
                return (
                    f"Met, but {each.printed.attack}’s {met} is {flag.name}: all attacks leave at most "
                    f"{measured(left)} at ε = {format_epsilon(flag.epsilon)}."
                )
    return ""


def _source(each: Replayed) -> Source:
    attack = "clean" if each.budget is None else each.budget.text
    return Source(kind="records", name=f"{each.run.name}: {each.model.label}, {attack}", says=f"{each.found.value:.4f}")


def not_run(evidence: Evidence, entries: Sequence[PrintedAccuracy]) -> Judgement:
    """The judgement where the paper's network was not run, with what the nearest smaller one keeps."""
    attacked = next((each for each in entries if each.attack and each.network == "neural_ode"), None)
    printed = attacked or entries[0]
    return nearest_replay(evidence, dataset=printed.dataset, epsilon=printed.epsilon if attacked else 0.0)


def nearest_replay(evidence: Evidence, *, dataset: str, epsilon: float, norm: str = "Linf") -> Judgement:
    """Says that the paper's network was not run, and what the widest Neural ODE, best on the same data, keeps.

    Args:
        evidence: with its runs.
        dataset: the claim's.
        epsilon: the radius, or the nearest one attacked; 0 for the accuracy without an attack.
        norm: of the attacks.
    """
    models = [(run, m) for run in evidence.runs for m in run.models if m.is_neural_ode and m.plain and m.clean_accuracy]
    found = [(run, m) for run, m in models if epsilon == 0 or any(b.norm == norm and b.epsilon > 0 for b in m.attacks)]
    if not found:
        return Judgement(verdict=Verdict.NOT_RUN, reason="The paper’s network was not run, and no smaller one either.")
    run, model = max(found, key=lambda each: (each[0].dataset == dataset, *_nearness(each[1], norm, epsilon)))
    place = "" if run.dataset == dataset else f" on {_DATASETS.get(run.dataset, run.dataset)}"
    network = f"The paper’s network was not run; one of {model.specification.get('channels', 'fewer')} channels"
    if epsilon == 0 and model.clean_accuracy:
        clean = model.clean_accuracy
        reason = f"{network} classifies {measured(format_percent(clean.value))}{place} without an attack"
        source = Source(kind="records", name=f"{run.name}: {model.label}", says="clean")
        return Judgement(verdict=Verdict.NOT_RUN, reason=f"{reason} (n = {clean.n:,}).", sources=[source])
    nearest = _radius(model, norm, epsilon)
    numbers = numbers_of(run, model, norm, nearest)
    left = numbers["attacked"]
    text = "" if left is None else f"{measured(format_percent(left.value, kind='upper'))}{place} at ε = "
    text += f"{format_epsilon(nearest)} (n = {0 if left is None else left.n:,})"
    return Judgement(verdict=Verdict.NOT_RUN, reason=f"{network} keeps at most {text}.", **numbers)


def _nearness(model: Model, norm: str, epsilon: float) -> tuple[float, int, int, int]:
    """By distance of the radius, then channels, attacks, images."""
    images = max((r.accuracy.n or 0 for b, r in model.attacks.items() if b.norm == norm), default=0)
    off = abs(_radius(model, norm, epsilon) - epsilon) if epsilon else 0.0
    return -off, int(model.specification.get("channels", 0)), len(model.attacks), images


def _radius(model: Model, norm: str, epsilon: float) -> float:
    """The attacked radius nearest to ε."""
    return min((b.epsilon for b in model.attacks if b.norm == norm and b.epsilon > 0), key=lambda e: abs(e - epsilon))


def as_printed(entries: Sequence[PrintedAccuracy]) -> str:
    """The printed numbers, a row for every model and attack: "FGSM, Neural ODE: 97.50, 97.46 %"."""
    rows: dict[str, list[str]] = {}
    for each in entries:
        trained = "" if each.training == "none" else f" ({each.training})"
        row = f"{each.attack or _DATASETS[each.dataset]}, {each.model}{trained}"
        rows.setdefault(row, []).append(f"{100 * each.accuracy:.2f}")
    return "; ".join(f"{row}: {', '.join(numbers)} %" for row, numbers in rows.items())
