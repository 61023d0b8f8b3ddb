"""The nine verdicts on a claim: their names in JSON, their words on pages, and how they are shown."""

from enum import StrEnum
from typing import Literal, TypeAlias

Tone: TypeAlias = Literal["good", "bad", "caution", "neutral"]


class Verdict(StrEnum):
    """A word for what proofs and records say of a claim."""

    PROVED = "proved"
    PROVED_IF = "proved_if"
    REFUTED = "refuted"
    VACUOUS = "vacuous"
    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not_reproduced"
    REPRODUCED_BY_MASKING = "reproduced_by_masking"
    NOT_RUN = "not_run"
    NO_EVIDENCE = "no_evidence"

    @property
    def words(self) -> str:
        """The verdict as a reader sees it."""
        return _SHOWN[self][0]

    @property
    def sign(self) -> str:
        """A sign that tells verdicts apart without colour."""
        return _SHOWN[self][1]

    @property
    def tone(self) -> Tone:
        """The colour's meaning: the claim stands, falls, stands with a reservation, or is open."""
        return _SHOWN[self][2]


_SHOWN: dict[Verdict, tuple[str, str, Tone]] = {
    Verdict.PROVED: ("proved", "✓", "good"),
    Verdict.PROVED_IF: ("proved only if …", "◐", "caution"),
    Verdict.REFUTED: ("refuted (counterexample)", "✗", "bad"),
    Verdict.VACUOUS: ("vacuous at the paper’s settings", "∅", "bad"),
    Verdict.REPRODUCED: ("reproduced", "✓", "good"),
    Verdict.NOT_REPRODUCED: ("not reproduced", "✗", "bad"),
    Verdict.REPRODUCED_BY_MASKING: ("reproduced, explained by masking", "⚠", "caution"),
    Verdict.NOT_RUN: ("not run at this scale", "○", "neutral"),
    Verdict.NO_EVIDENCE: ("no evidence", "○", "neutral"),
}
