"""The one sentence that the ledger comes to, and how many claims got which verdict."""

from collections.abc import Mapping

from natrob_empirical.claims.comparison_rules import WHITE_BOX, judged_pairs
from natrob_empirical.claims.ledger import Ledger
from natrob_empirical.claims.own.n01_ceiling import above_ceiling, ceiling
from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.display.formatting import format_percent
from natrob_empirical.display.text import measured
from natrob_empirical.evidence.pairs import neural_ode_pairs
from natrob_empirical.paper import PrintedAccuracy


def headline(ledger: Ledger) -> str:
    """At most 25 words with one measured value: what decides the question as far as this evidence goes.

    The ceiling decides it, where it is proved, MNIST's labels are counted and the paper prints more; else the
    comparison of networks of one size.
    """
    share, printed = ceiling(ledger.evidence), _above(ledger)
    if share is not None and printed:
        most = measured(format_percent(share.value, kind="upper", decimals=2))
        low, high = (format_percent(printed[end].accuracy, decimals=0) for end in (-1, 0))
        return (
            f"If pixels may change by half, no classifier keeps over {most} of MNIST: the paper’s "
            f"{low.removesuffix(' %')} to {high} measure its attacks, not robustness."
        )
    pairs = judged_pairs(ledger.evidence.runs, neural_ode_pairs, WHITE_BOX)
    if not pairs:
        return "Nothing is decided yet: no evidence is at hand."
    ahead = measured(f"{sum(pair.vote == 'for' for pair in pairs)} of {len(pairs)}")
    return (
        f"Trained alike and of one size, a Neural ODE kept more images under attack than a residual network in {ahead} "
        "comparisons."
    )


def _above(ledger: Ledger) -> tuple[PrintedAccuracy, ...]:
    """Lists the printed accuracies above the ceiling, if that is proved and MNIST's labels are counted."""
    share = ceiling(ledger.evidence)
    proved = ledger["N1"].judgement.verdict == Verdict.PROVED
    return above_ceiling(share) if proved and share is not None else ()


def behind_headline(ledger: Ledger) -> Mapping[str, str]:
    """The claims that the headline rests on, by identifier, and what each gives it."""
    if _above(ledger):
        return {"N1": "proof: N1", "E3": "the paper’s numbers: E3", "E4": "E4"}
    return {"E12": "evidence: E12"}


def tally(ledger: Ledger) -> Mapping[Verdict, int]:
    """How many claims have each verdict, in the order of the verdicts, those without a claim left out."""
    verdicts = [entry.judgement.verdict for entry in ledger.entries]
    return {verdict: verdicts.count(verdict) for verdict in Verdict if verdict in verdicts}
