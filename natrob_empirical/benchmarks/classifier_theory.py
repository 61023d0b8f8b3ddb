"""The questions that the theory side asks a class of classifier; the seam for another class."""

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Final, Literal

import torch
from torch import Tensor, nn

from natrob_empirical.certification import ClassifierBounds
from natrob_empirical.models import AbstractClassifier
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.records import EvaluationStatistics, GridStatistics
from natrob_theory import Bound, BoundCheck, ImplicitSolveError, IntegrationError

EVALUATED_IMAGES = 8
"""So many images are run one by one to count the evaluations of a network whose cost is not on record anyhow."""

SEARCH_STATES = 16
"""The search for a lower constant starts from at most so many states of each of a few places along the trunk."""


SOLVE_FAILURES: Final = (IntegrationError, ImplicitSolveError, OverflowError)
"""Raised by an adaptive or implicit solve that fails, or by a state that overflows."""


class TheoryRefusedError(RuntimeError):
    """A trained model has no theory side; the message says why."""


@dataclass(frozen=True, kw_only=True)
class TrunkMeasurement:
    """The measurements and bounds along the trunk for some pairs of images.

    Attributes:
        bounds: upper constants.
        lower: the largest lower constant found of the field(s).
        searched: from how many states.
        block_lowers: the same of every block; empty for an integrator.
        paired: the check with each pair's own secant constants.
        from_upper: the check with upper constants; None where there is no bound from them.
        from_structure: the check with the factors whose product is `bounds.trunk`, which also knows of potentials, skew
            parts and dissipation; None where there is no bound.
        times: the grid of the curves.
        exponential: e^{KT} from the upper constants.
        exponential_upper, exponential_lower: the same with t for T, at `times`, from upper and from lower constants.
        step_size: h; None where there is no single one.
        grid: over the clean images.
    """

    bounds: ClassifierBounds
    lower: Bound
    searched: int
    block_lowers: tuple[Bound, ...]
    paired: BoundCheck
    from_upper: BoundCheck | None
    from_structure: BoundCheck | None
    times: Tensor
    exponential: Bound
    exponential_upper: Tensor
    exponential_lower: Tensor
    step_size: float | None
    grid: GridStatistics


class AbstractClassifierTheory(abc.ABC):
    """The theory side of one classifier, in eval mode and float64 unless said otherwise."""

    @abc.abstractmethod
    def entrance(self, images: Tensor) -> Tensor:
        """The states at the trunk's entrance."""

    @abc.abstractmethod
    def trunk(self, state: Tensor) -> Tensor:
        """The states at the trunk's end, with gradients."""

    @abc.abstractmethod
    def check_pairs(self, state: Tensor, perturbation: Tensor) -> BoundCheck:
        """The divergence of pairs at the trunk's entrance against the bound from their own secant constants.

        Raises:
            IntegrationError, ImplicitSolveError, OverflowError: a pair cannot be run.
        """

    @abc.abstractmethod
    def measure(self, state: Tensor, perturbation: Tensor, streams: RandomStreams) -> TrunkMeasurement:
        """Everything along the trunk for pairs that `check_pairs` can run.

        Raises:
            LayerRefusedError: a layer that cannot be bounded.
        """

    @abc.abstractmethod
    def evaluations(self, deployed: AbstractClassifier, images: Tensor) -> EvaluationStatistics:
        """The cost of a forward pass of the classifier in its own precision."""


@singledispatch
def theory_of(model: nn.Module, image_shape: tuple[int, int, int]) -> AbstractClassifierTheory:
    """The theory side of a classifier of this class, in eval mode and float64.

    Raises:
        TheoryRefusedError: nothing is known of this class.
    """
    raise TheoryRefusedError(
        f"no theory side is known for classifier {type(model).__name__}; register one with "
        f"natrob_empirical.benchmarks.classifier_theory.theory_of.register"
    )


def counted_evaluations(
    model: AbstractClassifier, evaluated: Sequence[nn.Module], images: Tensor
) -> EvaluationStatistics:
    """How often one forward pass calls the modules `evaluated`, image by image, over `EVALUATED_IMAGES` at most."""
    calls = 0

    def note(*_: object) -> None:
        nonlocal calls
        calls += 1

    handles = [module.register_forward_hook(note) for module in evaluated]
    counts = []
    try:
        with torch.no_grad():
            for image in images[:EVALUATED_IMAGES]:
                calls = 0
                model(image[None])
                counts.append(calls)
    finally:
        for handle in handles:
            handle.remove()
    return evaluation_statistics(torch.tensor(counts), torch.zeros(len(counts), dtype=torch.long))


def evaluation_statistics(evaluations: Tensor, rejected: Tensor) -> EvaluationStatistics:
    """Smallest, median and largest of one number an image."""
    return EvaluationStatistics(
        images=len(evaluations),
        smallest=int(evaluations.min()),
        median=_median(evaluations),
        largest=int(evaluations.max()),
        rejected_smallest=int(rejected.min()),
        rejected_median=_median(rejected),
        rejected_largest=int(rejected.max()),
    )


def grid_statistics(
    steps: Tensor, sizes: Sequence[float], products: Sequence[float], *, kind: Literal["fixed", "adaptive"]
) -> GridStatistics:
    """Smallest and largest of the numbers of steps, one an image, of the step sizes h and of the products hK."""
    return GridStatistics(
        images=len(steps),
        steps_smallest=int(steps.min()),
        steps_median=_median(steps),
        steps_largest=int(steps.max()),
        step_size_smallest=min(sizes),
        step_size_largest=max(sizes),
        hk_smallest=min(products),
        hk_largest=max(products),
        kind=kind,
    )


def _median(values: Tensor) -> float:
    """The middle value; of an even number of values the mean of the two in the middle."""
    return float(values.double().quantile(0.5))
