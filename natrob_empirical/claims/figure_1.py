"""Figure 1's networks: ResNet-56 at ever smaller steps on CIFAR-10, or the nearest residual network that was run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, final

from natrob_empirical.claims.claim import Evidence
from natrob_empirical.claims.judgement import Judgement
from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.evidence.run import Model, Run

_PAPERS_BLOCKS: Final = 9
NOT_RUN: Final = Judgement(verdict=Verdict.NOT_RUN, reason="ResNet-56 was not run, and no shallower one either.")


@final
@dataclass(frozen=True, kw_only=True)
class StepSeries:
    """Residual networks of one run and depth, whose h stands behind every normalisation.

    Attributes:
        run: of all of them.
        base: the one with h = 1.
        small: those with the claim's steps, by falling h; at least one.
    """

    run: Run
    base: Model
    small: tuple[Model, ...]

    @property
    def is_papers(self) -> bool:
        """Whether it is ResNet-56 on CIFAR-10."""
        return self.run.dataset == "cifar10" and self.blocks == _PAPERS_BLOCKS

    @property
    def blocks(self) -> int:
        """Blocks a stage."""
        return int(self.base.specification.get("blocks", 0))

    def judged(self, verdict: Verdict, reason: str) -> tuple[Verdict, str]:
        """The verdict and its reason; of another network than the paper's, that it was not run, and the same number."""
        text = f"ResNet-{6 * self.blocks + 2} {reason}"
        return (verdict, text) if self.is_papers else (Verdict.NOT_RUN, f"ResNet-56 was not run; {text}")


def step_series(evidence: Evidence, exponents: Sequence[int]) -> StepSeries | None:
    """The paper's networks with h = 1 and 10^exponent, else the deepest others; None without any."""
    found = [each for run in evidence.runs for each in _in_run(run, [10.0**power for power in exponents])]
    return max(found, key=lambda each: (each.is_papers, each.blocks), default=None)


def _in_run(run: Run, steps: Sequence[float]) -> Iterator[StepSeries]:
    after = [m for m in run.models if m.network == "resnet" and m.plain and m.attacks
             and m.specification.get("step_placement") == "after_norm"]  # fmt: skip
    for base in after:
        same = [m for m in after if m.specification.get("blocks") == base.specification.get("blocks")]
        small = tuple(m for m in same if any(abs((m.step_size or 0) / step - 1) < 1e-6 for step in steps))
        if base.step_size == 1 and small:
            yield StepSeries(run=run, base=base, small=small)
