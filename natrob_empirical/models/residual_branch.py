"""What the residual networks share: convolutions without bias, where h goes in a branch, initial weights."""

from torch import nn

from natrob_empirical.models.residual_block import ScaledBy
from natrob_empirical.models.residual_specification import ResidualSpecification


def convolution(channels: int, width: int, *, kernel_size: int = 3, stride: int = 1) -> nn.Conv2d:
    """A zero-padded convolution without bias: the normalisation that follows has one."""
    return nn.Conv2d(channels, width, kernel_size, stride=stride, padding=kernel_size // 2, bias=False)


def rectified_stem(channels: int, width: int) -> nn.Sequential:
    """A 3×3 convolution of stride 1, its normalisation and ReLU: the stem for small images."""
    return nn.Sequential(convolution(channels, width), nn.BatchNorm2d(width), nn.ReLU())


def placed_step(layers: list[nn.Module], specification: ResidualSpecification) -> tuple[nn.Sequential, float]:
    """The branch made of `layers`, and the step size that is left to its block."""
    if specification.step_placement == "after_norm":
        return nn.Sequential(*layers), specification.step_size
    last_norm = max(place for place, layer in enumerate(layers) if isinstance(layer, nn.BatchNorm2d))
    return nn.Sequential(*layers[:last_norm], ScaledBy(specification.step_size), *layers[last_norm:]), 1.0


def initialise_he_normal(network: nn.Module) -> None:
    """Convolutions by He's normal rule over their outputs; normalisations start as 1 and 0, linear layers as in torch.

    Source: He et al., ICCV 2015 (arXiv 1502.01852), (14) of section 2.2, the backward case; as torchvision's ResNets.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
