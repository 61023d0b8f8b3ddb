"""A small classifier that can be cut after its first layer, a batch for it, and what its modules went through."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.models import initialised_with

CLASSES = 3
SIDE = 4


class SplitNet(nn.Module):
    """first → BatchNorm (if asked for) → tanh → linear, all smooth; in float64."""

    def __init__(self, first: nn.Module, *, batch_norm: bool) -> None:
        super().__init__()
        self.first_layer = first
        norm = nn.BatchNorm2d(2) if batch_norm else nn.Identity()
        self.rest = nn.Sequential(norm, nn.Tanh(), nn.Flatten(), nn.Linear(2 * SIDE * SIDE, CLASSES))

    def after_first_layer(self, z: Tensor) -> Tensor:
        return self.rest(z)

    def forward(self, x: Tensor) -> Tensor:
        return self.rest(self.first_layer(x))


BuildNet = Callable[..., SplitNet]


@pytest.fixture
def build_net() -> BuildNet:
    """A function that builds the same net each time; `curved` puts a tanh into the first layer."""

    def build(*, batch_norm: bool = False, curved: bool = False) -> SplitNet:
        with initialised_with(torch.Generator().manual_seed(3)):
            convolution = nn.Conv2d(1, 2, 3, padding=1)
            first = nn.Sequential(convolution, nn.Tanh()) if curved else convolution
            net = SplitNet(first, batch_norm=batch_norm)
        for parameter in net.parameters():
            parameter.data.mul_(3)  # curved enough for gradients to change along the path
        return net.double().train()

    return build


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    """Six images in float64, with pixels at 0, at 1 and near both, and labels of every class."""
    generator = torch.Generator().manual_seed(4)
    images = torch.rand((6, 1, SIDE, SIDE), generator=generator, dtype=torch.float64)
    images[:, :, 0, 0], images[:, :, 0, 1], images[:, :, 1, 0], images[:, :, 1, 1] = 0.0, 1.0, 0.01, 0.99
    return images, torch.tensor([0, 1, 2, 0, 1, 2])


@pytest.fixture
def stream() -> Callable[[int], torch.Generator]:
    """A generator at the start of the stream of a seed."""
    return lambda seed: torch.Generator().manual_seed(seed)


class Passes:
    """Counts forward and backward passes of a module."""

    def __init__(self, module: nn.Module) -> None:
        self.forward = 0
        self.backward = 0
        module.register_forward_hook(self._seen)

    def _seen(self, module: nn.Module, inputs: object, output: Tensor) -> None:
        self.forward += 1
        if output.requires_grad:
            output.register_hook(self._differentiated)

    def _differentiated(self, gradient: Tensor) -> None:
        self.backward += 1


@pytest.fixture
def count_passes() -> Callable[[nn.Module], Passes]:
    return Passes


@pytest.fixture
def gradients() -> Callable[[nn.Module], list[Tensor]]:
    """Copies of all parameters' gradients, which must be there and finite."""

    def collect(model: nn.Module) -> list[Tensor]:
        found = []
        for parameter in model.parameters():
            assert parameter.grad is not None
            assert torch.isfinite(parameter.grad).all()
            found.append(parameter.grad.clone())
        return found

    return collect
