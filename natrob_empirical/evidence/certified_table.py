"""The certified table: networks by norm and radius, each between what is proved and what attacks leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

from natrob_empirical.evidence.ceilings import ceiling_curve, ceiling_of
from natrob_empirical.evidence.image_bounds import ImageBounds, image_bounds
from natrob_empirical.evidence.run import Run

CERTIFIED: Final = "certified"
"""Runs of this experiment show all their networks, also those without any certificate."""
_DATASETS: Final = ("mnist", "digits", "cifar10")
_NORMS: Final = ("L2", "Linf", "L1")


@final
@dataclass(frozen=True, kw_only=True)
class Standing:
    """One network at one radius, on the same images in every number.

    Attributes:
        epsilon: the radius.
        certified: share proved, a lower bound of the robust accuracy.
        attacked: share that all attacks together leave, an upper bound.
        undecided: how many images are neither.
        ceiling: the share that no classifier exceeds; None where no record holds it.
    """

    epsilon: float
    certified: float
    attacked: float
    undecided: int
    ceiling: float | None


@final
@dataclass(frozen=True, kw_only=True)
class NetworkRow:
    """One network in one norm.

    Attributes:
        label: of the network, with its run where another has the same label in the panel.
        run: that it is of.
        images: how many the numbers are about.
        methods: the certificates tried; none where they were refused.
        standings: by radius.
    """

    label: str
    run: Run
    images: int
    methods: tuple[str, ...]
    standings: tuple[Standing, ...]

    @property
    def any_certified(self) -> bool:
        """Whether anything is proved at one of the radii."""
        return any(each.certified > 0 for each in self.standings)

    @property
    def order(self) -> tuple[float, ...]:
        """Sorts what is proved most first, then what attacks leave most of."""
        count = len(self.standings)
        certified = sum(each.certified for each in self.standings) / count
        return (-certified, -sum(each.attacked for each in self.standings) / count)

    def at(self, epsilon: float) -> Standing | None:
        """The network at this radius; None where it was not attacked."""
        return next((each for each in self.standings if each.epsilon == epsilon), None)


@final
@dataclass(frozen=True, kw_only=True)
class Panel:
    """All networks of one data set in one norm.

    Attributes:
        dataset, norm: as in the records.
        rows: the most proved first.
    """

    dataset: str
    norm: str
    rows: tuple[NetworkRow, ...]

    @property
    def epsilons(self) -> tuple[float, ...]:
        """Every radius that some network was attacked at, in order."""
        return tuple(sorted({each.epsilon for row in self.rows for each in row.standings}))


def certified_panels(runs: Sequence[Run]) -> tuple[Panel, ...]:
    """The panels in which something is certified, MNIST and L2 first; none where nothing is.

    A network is in them if something of it is certified. The others come along from the runs made for certificates, or
    from all runs of a data set that has none of those: they show what being undecided and falling look like.
    """
    found = [(run, bounds) for run in runs for bounds in image_bounds(run) if any(each > 0 for each in bounds.epsilons)]
    made_for_it = {run.dataset for run, _ in found if run.experiment == CERTIFIED}
    kept = [
        (run, bounds)
        for run, bounds in found
        if run.experiment == CERTIFIED or run.dataset not in made_for_it or _any_certified(bounds)
    ]
    certified = {(run.dataset, bounds.norm) for run, bounds in kept if _any_certified(bounds)}
    return tuple(_panel(*place, kept) for place in sorted(certified, key=lambda place: _order(*place)))


def _any_certified(bounds: ImageBounds) -> bool:
    return any(bounds.certified(epsilon) > 0 for epsilon in bounds.epsilons if epsilon > 0)


def _order(dataset: str, norm: str) -> tuple[object, ...]:
    return (*_place(dataset, _DATASETS), *_place(norm, _NORMS))


def _place(name: str, known: Sequence[str]) -> tuple[int, str]:
    """Known names in their order, then the others by the alphabet."""
    return (known.index(name) if name in known else len(known), name)


def _panel(dataset: str, norm: str, found: Sequence[tuple[Run, ImageBounds]]) -> Panel:
    here = [(run, bounds) for run, bounds in found if (run.dataset, bounds.norm) == (dataset, norm)]
    labels = [bounds.model for _, bounds in here]
    rows = [
        NetworkRow(
            label=bounds.model if labels.count(bounds.model) == 1 else f"{bounds.model} ({run.source or run.preset})",
            run=run,
            images=len(bounds),
            methods=bounds.methods,
            standings=tuple(_standing(run, bounds, epsilon) for epsilon in bounds.epsilons if epsilon > 0),
        )
        for run, bounds in here
    ]
    return Panel(dataset=dataset, norm=norm, rows=tuple(sorted(rows, key=lambda row: row.order)))


def _standing(run: Run, bounds: ImageBounds, epsilon: float) -> Standing:
    return Standing(
        epsilon=epsilon,
        certified=bounds.certified(epsilon),
        attacked=bounds.attacked(epsilon),
        undecided=bounds.undecided(epsilon),
        ceiling=_ceiling(run, bounds, epsilon),
    )


def _ceiling(run: Run, bounds: ImageBounds, epsilon: float) -> float | None:
    """From the run's ceilings, and from an attack on as many images where the labels alone give one."""
    n = len(bounds)
    curve = ceiling_curve(run, bounds.norm, n)
    known = [None if curve is None else curve.share(epsilon)]
    known += [
        ceiling_of(run, result, bounds.norm, epsilon)
        for _, radius, result in bounds.attacks
        if radius == epsilon and result.accuracy.n == n
    ]
    return min((each for each in known if each is not None), default=None)
