"""The residual block y ↦ σ(S y + h F(y)), its parameter-free layers, and the branches that the networks give it."""

from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from natrob_empirical.models.residual_specification import ResidualSpecification
from natrob_theory.numbers.argument_checks import require_count, require_finite


@final
class ResidualBlock(nn.Module):
    """y ↦ activation(shortcut(y) + step_size · branch(y)): one Euler step where shortcut and activation are identities.

    Args:
        branch: F, ending with the tensor that is added.
        shortcut: S, of the same output shape.
        activation: applied to the sum.
        step_size: h; 1 where the step sits inside the branch, before its last normalisation.
    """

    def __init__(self, branch: nn.Sequential, shortcut: nn.Module, activation: nn.Module, *, step_size: float) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut
        self.activation = activation
        self.step_size = require_finite("step_size", step_size)

    def forward(self, y: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch wider rows columns"]:
        """The next state."""
        change = self.branch(y)
        # h = 1 is the published network: no multiplication, so that its rounding is that network's too.
        scaled = change if self.step_size == 1.0 else self.step_size * change
        return self.activation(self.shortcut(y) + scaled)

    def extra_repr(self) -> str:
        """The step size, for print(net)."""
        return f"step_size={self.step_size:g}"


@final
class PaddedSubsampling(nn.Module):
    """The parameter-free shortcut: every `stride`-th pixel, and zeros in the channels that are new; ‖S‖₂ = 1.

    Source: He et al., arXiv 1512.03385, section 3.3, option A.
    """

    def __init__(self, extra_channels: int, *, stride: int) -> None:
        super().__init__()
        self.extra_channels = require_count("extra_channels", extra_channels, minimum=0)
        self.stride = require_count("stride", stride)

    def forward(self, y: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch wider rows columns"]:
        """The subsampled state, the new channels last."""
        return nn.functional.pad(y[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.extra_channels))

    def extra_repr(self) -> str:
        """Sizes, for print(net)."""
        return f"extra_channels={self.extra_channels}, stride={self.stride}"


@final
class ScaledBy(nn.Module):
    """y ↦ factor · y: the step size where it sits inside a branch."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = require_finite("factor", factor)

    def forward(self, y: Float[Tensor, "batch *state"]) -> Float[Tensor, "batch *state"]:
        """The scaled state."""
        return self.factor * y

    def extra_repr(self) -> str:
        """The factor, for print(net)."""
        return f"factor={self.factor:g}"


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
