"""What a proof file claims: the statement, what it assumes, where it comes from and what became of it."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What the proof says of the statement as its source has it."""

    PROVED = "proved as stated"
    PROVED_FOR_EVERY_STEP = "proved for every h"
    LINEAR_ONLY = "proved only for linear f"
    REFUTED = "refuted with a counterexample"
    REPAIRED = "repaired"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim and its verdict.

    Attributes:
        statement: what is claimed, in plain words and formulas. For a refuted claim this is what was refuted.
        assumptions: everything that the proof uses beyond the statement.
        source: where the statement is from: the paper's equation or theorem, theory.md's section, the literature.
        verdict: what became of it.
    """

    statement: str
    assumptions: tuple[str, ...]
    source: str
    verdict: Verdict

    def __post_init__(self) -> None:
        if not self.statement.strip() or not self.source.strip():
            raise ValueError("`statement` and `source` must not be empty")


class ProofError(Exception):
    """A step of a proof that does not hold, or that the machine could not decide."""
