"""The ResNets of He et al. for small images: ResNet-20, ResNet-56, the one with three blocks, and PreAct-ResNet-18."""

from typing import Final

from torch import nn

from natrob_empirical.models.classifiers import ResidualClassifier
from natrob_empirical.models.residual_block import (
    PaddedSubsampling,
    ResidualBlock,
    convolution,
    initialise_he_normal,
    placed_step,
    rectified_stem,
)
from natrob_empirical.models.residual_specification import ResidualSpecification

STAGES: Final = 3
PREACT_BLOCKS: Final = (2, 2, 2, 2)


def build_resnet(specification: ResidualSpecification, channels: int, num_classes: int) -> ResidualClassifier:
    """6·blocks + 2 layers: a 3×3 stem, three stages of widths w, 2w, 4w, global average pooling, a linear head.

    The first block of the second and of the third stage halves the image; shortcuts have no parameters.

    Source: He et al., arXiv 1512.03385, section 4.2. The pixels enter as they are, in [0, 1].
    """
    widths = [specification.first_width * 2**stage for stage in range(STAGES)]
    blocks = []
    width = widths[0]
    for stage, wider in enumerate(widths):
        for place in range(specification.blocks_per_stage):
            stride = 2 if stage > 0 and place == 0 else 1
            blocks.append(_block(width, wider, stride, specification))
            width = wider
    network = ResidualClassifier(rectified_stem(channels, widths[0]), blocks, head=nn.Linear(width, num_classes))
    initialise_he_normal(network)
    return network


def _block(width: int, wider: int, stride: int, specification: ResidualSpecification) -> ResidualBlock:
    branch, step_size = placed_step(
        [
            convolution(width, wider, stride=stride),
            nn.BatchNorm2d(wider),
            nn.ReLU(),
            convolution(wider, wider),
            nn.BatchNorm2d(wider),
        ],
        specification,
    )
    changes = stride > 1 or wider != width
    shortcut = PaddedSubsampling(wider - width, stride=stride) if changes else nn.Identity()
    return ResidualBlock(branch, shortcut, nn.ReLU(), step_size=step_size)


def build_preact_resnet18(specification: ResidualSpecification, channels: int, num_classes: int) -> ResidualClassifier:
    """Eight pre-activation blocks in four stages of widths w, 2w, 4w, 8w behind a 3×3 convolution.

    Where a stage changes the shape, its projection shortcut and its branch both start from the activated state. That
    shared normalisation and ReLU is the `activation` of the block before, so that it runs once and every block stays
    shortcut + h·branch; all other activations are identities. h leaves it alone: it belongs to the state.

    Source: He et al., arXiv 1603.05027, section 3 and its appendix (the first block of a stage shares its
    pre-activation); widths and stem for 32×32 images as in the networks that TRADES and YOPO train.
    """
    widths = [specification.first_width * 2**stage for stage in range(len(PREACT_BLOCKS))]
    blocks = []
    width = widths[0]
    for stage, (wider, count) in enumerate(zip(widths, PREACT_BLOCKS, strict=True)):
        for place in range(count):
            projects = stage > 0 and place == 0
            projection_follows = place == count - 1 and stage < len(PREACT_BLOCKS) - 1
            activation = _activated(wider) if projection_follows else nn.Identity()
            blocks.append(_preact_block(width, wider, activation, specification, projects=projects))
            width = wider
    stem = nn.Sequential(convolution(channels, widths[0]))
    network = ResidualClassifier(stem, blocks, last=_activated(width), head=nn.Linear(width, num_classes))
    initialise_he_normal(network)
    return network


def _activated(width: int) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(width), nn.ReLU())


def _preact_block(
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
