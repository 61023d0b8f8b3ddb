"""The paper's claims that the records touch, each with what the records say of it.

The paper is "Towards Natural Robustness Against Adversarial Examples"; its numbering is used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

from natrob_empirical.display.formatting import MISSING
from natrob_empirical.reporting.findings import Finding, Verdict


@final
@dataclass(frozen=True, kw_only=True)
class ClaimRow:
    """A claim with its verdict.

    Attributes:
        claim: in our words.
        place: where the paper makes it.
        verdict: what these records say.
        evidence: the numbers behind the verdict, in a few words; the findings have them in full.
    """

    claim: str
    place: str
    verdict: Verdict
    evidence: str


CLAIMS: Final = (
    (
        "A perturbation grows inside the network by at most the method's growth factor per step.",
        "(10), (11)",
        "bound-held",
    ),
    ("That bound limits what an attack can do.", "section 3", "vacuity"),
    (
        "A discrete network with h = 1 loses the bound that the continuous limit has.",
        "section 3",
        "discrete-exponential",
    ),
    ("Smaller steps make a network of the same kind more robust.", "section 3, Figure 1", "step-size"),
    ("A Neural ODE is naturally more robust than discrete networks, without any defence.", "section 4", "neural-ode"),
    ("The growth of perturbations is what accuracy under attack depends on.", "section 3", "bound-accuracy"),
    ("Images whose perturbations grow more are the ones that attacks fool.", "section 3", "sample-explanation"),
    (
        "High accuracy under attack at L∞ ε = 0.5 on images in [0, 1] (the paper: PGD and FGSM) is robustness.",
        "section 4",
        "impossibility",
    ),
)


def claim_rows(findings: Sequence[Finding], *, own: Sequence[tuple[str, str, str]] = ()) -> tuple[ClaimRow, ...]:
    """One row per claim; a claim whose finding the records do not allow is "not tested here".

    Args:
        findings: of the section.
        own: (claim, place, name of its finding) of the figure or table that the section is about; these come first.
    """
    by_name = {finding.name: finding for finding in findings}
    rows: list[ClaimRow] = []
    for claim, place, name in (*own, *CLAIMS):
        finding = by_name.get(name)
        rows.append(
            ClaimRow(
                claim=claim,
                place=place,
                verdict="not tested here" if finding is None else finding.verdict,
                evidence=MISSING if finding is None else finding.summary or MISSING,
            )
        )
    return tuple(rows)
