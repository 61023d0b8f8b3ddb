"""The seam for claims: a claim is one file with a `CLAIM`, found by itself; its rule is a function of the evidence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

from natrob_empirical.claims.judgement import Judgement
from natrob_empirical.display.part import Part
from natrob_empirical.evidence.proofs import ProofOutcome
from natrob_empirical.evidence.run import Run


@final
@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that a claim may be judged by.

    Attributes:
        runs: each judged apart, never averaged.
        proofs: by path.
        notes: what was kept apart or left out, in sentences.
    """

    runs: Sequence[Run]
    proofs: Mapping[str, ProofOutcome]
    notes: Sequence[str] = ()

    def of(self, *experiments: str) -> list[Run]:
        """Returns the runs of these experiments, such as "table1"; all runs without a name."""
        return [run for run in self.runs if not experiments or run.experiment in experiments]


Rule: TypeAlias = Callable[[Evidence], Judgement]


@final
@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim of the paper (T…, E…) or of natrob itself (N…), with the rule that judges it.

    Attributes:
        id: such as "T6"; stays fixed.
        statement: the claim in one plain sentence of at most 25 words.
        place: where the paper makes it; "natrob" for its own.
        paper: what the paper says in numbers, from `natrob_empirical.paper`; empty where it gives none.
        rule: when each verdict is reached, in numbers, one sentence each.
        judge: the rule itself.
        replay: the command that makes the evidence anew.
        parts: what else the claim's page shows.

    Raises:
        ValueError: no rule in words, no statement, or no command.
    """

    id: str
    statement: str
    place: str
    rule: tuple[str, ...]
    judge: Rule
    replay: str
    paper: str = ""
    parts: Callable[[Evidence], tuple[Part, ...]] = lambda evidence: ()

    def __post_init__(self) -> None:
        for name in ("id", "statement", "place", "rule", "replay"):
            if not getattr(self, name):
                raise ValueError(f"`{name}` of the claim {self.id!r} must not be empty: it needs a rule")

    @property
    def order(self) -> tuple[int, int]:
        """Sorts T1 … T16, E1 … E12, N1 …."""
        return ("TEN".index(self.id[0]), int(self.id[1:]))
