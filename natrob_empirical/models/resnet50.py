"""ResNet-50 for small images: torchvision's bottlenecks behind a 3×3 stem without max-pooling."""

from typing import Final

from torch import nn
from torchvision.models.resnet import Bottleneck

from natrob_empirical.models.classifiers import ResidualClassifier
from natrob_empirical.models.residual_block import (
    ResidualBlock,
    convolution,
    initialise_he_normal,
    placed_step,
    rectified_stem,
)
from natrob_empirical.models.residual_specification import ResidualSpecification

BLOCKS: Final = (3, 4, 6, 3)


def build_resnet50(specification: ResidualSpecification, channels: int, num_classes: int) -> ResidualClassifier:
    """Sixteen bottlenecks in four stages of inner widths w, 2w, 4w, 8w; the last three stages halve the image first.

    At h = 1 this is torchvision's `resnet50` with `conv1` of kernel 3 and stride 1 and no `maxpool`.

    Source: He et al., arXiv 1512.03385, Table 1; the stride sits in the 3×3 convolution, as torchvision has it.
    """
    width = specification.first_width
    blocks = []
    for stage, count in enumerate(BLOCKS):
        inner = specification.first_width * 2**stage
        for place in range(count):
            blocks.append(_block(_bottleneck(width, inner, 2 if stage > 0 and place == 0 else 1), specification))
            width = inner * Bottleneck.expansion
    stem = rectified_stem(channels, specification.first_width)
    network = ResidualClassifier(stem, blocks, head=nn.Linear(width, num_classes))
    initialise_he_normal(network)
    return network


def _bottleneck(width: int, inner: int, stride: int) -> Bottleneck:
    """torchvision's block, with a projection where the shape changes."""
    wider = inner * Bottleneck.expansion
    projection = None
    if stride > 1 or width != wider:
        projection = nn.Sequential(convolution(width, wider, kernel_size=1, stride=stride), nn.BatchNorm2d(wider))
    return Bottleneck(width, inner, stride, projection)


def _block(block: Bottleneck, specification: ResidualSpecification) -> ResidualBlock:
    """Takes the modules as branch, shortcut and activation; the ReLUs, one in-place module there, are fresh ones."""
    branch, step_size = placed_step(
        [block.conv1, block.bn1, nn.ReLU(), block.conv2, block.bn2, nn.ReLU(), block.conv3, block.bn3], specification
    )
    shortcut = nn.Identity() if block.downsample is None else block.downsample
    return ResidualBlock(branch, shortcut, nn.ReLU(), step_size=step_size)
