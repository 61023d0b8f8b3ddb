"""Batch norm folded into the layer before it, against the dense matrix of the pair."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from natrob_theory import lipschitz_upper_bound

PAIRS = {
    "linear": (lambda: nn.Linear(5, 4), lambda: nn.BatchNorm1d(4), (5,)),
    "conv1d": (lambda: nn.Conv1d(2, 3, 3, padding=1), lambda: nn.BatchNorm1d(3), (2, 7)),
    "conv2d": (lambda: nn.Conv2d(2, 3, 3, padding=1, stride=2), lambda: nn.BatchNorm2d(3), (2, 6, 5)),
    "circular": (lambda: nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), lambda: nn.BatchNorm2d(3), (2, 4, 5)),
    "groups": (lambda: nn.Conv2d(4, 4, 3, padding=1, groups=2), lambda: nn.BatchNorm2d(4), (4, 4, 4)),
    "conv3d": (lambda: nn.Conv3d(1, 2, 3, padding=1), lambda: nn.BatchNorm3d(2), (1, 3, 3, 4)),
}


def drawn(module: nn.Sequential, seed: int) -> nn.Sequential:
    """The module in float64 and eval mode, weights and running variances drawn at random."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.double().parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
        for name, buffer in module.named_buffers():
            if name.endswith("running_var"):
                buffer.copy_(10.0 ** (2 * torch.rand(buffer.shape, generator=generator, dtype=torch.float64) - 1))
    return module.eval()


def dense_norm(module: nn.Module, shape: tuple[int, ...]) -> float:
    size = math.prod(shape)
    with torch.no_grad():
        columns = module(torch.eye(size).double().view(size, *shape)) - module(torch.zeros(1, *shape).double())
    return float(torch.linalg.matrix_norm(columns.flatten(1), ord=2))


def upper(module: nn.Module, shape: tuple[int, ...]) -> float:
    return float(lipschitz_upper_bound(module, input_shape=shape))


@pytest.mark.parametrize("name", PAIRS)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_pair_is_never_below_its_norm_and_never_above_the_product(name: str, seed: int) -> None:
    layer, norm, shape = PAIRS[name]
    pair = drawn(nn.Sequential(layer(), norm()), seed)
    exact, folded = dense_norm(pair, shape), upper(pair, shape)
    with torch.no_grad():
        outputs = tuple(pair[0](torch.zeros(1, *shape).double()).shape[1:])
    assert exact * (1 - 1e-13) <= folded
    assert folded <= upper(pair[0], shape) * upper(pair[1], outputs) * (1 + 1e-12)
    if name in ("linear", "circular"):
        assert folded <= exact * (1 + 1e-9)
        assert 0.99 * folded < exact


def test_folding_is_sharper_than_the_product_where_the_scales_differ() -> None:
    layer, norm = nn.Linear(2, 2), nn.BatchNorm1d(2, eps=0.0)
    with torch.no_grad():
        layer.weight.copy_(torch.diag(torch.tensor([10.0, 1.0])))
        norm.weight.copy_(torch.tensor([1.0, 10.0]))
    pair = nn.Sequential(layer, norm).double().eval()
    assert upper(pair, (2,)) == pytest.approx(10.0, rel=1e-12)
    assert upper(pair[0], (2,)) * upper(pair[1], (2,)) == pytest.approx(100.0, rel=1e-12)


class Doubled(nn.BatchNorm1d):
    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        return 2.0 * super().forward(input)


def test_what_is_no_such_pair_multiplies() -> None:
    """On sequences batch norm scales the positions, not the outputs of a Linear layer."""
    pair = drawn(nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)), 4)
    assert dense_norm(pair, (3, 3)) * (1 - 1e-13) <= upper(pair, (3, 3))
    assert upper(pair, (3, 3)) == pytest.approx(upper(pair[0], (3,)) * upper(pair[1], (3,)), rel=1e-12)
    apart = nn.Sequential(pair[0], nn.ReLU(), pair[1])
    assert upper(apart, (3,)) == pytest.approx(upper(pair[0], (3,)) * upper(pair[1], (3,)), rel=1e-12)


def test_batch_norm_in_training_mode_and_altered_ones_are_refused() -> None:
    with pytest.raises(ValueError, match="layer BatchNorm1d is in training mode"):
        lipschitz_upper_bound(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), input_shape=(2,))
    with pytest.raises(TypeError, match="layer Doubled with a forward other than that of BatchNorm1d"):
        lipschitz_upper_bound(nn.Sequential(nn.Linear(2, 2), Doubled(2)).eval(), input_shape=(2,))
