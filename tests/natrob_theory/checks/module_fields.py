"""Random fields made of layers, with seeds: what the tests of ball arithmetic run."""

import torch
from torch import Tensor, nn

from natrob_theory import AutonomousField, LinearField, lipschitz_upper_bound

ACTIVATIONS: tuple[nn.Module, ...] = (nn.ReLU(), nn.LeakyReLU(0.1), nn.Tanh(), nn.Sigmoid(), nn.Hardtanh())


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def linear_layer(inputs: int, outputs: int, seed: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs).double()
    layer.weight.data = normal(outputs, inputs, seed=seed) / inputs**0.5
    layer.bias.data = normal(outputs, seed=seed + 1)
    return layer


def module_field(dimension: int, *, seed: int) -> nn.Module:
    """A linear field for every sixth seed, else two layers with an activation between."""
    if seed % 6 == 5:
        return LinearField(normal(dimension, dimension, seed=seed))
    hidden = dimension + seed % dimension
    return AutonomousField(
        nn.Sequential(
            linear_layer(dimension, hidden, seed), ACTIVATIONS[seed % 6], linear_layer(hidden, dimension, seed + 2)
        )
    )


def upper_constant(field: nn.Module, dimension: int) -> float:
    return float(lipschitz_upper_bound(field, input_shape=(dimension,)))
