"""The theory side of a classifier whose trunk is an integrator network."""

import math
from typing import final

import torch
from torch import Tensor

from natrob_empirical.benchmarks.classifier_theory import (
    SEARCH_STATES,
    AbstractClassifierTheory,
    TrunkMeasurement,
    counted_evaluations,
    evaluation_statistics,
    grid_statistics,
    theory_of,
)
from natrob_empirical.benchmarks.theory_curves import common_times
from natrob_empirical.certification import classifier_bounds, trunk_fields
from natrob_empirical.models import AbstractClassifier, IntegratorClassifier
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.records import EvaluationStatistics, GridStatistics
from natrob_theory import (
    Bound,
    BoundCheck,
    NeuralODE,
    StackedNeuralODE,
    check_bound,
    check_growth_bound,
    exponential_bound,
    lipschitz_lower_bound,
    one_sided_lipschitz_upper_bound,
)
from natrob_theory.layers.remembered import constants_remembered
from natrob_theory.networks import AbstractFixedStepNet
from natrob_theory.numbers.rounding import EPSILON

SEARCH_PLACES = 4
"""The states of the search lie at about so many times between the first and the last, and at the last."""

ADAPTIVE = (NeuralODE, StackedNeuralODE)

SEARCH_ENTRIES = 2**16
"""So many numbers the searched states hold together, or few more, so that large images cost what small ones do."""


@final
class IntegratorTheory(AbstractClassifierTheory):
    """Theorems for integrators: growth by the method's own formula, on one field with one constant K."""

    def __init__(self, model: IntegratorClassifier, image_shape: tuple[int, int, int]) -> None:
        self.model = model
        self.image_shape = image_shape

    def entrance(self, images: Tensor) -> Tensor:
        """The stem's output."""
        with torch.no_grad():
            return self.model.stem(images)

    def trunk(self, state: Tensor) -> Tensor:
        """The network's output."""
        return self.model.trunk(state)

    def check_pairs(self, state: Tensor, perturbation: Tensor) -> BoundCheck:
        """`check_bound` with the pair's secant constants."""
        return check_bound(self.model.trunk, state, perturbation)

    def measure(self, state: Tensor, perturbation: Tensor, streams: RandomStreams) -> TrunkMeasurement:
        """As promised; the bounds of a Neural ODE are those of the clean images' grids."""
        paired = self.check_pairs(state, perturbation)
        with constants_remembered():  # both ask for K of the same fields
            bounds = classifier_bounds(self.model, self.image_shape)
            bounded = not (math.isinf(float(bounds.trunk)) and bounds.trunk.source.startswith("none"))
            from_structure = check_growth_bound(self.model.trunk, state, perturbation) if bounded else None
        lower, searched = self._lower_bound(state, streams)
        times = common_times(paired)
        elapsed = (times - times[0]).tolist()
        start, end = float(paired.times.min()), float(paired.times.max())
        trunk = self.model.trunk
        return TrunkMeasurement(
            bounds=bounds,
            lower=lower,
            searched=searched,
            block_lowers=(),
            paired=paired,
            from_upper=self._check_with_upper_constant(state, perturbation, bounds.field) if bounded else None,
            from_structure=from_structure,
            times=times,
            exponential=_exponential(bounds.field, end - start),
            exponential_upper=torch.tensor([float(_exponential(bounds.field, time)) for time in elapsed]),
            exponential_lower=torch.tensor([float(_exponential(lower, time)) for time in elapsed]),
            step_size=trunk.step_size if isinstance(trunk, AbstractFixedStepNet) else None,
            grid=_grid(paired, float(bounds.field), adaptive=isinstance(trunk, ADAPTIVE)),
        )

    def evaluations(self, deployed: AbstractClassifier, images: Tensor) -> EvaluationStatistics:
        """From the solver's own record where there is one; else the calls of the field(s) are counted."""
        assert isinstance(deployed, IntegratorClassifier)
        trunk = deployed.trunk
        with torch.no_grad():
            state = deployed.stem(images)
            if isinstance(trunk, ADAPTIVE):
                trunk(state)
        if isinstance(trunk, ADAPTIVE) and (record := trunk.last_solve) is not None:
            return evaluation_statistics(record.evaluations, record.rejected)
        fields = [field for field, _ in trunk_fields(deployed, tuple(state.shape[1:]))]
        return counted_evaluations(deployed, fields, images)

    def _lower_bound(self, start: Tensor, streams: RandomStreams) -> tuple[Bound, int]:
        """The largest secant constant of the trunk's field(s) around states of the trunk, and how many states."""
        with torch.no_grad():
            states = self.model.trunk.trajectory(start[:SEARCH_STATES]).states
        visited = states[:: max(1, len(states) // SEARCH_PLACES)].flatten(0, 1)
        affordable = max(SEARCH_PLACES, SEARCH_ENTRIES // visited[0].numel())
        visited = visited[:: -(-len(visited) // affordable)]
        found = []
        for field, shape in trunk_fields(self.model, tuple(states.shape[2:])):
            points = visited[:, : shape[0]] if shape[0] != states.shape[2] else visited
            radius = float(points.flatten(1).norm(dim=1).mean())
            found.append(
                lipschitz_lower_bound(field, points, radius=radius, generator=streams.generator("lipschitz search"))
            )
        return max(found, key=float), len(visited)

    def _check_with_upper_constant(self, state: Tensor, perturbation: Tensor, lipschitz: Bound) -> BoundCheck:
        """The check against the bound from the upper K and μ."""
        trunk = self.model.trunk
        one_sided = self._upper_one_sided(tuple(state.shape[1:])) if trunk.stepper.growth_factors else None
        return check_bound(trunk, state, perturbation, lipschitz=lipschitz, one_sided=one_sided)

    def _upper_one_sided(self, state_shape: tuple[int, ...]) -> Bound:
        """The largest upper bound of μ over the trunk's fields."""
        fields = trunk_fields(self.model, state_shape)
        found = [one_sided_lipschitz_upper_bound(field, input_shape=shape) for field, shape in fields]
        return max(found, key=float)


theory_of.register(IntegratorClassifier, IntegratorTheory)


def _exponential(lipschitz: Bound, elapsed: float) -> Bound:
    """e^{tK}, which is ∞ where K is."""
    if math.isinf(float(lipschitz)):
        return Bound(value=math.inf, kind=lipschitz.kind if lipschitz.kind == "upper" else "estimate", source="K = ∞")
    return exponential_bound(lipschitz, 0.0, elapsed)


def _grid(check: BoundCheck, lipschitz: float, *, adaptive: bool) -> GridStatistics:
    """Steps and step sizes of every pair; a sample that has ended repeats its last time, which is no step."""
    times = check.times.double()
    own = times if times.dim() == 2 else times[:, None].expand(-1, check.distance.shape[1])
    sizes = own.diff(dim=0)
    steps = (sizes > 0).sum(dim=0)
    taken = sizes[sizes > 0]
    ends = [float(taken.min()), float(taken.max())]
    products = [size * lipschitz * (1.0 + 4 * EPSILON) for size in ends]
    return grid_statistics(steps, ends, products, kind="adaptive" if adaptive else "fixed")
