"""N5: networks whose trunk cannot expand have an order above plain ones that no attack can turn round."""

from collections.abc import Sequence

from natrob_empirical.claims.claim import Claim, Evidence
from natrob_empirical.claims.comparison_rules import Vote, together, vote
from natrob_empirical.claims.judgement import Judgement, Source, no_evidence
from natrob_empirical.claims.network_numbers import ENOUGH, numbers_of
from natrob_empirical.display.formatting import format_percent
from natrob_empirical.display.text import measured
from natrob_empirical.evidence.certified_order import certified_above_attacked
from natrob_empirical.evidence.comparison import BudgetComparison
from natrob_empirical.evidence.pairs import contractive_pairs, learned
from natrob_empirical.evidence.run import Model, Run

Compared = tuple[Model, Model, list[BudgetComparison]]


def _judge(evidence: Evidence) -> Judgement:
    found = {run.name: (run, own) for run in evidence.runs if (own := _compared(run))}
    if not found:
        return no_evidence("No run holds a network that cannot expand beside a plainly trained one.")
    votes: dict[str, Vote] = {
        name: vote("ahead" if _ahead(own) else "undecided", _images(own)) for name, (_, own) in found.items()
    }
    told = [(run, a, b, each) for run, own in found.values() for a, b, compared in own for each in compared]
    run, first, second, best = max(told, key=lambda each: each[3].comparison.difference)
    sizes = [f"{(first.parameters or 0) / (second.parameters or 1):.0f} times the size"]
    sizes += ["other training"] if first.recipe != second.recipe or first.training != second.training else []
    shares = format_percent(best.first.share, kind="lower"), format_percent(best.second.share, kind="upper")
    reason = f"Certified at least {measured(shares[0])} against attacked at most {measured(shares[1])} "
    reason += f"(n = {best.comparison.n:,}), with {' and '.join(sizes)}."
    verdict, numbers = together(votes.values()), numbers_of(run, first, best.norm, best.epsilon)
    sources = [Source(kind="records", name=name, says=says) for name, says in votes.items()]
    if verdict == "no_evidence":
        return no_evidence(f"n too small to decide: {reason[0].lower()}{reason[1:]}", sources=sources)
    numbers["sources"] = (*numbers["sources"], *sources)
    return Judgement(verdict=verdict, reason=reason, **numbers)


def _compared(run: Run) -> list[Compared]:
    pairs = [pair for pair in contractive_pairs(run) if learned(pair)]
    found = [(*pair, certified_above_attacked(run, *pair)) for pair in pairs]
    return [each for each in found if each[2]]


def _ahead(own: Sequence[Compared]) -> bool:
    """Whether one network is ahead, beyond chance at a radius, of every plain one of its run."""
    order = {
        id(first): [any(c.direction == 1 for c in found) for one, _, found in own if one is first] for first, *_ in own
    }
    return any(all(ahead) for ahead in order.values())


def _images(own: Sequence[Compared]) -> int:
    return min(compared.comparison.n for *_, found in own for compared in found)


CLAIM = Claim(
    id="N5",
    statement="Networks built and trained not to expand have more certified images than attacks leave of plain ones.",
    place="natrob",
    rule=(
        "A network that cannot expand has a growth bound of 1 by its structure, not by steps that do nothing.",
        "A run is for the claim if one such network is ahead of every plainly trained network of its run.",
        "Ahead: at one radius its certified images outnumber the other’s unfooled ones (exact McNemar, Holm).",
        f"Reproduced: every run is for it. Not reproduced: one of {ENOUGH:,} images or more is not.",
    ),
    judge=_judge,
    replay="natrob bench certified --preset cpu",
)
