"""T16: whether small steps repair a ResNet, by Figure 1's networks."""

from typing import Final, NamedTuple

from natrob_empirical.claims.claim import Claim, Evidence
from natrob_empirical.claims.judgement import Judgement, Source, no_evidence
from natrob_empirical.claims.verdict import Verdict
from natrob_empirical.display.formatting import format_number, format_share
from natrob_empirical.display.text import measured
from natrob_empirical.evidence.kept import KeptImages, strongest
from natrob_empirical.evidence.run import Run
from natrob_empirical.statistics.share_intervals import wilson_interval

FEWEST_IMAGES: Final = 1_000
BLOCKS: Final = 9
"""Per stage of ResNet-56."""
RADIUS: Final = 0.1
LEAST, LARGEST = 1e-3, 1e-1
"""Step sizes with which section 3.1 asks for robustness."""


class _Scaled(NamedTuple):
    """A network whose branches h scales: clean accuracy on n images, and what attacks with `RADIUS` leave of it."""

    h: float
    clean: float
    n: int
    left: KeptImages | None
    label: str
    blocks: int | None


def _judge(evidence: Evidence) -> Judgement:
    runs = [(run, networks) for run in evidence.of("fig1") if (networks := _differing_in_h(run))]
    if not runs:
        return no_evidence("No residual networks that differ in the step size alone are on record.")
    judged = [
        _at_the_papers_scale(networks, _source(run, networks))
        for run, networks in runs
        if run.dataset == "cifar10" and networks[0].blocks == BLOCKS
    ]
    if len({each.verdict for each in judged}) > 1:
        return no_evidence("Runs disagree.", sources=[source for each in judged for source in each.sources])
    if judged:
        return judged[0]
    run, networks = max(runs, key=lambda each: each[1][0].n)
    return Judgement(
        verdict=Verdict.NOT_RUN,
        reason=f"ResNet-56 on CIFAR-10 was not run; a smaller one’s {_clean(networks)}.",
        sources=[_source(run, networks)],
    )


def _differing_in_h(run: Run) -> list[_Scaled]:
    """The networks of the depth that most have, largest h first; none unless two."""
    found = [
        _Scaled(
            h, clean.value, clean.n, strongest(model, "Linf", RADIUS), model.label, model.specification.get("blocks")
        )
        for model in run.models
        if model.network == "resnet" and model.specification.get("step_placement", "after_norm") == "after_norm"
        if (h := model.step_size) and (clean := model.clean_accuracy) and clean.n
    ]
    depths = [network.blocks for network in found]
    alike = [network for network in found if network.blocks == max(depths, key=depths.count)]
    return sorted(alike, reverse=True) if len(alike) > 1 else []


def _at_the_papers_scale(networks: list[_Scaled], source: Source) -> Judgement:
    attacked = [(each.left, each) for each in networks if LEAST <= each.h <= LARGEST and each.left]
    first, last = networks[0], networks[-1]
    if not attacked or min(first.n, last.n, *(min(left.n, each.n) for left, each in attacked)) < FEWEST_IMAGES:
        return no_evidence(f"n too small to decide: fewer than {FEWEST_IMAGES:,} images.", sources=[source])
    falls = [_below((last.clean, last.n), (first.clean, first.n))]
    falls += [_below((left.share, left.n), (each.clean, each.n)) for left, each in attacked]
    most = max((left.number for left, _ in attacked), key=lambda number: number.value)
    left = measured(format_share(most.value, kind="upper"))
    return Judgement(
        verdict=Verdict.REPRODUCED if all(falls) else Verdict.NOT_REPRODUCED,
        reason=f"ResNet-56’s {_clean(networks)}; attacks with radius {RADIUS} leave at most {left}.",
        attacked=most,
        sources=[source],
    )


def _below(small: tuple[float, int], large: tuple[float, int]) -> bool:
    """Whether the 95 % intervals of two shares of n images lie apart, in this order."""
    (_, top), (bottom, _) = (wilson_interval(round(share * n), n) for share, n in (small, large))
    return top < bottom


def _clean(networks: list[_Scaled]) -> str:
    """The clean accuracy with the largest and with the smallest step."""
    ends = (
        f"{measured(format_share(each.clean))} at h = {format_number(each.h).removeprefix('1·')}"
        for each in (networks[0], networks[-1])
    )
    return f"clean accuracy is {' and '.join(ends)}"


def _source(run: Run, networks: list[_Scaled]) -> Source:
    name = f"{run.name}: {networks[0].label} to {networks[-1].label}"
    return Source(kind="records", name=name, says=_clean(networks))


CLAIM = Claim(
    id="T16",
    statement="A small step size cannot repair a ResNet: it trains less efficiently and is not robust either.",
    place="3.1, 4.1",
    paper="h = 10⁻¹ … 10⁻³: no obvious robustness; 10⁻⁸ … 10⁻¹⁰: hard to train",
    rule=(
        "Reproduced: with ResNet-56 on CIFAR-10 the smallest h has less clean accuracy than the largest.",
        f"And attacks with an L∞ radius of {RADIUS} take accuracy at every h from 0.1 to 0.001.",
        f"Both beyond 95 % intervals over at least {FEWEST_IMAGES:,} images; else not reproduced.",
        "Not run: only smaller networks or other images are on record.",
    ),
    judge=_judge,
    replay="natrob report fig1 --preset cpu",
)
