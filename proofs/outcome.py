"""What came of one check, and its line of output."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One checked claim.

    Attributes:
        path: the proof file, or what else was checked.
        subject: the claim's verdict and title, in a few words.
        failure: why the check failed; empty if it passed.
    """

    path: str
    subject: str
    failure: str = ""

    @property
    def passed(self) -> bool:
        """Whether the claim is proved."""
        return not self.failure

    def line(self) -> str:
        """One line for the terminal."""
        word = "ok    " if self.passed else "FAILED"
        reason = "" if self.passed else f" | {' '.join(self.failure.split())}"
        return f"{word} {self.path:<58} {self.subject}{reason}"
