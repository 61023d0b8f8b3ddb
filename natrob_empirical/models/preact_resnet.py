"""PreAct-ResNet-18: normalisation and ReLU come before the convolutions, and the sum is left as it is."""

from typing import Final

from torch import nn

from natrob_empirical.models.classifiers import ResidualClassifier
from natrob_empirical.models.residual_block import ResidualBlock, convolution, initialise_he_normal, placed_step
from natrob_empirical.models.residual_specification import ResidualSpecification

BLOCKS: Final = (2, 2, 2, 2)


def build_preact_resnet18(specification: ResidualSpecification, channels: int, num_classes: int) -> ResidualClassifier:
    """Eight pre-activation blocks in four stages of widths w, 2w, 4w, 8w behind a 3×3 convolution.

    Where a stage changes the shape, its projection shortcut and its branch both start from the activated state. That
    shared normalisation and ReLU is the `activation` of the block before, so that it runs once and every block stays
    shortcut + h·branch; all other activations are identities. h leaves it alone: it belongs to the state.

    Source: He et al., arXiv 1603.05027, section 3 and its appendix (the first block of a stage shares its
    pre-activation); widths and stem for 32×32 images as in the networks that TRADES and YOPO train.
    """
    widths = [specification.first_width * 2**stage for stage in range(len(BLOCKS))]
    blocks = []
    width = widths[0]
    for stage, (wider, count) in enumerate(zip(widths, BLOCKS, strict=True)):
        for place in range(count):
            projects = stage > 0 and place == 0
            projection_follows = place == count - 1 and stage < len(BLOCKS) - 1
            activation = _activated(wider) if projection_follows else nn.Identity()
            blocks.append(_block(width, wider, activation, specification, projects=projects))
            width = wider
    stem = nn.Sequential(convolution(channels, widths[0]))
    network = ResidualClassifier(stem, blocks, last=_activated(width), head=nn.Linear(width, num_classes))
    initialise_he_normal(network)
    return network


def _activated(width: int) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(width), nn.ReLU())


def _block(
    width: int, wider: int, activation: nn.Module, specification: ResidualSpecification, *, projects: bool
) -> ResidualBlock:
    """A block; with `projects` the state arrives activated, is halved in size and widened."""
    stride = 2 if projects else 1
    layers = [
        convolution(width, wider, stride=stride), nn.BatchNorm2d(wider), nn.ReLU(), convolution(wider, wider)
    ]  # fmt: skip
    branch, step_size = placed_step(layers if projects else [*_activated(width), *layers], specification)
    shortcut = convolution(width, wider, kernel_size=1, stride=stride) if projects else nn.Identity()
    return ResidualBlock(branch, shortcut, activation, step_size=step_size)
