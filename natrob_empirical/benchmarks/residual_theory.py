"""The theory side of a residual classifier: every block is a step with constants of its own."""

import math
from collections.abc import Sequence
from typing import Any, Final, final

import torch
from torch import Tensor, nn

from natrob_empirical.benchmarks.classifier_theory import (
    AbstractClassifierTheory,
    TrunkMeasurement,
    counted_evaluations,
    grid_statistics,
    theory_of,
)
from natrob_empirical.certification import BlockBounds, classifier_bounds, residual_blocks
from natrob_empirical.models import AbstractClassifier, ResidualBlock, ResidualClassifier
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.records import EvaluationStatistics, GridStatistics
from natrob_theory import Bound, BoundCheck, exponential_bound, lipschitz_lower_bound, lipschitz_upper_bound
from natrob_theory.checks.residual_chains import ResidualConstants, ResidualStep, check_residual_bound
from natrob_theory.layers.questions import output_shape
from natrob_theory.numbers.rounding import EPSILON

BLOCK_SEARCH_STATES = 4
BLOCK_SEARCH: Final[dict[str, Any]] = {"samples": 4, "ascent_steps": 8, "power_iterations": 10}
"""The search of every branch: from so many states, with so many evaluations, so that deep networks stay affordable."""

ROUNDING_LAYERS = (nn.Conv2d, nn.Linear, nn.BatchNorm2d)
"""Layers that round as dense layers do, or less; the others here select, pad or compare, or multiply once."""


@final
class ResidualTheory(AbstractClassifierTheory):
    """Theorems for residual blocks: Π L_σ(L_S + |h|K_n), K_n from each branch's own layers."""

    def __init__(self, model: ResidualClassifier, image_shape: tuple[int, int, int]) -> None:
        self.model = model
        self.image_shape = image_shape
        self.blocks = residual_blocks(model)

    def entrance(self, images: Tensor) -> Tensor:
        """The stem's output."""
        with torch.no_grad():
            return self.model.stem(images)

    def trunk(self, state: Tensor) -> Tensor:
        """All blocks."""
        for block in self.blocks:
            state = block(state)
        return state

    def check_pairs(self, state: Tensor, perturbation: Tensor) -> BoundCheck:
        """`check_residual_bound` with the pair's secant constants of shortcut and branch."""
        return check_residual_bound(self._steps(state), state, perturbation)

    def measure(self, state: Tensor, perturbation: Tensor, streams: RandomStreams) -> TrunkMeasurement:
        """As promised, with constants block by block."""
        bounds = classifier_bounds(self.model, self.image_shape)
        constants = [ResidualConstants(branch=block.branch, shortcut=block.shortcut) for block in bounds.blocks]
        paired = self.check_pairs(state, perturbation)
        lowers = self._lower_bounds(state, streams)
        upper_sums, lower_sums = (
            _partial_sums(bounds.blocks, constants) for constants in ([block.branch for block in bounds.blocks], lowers)
        )
        upper = [_exponential(bounds.blocks, total) for total in upper_sums]
        sizes = {block.step_size for block in bounds.blocks}
        from_upper = check_residual_bound(self._steps(state), state, perturbation, constants=constants)
        return TrunkMeasurement(
            bounds=bounds,
            lower=max(lowers, key=float),
            searched=min(len(state), BLOCK_SEARCH_STATES) * len(lowers),
            block_lowers=tuple(lowers),
            paired=paired,
            from_upper=from_upper,
            from_structure=from_upper,  # blocks have no factor but L_σ(L_S + |h|K)
            times=paired.times,
            exponential=upper[-1],
            exponential_upper=torch.tensor([float(bound) for bound in upper], dtype=torch.float64),
            exponential_lower=torch.tensor([_exponent(total) for total in lower_sums], dtype=torch.float64),
            step_size=sizes.pop() if len(sizes) == 1 else None,
            grid=_grid(bounds.blocks, images=len(state)),
        )

    def evaluations(self, deployed: AbstractClassifier, images: Tensor) -> EvaluationStatistics:
        """The branches run in one forward pass."""
        assert isinstance(deployed, ResidualClassifier)
        return counted_evaluations(deployed, [block.branch for block in residual_blocks(deployed)], images)

    def _steps(self, state: Tensor) -> list[ResidualStep]:
        """The blocks as `check_residual_bound` takes them."""
        steps, shape = [], tuple(state.shape[1:])
        for block in self.blocks:
            inside = output_shape(block.shortcut, shape)
            steps.append(
                ResidualStep(
                    branch=block.branch,
                    shortcut=block.shortcut,
                    activation=block.activation,
                    step_size=block.step_size,
                    activation_lipschitz=lipschitz_upper_bound(block.activation, input_shape=inside),
                    branch_layers=_rounding_layers(block.branch),
                    shortcut_layers=_rounding_layers(block.shortcut),
                    activation_layers=_rounding_layers(block.activation),
                )
            )
            shape = output_shape(block.activation, inside)
        return steps

    def _lower_bounds(self, start: Tensor, streams: RandomStreams) -> list[Bound]:
        """The largest secant constant of every block's branch around a few states that reach it."""
        state, found = start[:BLOCK_SEARCH_STATES], []
        generator = streams.generator("lipschitz search")
        for block in self.blocks:
            with torch.no_grad():
                after = block(state)
            found.append(_branch_lower_bound(block, state, after, generator))
            state = after
        return found


theory_of.register(ResidualClassifier, ResidualTheory)


def _rounding_layers(module: nn.Module) -> int:
    return sum(isinstance(layer, ROUNDING_LAYERS) for layer in module.modules())


def _branch_lower_bound(block: ResidualBlock, state: Tensor, after: Tensor, generator: torch.Generator) -> Bound:
    """A lower constant of F around these states.

    The search wants a field, which keeps the shape of its states. So flat vectors as long as the larger of F's two
    sides are searched: their first entries are the state, and zeros fill up what F gives. Entries that F does not see
    lengthen ‖z − y‖ only, so every secant constant found is at most one of F.
    """
    shape, entries = state.shape[1:], state[0].numel()
    length = max(entries, after[0].numel())

    def field(_time: Tensor, flat: Tensor) -> Tensor:
        value = block.branch(flat[:, :entries].reshape(-1, *shape)).flatten(1)
        return nn.functional.pad(value, (0, length - value.shape[1]))

    points = nn.functional.pad(state.flatten(1), (0, length - entries))
    radius = float(points.norm(dim=1).mean())
    return lipschitz_lower_bound(
        field, points, radius=radius if radius > 0 else 1.0, generator=generator, **BLOCK_SEARCH
    )


def _partial_sums(blocks: Sequence[BlockBounds], constants: Sequence[Bound]) -> list[float]:
    """Σ_{i<n} |h_i|K_i for n = 0 … N, rounded outward."""
    sums = [0.0]
    for block, constant in zip(blocks, constants, strict=True):
        sums.append((sums[-1] + abs(block.step_size) * float(constant)) * (1.0 + 4 * EPSILON))
    return sums


def _exponential(blocks: Sequence[BlockBounds], exponent: float) -> Bound:
    """The paper's e^{Σ h_n K_n}. It bounds the blocks only where no shortcut or activation expands."""
    plain = all(float(block.shortcut) <= 1.0 and float(block.activation) <= 1.0 for block in blocks)
    return Bound(
        value=_exponent(exponent),
        kind="upper" if plain else "estimate",
        source="(11): e^{Σ h_n K_n}"
        + ("" if plain else ", no bound here: a shortcut or an activation expands, which (11) does not allow for"),
    )


def _exponent(exponent: float) -> float:
    """e^x, rounded outward; ∞ where it overflows."""
    if math.isinf(exponent):
        return math.inf
    return float(exponential_bound(exponent, 0.0, 1.0))


def _grid(blocks: Sequence[BlockBounds], *, images: int) -> GridStatistics:
    """The blocks as steps."""
    sizes = [abs(block.step_size) for block in blocks]
    products = [abs(block.step_size) * float(block.branch) * (1.0 + 4 * EPSILON) for block in blocks]
    return grid_statistics(torch.full((images,), len(blocks)), sizes, products, kind="fixed")
