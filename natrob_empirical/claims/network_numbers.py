"""Numbers of the network that a claim is about: attacked at most, certified at least, flags."""

from typing import Final, TypedDict

from natrob_empirical.claims.judgement import Source
from natrob_empirical.display.formatting import format_budget
from natrob_empirical.evidence.flags import ReliabilityFlag, flags_of
from natrob_empirical.evidence.kept import KeptImages, attacks_at, strongest
from natrob_empirical.evidence.run import Model, Run, titled
from natrob_empirical.records import Number

ENOUGH: Final = 1_000
"""On fewer images a share is known to ± 3 points at best."""


class NetworkNumbers(TypedDict):
    """The fields of a `Judgement` that are about one network."""

    budget: str
    attacked: Number | None
    certified: Number | None
    flags: tuple[ReliabilityFlag, ...]
    sources: tuple[Source, ...]


def kept_at(model: Model, norm: str, epsilon: float) -> KeptImages | None:
    """Images that all attacks leave together; those on fewer images than others, and under `ENOUGH`, are left out."""
    seen = [result.accuracy.n or 0 for result in attacks_at(model, norm, epsilon).values()]
    return strongest(model, norm, epsilon, fewest=max(1, min(ENOUGH, max(seen, default=1))))


def numbers_of(run: Run, model: Model, norm: str, epsilon: float) -> NetworkNumbers:
    """The network at one budget; every number's source names the network and the run."""
    place = f"{model.label} ({run.name}) at {format_budget(norm, epsilon)}"
    kept, certified = kept_at(model, norm, epsilon), model.certified(norm, epsilon)
    named = None if certified is None else certified.model_copy(update={"source": place})
    attacked = None if kept is None else kept.number.model_copy(update={"source": f"{place}: {kept.number.source}"})
    says = "no attack" if kept is None else ", ".join(kept.attacks)
    return NetworkNumbers(
        budget=f"{titled(run.dataset)}, {format_budget(norm, epsilon)}",
        attacked=attacked,
        certified=named,
        flags=() if kept is None else flags_of(run, model, norm, epsilon, kept),
        sources=(Source(kind="records", name=place, says=says),),
    )
