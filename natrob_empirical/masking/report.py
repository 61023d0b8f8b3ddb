"""The findings of a diagnosis: flags, the evidence of every check, and a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, final

from .flag import Flag

Status = Literal["raised", "clear", "not run"]

CAVEAT = (
    "Every accuracy under attack is an upper bound of the robust accuracy, and a diagnosis without a flag shows no "
    "robustness: only a certificate does."
)


@final
@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The finding of one check.

    Attributes:
        flag: what it looks for.
        status: "raised", "clear", or "not run".
        sentence: the finding in words; of a check that was not run, the reason.
        numbers: what the sentence rests on, the number of images `n` among them.
        settings: of the attacks or probes.
    """

    flag: Flag
    status: Status
    sentence: str
    numbers: Mapping[str, int | float]
    settings: str = ""


def judged(flag: Flag, raised: bool, sentence: str, *, n: int, settings: str = "", **numbers: int | float) -> Evidence:
    """The evidence of a check that was run: the flag is raised, or clear."""
    status = "raised" if raised else "clear"
    return Evidence(flag=flag, status=status, sentence=sentence, numbers={"n": n, **numbers}, settings=settings)


def not_run(flag: Flag, reason: str, *, n: int) -> Evidence:
    """The evidence of a check that was not run."""
    return Evidence(flag=flag, status="not run", sentence=reason, numbers={"n": n})


@final
@dataclass(frozen=True, kw_only=True)
class MaskingReport:
    """The outcome of a diagnosis.

    Attributes:
        flags: those that were raised.
        evidence: of every check, those that were not run included.
        verdict: one sentence. It never calls a model robust: no attack can show that.
        note: what else to know of how the model was judged; empty if nothing.
    """

    flags: tuple[Flag, ...]
    evidence: tuple[Evidence, ...]
    verdict: str
    note: str = ""

    def of(self, flag: Flag) -> tuple[Evidence, ...]:
        """The evidence on one flag."""
        return tuple(item for item in self.evidence if item.flag == flag)

    def lines(self) -> list[str]:
        """The report as text: the verdict, what was raised and what to do, what was clear, what was not run."""
        text = [self.verdict, *(["", self.note] if self.note else [])]
        for title, status in (("Raised", "raised"), ("Clear", "clear"), ("Not run", "not run")):
            items = [item for item in self.evidence if item.status == status]
            if items:
                text += ["", f"{title}:"]
            for item in items:
                text.append(f"- {item.flag.name}: {item.sentence}")
                if status == "raised" and item.settings:
                    text.append(f"  settings: {item.settings}")
                if status == "raised":
                    text += [f"  means: {item.flag.meaning}", f"  next: {item.flag.advice}"]
        return [*text, "", CAVEAT]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def conclude(evidence: Sequence[Evidence]) -> MaskingReport:
    """The report on this evidence."""
    flags = tuple(dict.fromkeys(item.flag for item in evidence if item.status == "raised"))
    return MaskingReport(flags=flags, evidence=tuple(evidence), verdict=_verdict(flags, evidence))


def _verdict(flags: Sequence[Flag], evidence: Sequence[Evidence]) -> str:
    masking = [flag.name for flag in flags if flag.kind == "masking"]
    weak = [flag.name for flag in flags if flag.kind == "weak attack"]
    left_out = sum(item.status == "not run" for item in evidence)
    checks = f"{len(evidence) - left_out} checks, {left_out} not run"
    if masking:
        return f"signs of masking: {', '.join([*masking, *weak])} ({checks})"
    if weak:
        return f"the attack is too weak to tell: {', '.join(weak)} ({checks})"
    if len(evidence) == left_out:
        return f"nothing to diagnose: none of {left_out} checks could run"
    return f"no sign of masking ({checks})"
