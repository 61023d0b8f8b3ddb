"""N1: the ceiling that the data sets at an L∞ radius of one half."""

from natrob_empirical.claims.claim import Claim, Evidence
from natrob_empirical.claims.proof_rules import by_proofs
from natrob_empirical.display.formatting import format_percent
from natrob_empirical.display.text import measured
from natrob_empirical.evidence.run import Run
from natrob_empirical.norms import IMPOSSIBLE_RADIUS
from natrob_empirical.paper import PrintedAccuracy, table_1
from natrob_empirical.records import Number


def ceiling(evidence: Evidence, dataset: str = "mnist") -> Number | None:
    """The largest class share of a data set's whole test set; None where no record holds its labels."""
    found = [run.largest_class_share for run in evidence.runs if run.dataset == dataset]
    return next((share for share in found if share is not None), None)


def above_ceiling(share: Number) -> tuple[PrintedAccuracy, ...]:
    """The paper's accuracies on MNIST at ε ≥ 0.5 that are above the ceiling, the highest first."""
    printed = [p for p in table_1("mnist") if p.epsilon >= IMPOSSIBLE_RADIUS and p.accuracy > share.value]
    return tuple(sorted(printed, key=lambda each: -each.accuracy))


def _reason(evidence: Evidence) -> str:
    share, others = ceiling(evidence), [share for run in evidence.runs if (share := _named(run))]
    if share is None:
        shown = f"; on {others[0]}" if others else ""
        return f"Proved from radius {measured('0.5')} on, where every ball holds the gray image{shown}."
    printed = [format_percent(each.accuracy, decimals=2) for each in above_ceiling(share)]
    number = measured(format_percent(share.value, kind="upper", decimals=2))
    return f"At most {number} of MNIST’s {share.n:,} test images; the paper prints {' and '.join(printed)} at ε = 0.5."


def _named(run: Run) -> str:
    share = run.largest_class_share
    return "" if share is None else f"{run.dataset} that is at most {format_percent(share.value, kind='upper')}"


CLAIM = Claim(
    id="N1",
    statement="If every pixel may change by half its range, no classifier keeps more images than the largest class.",
    place="natrob",
    rule=(
        "Proved: the proof by Coq is checked.",
        "The number is the largest class’s share of the whole test set, counted from its labels.",
    ),
    judge=by_proofs("proofs/coq/impossibility.v", reason=_reason),
    replay="make proofs",
)
