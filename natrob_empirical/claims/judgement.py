"""A judgement of a claim: the verdict, its reason with a number and a bound, and what it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.display.text import measured_values
from natrob_empirical.evidence.flags import ReliabilityFlag
from natrob_empirical.records import Number


@final
@dataclass(frozen=True, kw_only=True)
class Source:
    """One thing that a judgement rests on.

    Attributes:
        kind: "proof", "records" or "paper".
        name: a proof's path, or a run's name with the model and attack.
        says: what it says, in a few words.
    """

    kind: str
    name: str
    says: str


@final
@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A verdict, computed from proofs and records and nothing else.

    Attributes:
        verdict: one of nine.
        reason: one sentence of at most 25 words with a number and its bound, values marked by `display.measured`.
        budget: data set, norm and radius of the two numbers that follow, such as "MNIST, L∞ ε = 0.2"; empty without.
        attacked: the accuracy that attacks left of the network the claim is about, an upper bound; None without one.
        certified: the certified accuracy of that network, a lower bound; None without one.
        flags: signs that `attacked` is the attack's failure.
        sources: what was read; empty for `no_evidence` only.

    Raises:
        ValueError: a number of the wrong kind, or a verdict other than `no_evidence` and `not_run` without a source or
            without a number in its reason.
    """

    verdict: Verdict
    reason: str
    budget: str = ""
    attacked: Number | None = None
    certified: Number | None = None
    flags: Sequence[ReliabilityFlag] = ()
    sources: Sequence[Source] = ()

    def __post_init__(self) -> None:
        if self.attacked is not None and self.attacked.kind != "upper":
            raise ValueError(f"`attacked` must be an upper bound, got a number of kind {self.attacked.kind!r}")
        if self.certified is not None and self.certified.kind != "lower":
            raise ValueError(f"`certified` must be a lower bound, got a number of kind {self.certified.kind!r}")
        decided = self.verdict not in {Verdict.NO_EVIDENCE, Verdict.NOT_RUN}
        if decided and not (self.sources and measured_values(self.reason)):
            raise ValueError(f"the verdict {self.verdict.value!r} must name its sources and a number in its reason")


def no_evidence(reason: str, *, sources: Sequence[Source] = ()) -> Judgement:
    """Returns the judgement where nothing can be said, with what is missing or too small."""
    return Judgement(verdict=Verdict.NO_EVIDENCE, reason=reason, sources=sources)
