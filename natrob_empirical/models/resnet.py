"""The ResNets of He et al. for small images: ResNet-20, ResNet-56 and the network with three blocks."""

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
