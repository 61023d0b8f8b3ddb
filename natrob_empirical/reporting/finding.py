"""A finding: one statement computed from records."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

Level: TypeAlias = Literal["result", "caution", "alarm"]
Verdict: TypeAlias = Literal["holds", "does not hold", "undecided", "not tested here"]


@final
@dataclass(frozen=True, kw_only=True)
class Finding:
    """A statement with its numbers.

    Attributes:
        name: identifies the finding; a claim refers to it.
        text: one or more sentences.
        summary: the same in a few words, for the table of claims; empty where no claim needs it.
        level: "alarm" where a proved inequality is broken (a bug), "caution" where a number must not be trusted
            as it stands, "result" otherwise.
        verdict: what it means for the claim that it belongs to.
    """

    name: str
    text: str
    summary: str = ""
    level: Level = "result"
    verdict: Verdict = "undecided"


def count_of(part: int, whole: int, thing: str) -> str:
    """ "3 of 5 models", "the 1 model", "none of 5 models"."""
    plural = thing if whole == 1 else f"{thing}s"
    return f"{'none' if part == 0 else f'{part:,}'} of {whole:,} {plural}"
