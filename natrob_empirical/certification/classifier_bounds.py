"""Upper Lipschitz constants of a classifier's parts; the seam where another class of classifier gets its own."""

from dataclasses import dataclass
from functools import singledispatch
from typing import TypeAlias

import torch
from torch import nn

from natrob_empirical.models import IntegratorClassifier
from natrob_theory import Bound, LayerRefusedError, growth_upper_bound, lipschitz_upper_bound
from natrob_theory.networks import AbstractFixedStepNet, StackedNeuralODE
from natrob_theory.numbers.rounding import product_up

ImageShape: TypeAlias = tuple[int, int, int]
Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class BlockBounds:
    """Upper constants of one residual block y → σ(S y + h F(y)).

    Attributes:
        step_size: h, as it stands outside the branch.
        branch, shortcut, activation: K of F, L_S and L_σ.
        growth: L_σ(L_S + |h|K).
    """

    step_size: float
    branch: Bound
    shortcut: Bound
    activation: Bound
    growth: Bound


@dataclass(frozen=True, kw_only=True)
class ClassifierBounds:
    """Upper Lipschitz constants of a classifier's parts, L2.

    Attributes:
        stem: of the stem.
        field: of the trunk's field, the larger one for a coupled pair, the largest branch of a residual network.
        trunk: growth over all steps; value ∞ where the method has no bound from its fields' constants.
        features: of the map from images to features: ‖pool‖ · trunk · ‖stem‖, and what else stands between them.
        blocks: of a residual network, in order; empty for an integrator.
    """

    stem: Bound
    field: Bound
    trunk: Bound
    features: Bound
    blocks: tuple[BlockBounds, ...] = ()

    @property
    def parts(self) -> tuple[tuple[str, Bound], ...]:
        """Each part's name and its constant."""
        return ("stem", self.stem), ("field", self.field), ("trunk", self.trunk), ("features", self.features)


@dataclass(frozen=True, kw_only=True)
class ChainBounds:
    """The upper Lipschitz constant of a chain of layers, L2.

    Attributes:
        features: of the map from images to features.
    """

    features: Bound

    @property
    def parts(self) -> tuple[tuple[str, Bound], ...]:
        """Each part's name and its constant."""
        return (("features", self.features),)


@singledispatch
def classifier_bounds(model: nn.Module, image_shape: ImageShape) -> ClassifierBounds:
    """Upper constants of stem, field, trunk and features, layer by layer (theory, sections 1, 5 and 6).

    A Neural ODE must have been run: its growth bound is that of the grids on record.

    Raises:
        LayerRefusedError: a layer that cannot be bounded, or a class of classifier that nothing is known of.
    """
    raise LayerRefusedError(
        f"no Lipschitz upper bound is known for classifier {type(model).__name__}; register one with "
        f"natrob_empirical.certification.classifier_bounds.register"
    )


@classifier_bounds.register
def _(model: IntegratorClassifier, image_shape: ImageShape) -> ClassifierBounds:
    stem = lipschitz_upper_bound(model.stem, input_shape=image_shape)
    with torch.no_grad():
        state_shape = tuple(model.stem(torch.zeros((1, *image_shape)).to(model.head.weight)).shape[1:])
    field = field_bound(model, state_shape)
    pool = lipschitz_upper_bound(model.pool, input_shape=state_shape)
    try:
        trunk = growth_upper_bound(model.trunk, input_shape=state_shape).over_samples()
    except ValueError as refusal:
        trunk = Bound(value=float("inf"), kind="upper", source=f"none: {refusal}")
    return ClassifierBounds(
        stem=stem,
        field=field,
        trunk=trunk,
        features=Bound(
            value=outward_product(float(pool), float(trunk), float(stem)),
            kind="upper",
            assumptions=trunk.assumptions,
            source=f"‖pool‖ · growth · ‖stem‖, growth by {trunk.source}",
        ),
    )


def outward_product(*constants: float) -> float:
    """The product of nonnegative numbers, rounded outward and positive unless one is 0; ∞ for 0·∞: unknown."""
    return float("inf") if float("inf") in constants else product_up(*constants)


def field_bound(model: IntegratorClassifier, state_shape: Shape) -> Bound:
    """K of the trunk's field(s), the largest over the steps and, for RevNet, over the two halves."""
    fields = trunk_fields(model, state_shape)
    return max((lipschitz_upper_bound(field, input_shape=shape) for field, shape in fields), key=float)


def trunk_fields(model: IntegratorClassifier, state_shape: Shape) -> list[tuple[nn.Module, Shape]]:
    """The distinct fields of the trunk with the shape of the states each acts on."""
    trunk = model.trunk
    seen = (state_shape[0] // trunk.stepper.couplings, *state_shape[1:])
    modules = (
        list(trunk.fields) if isinstance(trunk, (AbstractFixedStepNet, StackedNeuralODE)) else list(trunk.children())
    )
    return [(field, seen) for module in modules for field in trunk.stepper.fields_of(module)]
