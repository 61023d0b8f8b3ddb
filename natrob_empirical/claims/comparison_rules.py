"""Rules for claims that compare networks: each pair is judged apart, and one rule says what the pairs say together."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

from natrob_empirical.claims.claim import Evidence, Rule
from natrob_empirical.claims.judgement import Judgement, Source, no_evidence
from natrob_empirical.claims.network_numbers import ENOUGH, numbers_of
from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.display.formatting import format_budget, format_p, format_percent
from natrob_empirical.display.text import measured
from natrob_empirical.evidence.comparison import BudgetComparison, compare_together, most_telling, outcome_of
from natrob_empirical.evidence.pairs import learned
from natrob_empirical.evidence.run import Model, Run

Vote: TypeAlias = Literal["for", "against", "too few"]
WHITE_BOX: Final = ("gradient", "ensemble")
FindPairs: TypeAlias = Callable[[Run], list[tuple[Model, Model]]]
VERDICTS_IN_WORDS: Final = (
    "A pair is for the claim if the first keeps more at one budget or more, and less at none (exact McNemar, Holm).",
    f"It is against the claim if it is not for it and {ENOUGH:,} images or more were attacked, or if it keeps less.",
    "Reproduced: every pair is for it. Not reproduced: one pair is against it. Otherwise n is too small to decide.",
    "A network that classifies under 50 % of its clean images rightly has not learned and does not count.",
)


@final
@dataclass(frozen=True, kw_only=True)
class JudgedPair:
    """Two networks of one run.

    Attributes:
        run, first, second: the claim says that the first keeps more.
        compared: budget by budget, at least one.
    """

    run: Run
    first: Model
    second: Model
    compared: Sequence[BudgetComparison]

    @property
    def telling(self) -> BudgetComparison:
        """The clearest budget."""
        return most_telling(self.compared)

    @property
    def images(self) -> int:
        """How many images were attacked where the two are not both at 0 or both at 1."""
        told = [c.comparison.n for c in self.compared if {c.first.share, c.second.share} not in ({0.0}, {1.0})]
        return max(told, default=0)

    @property
    def vote(self) -> Vote:
        """Whether the pair speaks for the claim."""
        return vote(outcome_of(self.compared), self.images)

    @property
    def source(self) -> Source:
        """The pair as a source."""
        told, name = self.telling, f"{self.run.name}: {self.first.label} against {self.second.label}"
        left = [format_percent(kept.share, kind="upper") for kept in (told.first, told.second)]
        says = f"{self.vote}: at {format_budget(told.norm, told.epsilon)} at most {left[0]} against {left[1]}"
        return Source(kind="records", name=name, says=f"{says} (n = {told.comparison.n:,}, {format_p(told.adjusted)})")


def vote(outcome: str, images: int) -> Vote:
    """For where the first is ahead; against where it is behind, or not ahead on enough images to see it."""
    if outcome == "ahead":
        return "for"
    return "against" if outcome == "behind" or images >= ENOUGH else "too few"


def together(votes: Iterable[Vote]) -> Verdict:
    """The verdict of several votes; without one there is no evidence."""
    found = set(votes)
    if "against" in found:
        return Verdict.NOT_REPRODUCED
    return Verdict.REPRODUCED if found == {"for"} else Verdict.NO_EVIDENCE


def by_pairs(find: FindPairs, *, subject: str, missing: str, kinds: Sequence[str] = ()) -> Rule:
    """Makes the rule by which every pair of every run is judged under all attacks together.

    Args:
        find: the pairs (first, second) of a run.
        subject: what keeps more, as a sentence starts.
        missing: the sentence where no run holds a pair.
        kinds: of the attacks that count, made on the model itself; all where none is named.
    """

    def judge(evidence: Evidence) -> Judgement:
        pairs = judged_pairs(evidence.runs, find, kinds)
        if not pairs:
            return no_evidence(missing)
        votes: list[Vote] = [pair.vote for pair in pairs]
        best = _clearest(pairs)
        left = [format_percent(kept.share, kind="upper") for kept in (best.telling.first, best.telling.second)]
        found = f"at most {measured(left[0])} against {measured(left[1])} (n = {best.telling.comparison.n:,})"
        if together(votes) == Verdict.NO_EVIDENCE:
            reason = f"n too small to decide: {found} in the clearest of {len(pairs)} pairs."
        else:
            ahead, behind = (sum(outcome_of(pair.compared) == way for pair in pairs) for way in ("ahead", "behind"))
            reason = f"{subject} more in {measured(f'{ahead} of {len(pairs)}')} pairs, less in {behind}; once {found}."
        numbers = numbers_of(best.run, best.first, best.telling.norm, best.telling.epsilon)
        numbers["sources"] = (*numbers["sources"], *(pair.source for pair in pairs))
        return Judgement(verdict=together(votes), reason=reason, **numbers)

    return judge


def judged_pairs(runs: Iterable[Run], find: FindPairs, kinds: Sequence[str] = ()) -> list[JudgedPair]:
    """Every pair that met an attack in common, both of which have learned."""
    pairs = [(run, *pair) for run in runs for pair in find(run) if learned(pair)]
    compared = [compare_together(*pair, only=_attacks(pair[0], kinds), enough=ENOUGH) for pair in pairs]
    return [
        JudgedPair(run=run, first=first, second=second, compared=found)
        for (run, first, second), found in zip(pairs, compared, strict=True)
        if found
    ]


def _attacks(run: Run, kinds: Sequence[str]) -> set[str]:
    """The attacks of these kinds, or of all, made on the model itself where kinds are named."""
    labels = {budget.attack for budget in run.budgets}
    return {a for a in labels if not kinds or (run.kind_of(a) in kinds and run.source_of(a) is None)}


def _clearest(pairs: Sequence[JudgedPair]) -> JudgedPair:
    """The pair that says most; one that decides against the claim comes first, since it decides the verdict."""
    against = [pair for pair in pairs if pair.vote == "against"]
    telling = most_telling([pair.telling for pair in against or pairs])
    return next(pair for pair in pairs if pair.telling is telling)
