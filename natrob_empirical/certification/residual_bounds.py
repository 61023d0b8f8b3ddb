"""Upper Lipschitz constants of a residual classifier, block by block."""

from dataclasses import replace

import torch

from natrob_empirical.certification.classifier_bounds import (
    BlockBounds,
    ClassifierBounds,
    ImageShape,
    Shape,
    classifier_bounds,
    outward_product,
)
from natrob_empirical.certification.layer_rules import branch_lipschitz, require_inputs_kept
from natrob_empirical.models import ResidualClassifier
from natrob_empirical.models.residual_block import ResidualBlock
from natrob_theory import Bound, LayerRefusedError, lipschitz_upper_bound
from natrob_theory.checks.residual_chains import residual_growth
from natrob_theory.layers.altered_layers import computes_as
from natrob_theory.layers.questions import output_shape


@classifier_bounds.register
def _(model: ResidualClassifier, image_shape: ImageShape) -> ClassifierBounds:
    """‖stem‖, Π L_σ(L_S + |h|K) over the blocks, and the last normalisation and the pool behind them."""
    stem = lipschitz_upper_bound(model.stem, input_shape=image_shape)
    entered = blocks_with_shapes(model, image_shape)
    blocks = [block_bounds(block, shape) for block, shape in entered]
    final = output_shape(*entered[-1])
    last = lipschitz_upper_bound(model.last, input_shape=final)
    pool = lipschitz_upper_bound(model.pool, input_shape=output_shape(model.last, final))
    trunk = Bound(
        value=outward_product(*(float(block.growth) for block in blocks)),
        kind="upper",
        assumptions=stem.assumptions,
        source="Π L_σ(L_S + |h|K_n) over the residual blocks",
    )
    return ClassifierBounds(
        stem=stem,
        field=max((block.branch for block in blocks), key=float),
        trunk=trunk,
        features=Bound(
            value=outward_product(float(pool), float(last), float(trunk), float(stem)),
            kind="upper",
            assumptions=trunk.assumptions,
            source=f"‖pool‖ · ‖last‖ · growth · ‖stem‖, growth by {trunk.source}",
        ),
        blocks=tuple(blocks),
    )


def block_bounds(block: ResidualBlock, input_shape: Shape) -> BlockBounds:
    """The constants of one block on states of this shape.

    Raises:
        LayerRefusedError: the block is altered, changes its state in place, or has a layer that cannot be bounded.
    """
    if not computes_as(block, ResidualBlock):
        raise LayerRefusedError(f"no Lipschitz upper bound is known for an altered {type(block).__name__}")
    shortcut = lipschitz_upper_bound(block.shortcut, input_shape=input_shape)
    branch = replace(shortcut, value=branch_lipschitz(block.branch, input_shape))
    require_inputs_kept(block, input_shape)
    activation = lipschitz_upper_bound(block.activation, input_shape=output_shape(block.shortcut, input_shape))
    growth = residual_growth(
        block.step_size, branch=float(branch), shortcut=float(shortcut), activation=float(activation)
    )
    return BlockBounds(
        step_size=block.step_size,
        branch=branch,
        shortcut=shortcut,
        activation=activation,
        growth=Bound(value=float(growth), kind="upper", assumptions=shortcut.assumptions, source="L_σ(L_S + |h|K)"),
    )


def blocks_with_shapes(model: ResidualClassifier, image_shape: ImageShape) -> list[tuple[ResidualBlock, Shape]]:
    """The blocks, each with the shape of the states that enter it."""
    found: list[tuple[ResidualBlock, Shape]] = []
    with torch.no_grad():
        state = model.stem(torch.zeros((1, *image_shape)).to(model.head.weight))
        for block in residual_blocks(model):
            found.append((block, tuple(state.shape[1:])))
            state = block(state)
    return found


def residual_blocks(model: ResidualClassifier) -> list[ResidualBlock]:
    """The blocks in order. Raises LayerRefusedError for a module among them that is no residual block."""
    found = []
    for block in model.blocks:
        if not isinstance(block, ResidualBlock):
            kind = type(block).__name__
            raise LayerRefusedError(f"the blocks of a residual classifier must be ResidualBlock, got {kind}")
        found.append(block)
    return found
