"""A constant is computed once per layer and shape within the block, and every time outside of it."""

import pytest
import torch
from torch import nn

from natrob_theory import lipschitz_upper_bound
from natrob_theory.layers.remembered import constants_remembered, remembered


def test_within_the_block_once_per_layer_and_shape_and_outside_every_time() -> None:
    calls: list[int] = []

    def compute() -> float:
        calls.append(1)
        return float(len(calls))

    first, second = nn.Identity(), nn.Identity()
    assert [remembered(first, (2,), compute) for _ in range(2)] == [1.0, 2.0]
    with constants_remembered():
        assert [remembered(first, (2,), compute) for _ in range(2)] == [3.0, 3.0]
        assert remembered(first, (3,), compute) == 4.0
        assert remembered(second, (2,), compute) == 5.0
    with constants_remembered():
        assert remembered(first, (2,), compute) == 6.0


def test_an_altered_layer_is_refused_within_the_block_too() -> None:
    layer = nn.Linear(3, 3)
    with constants_remembered():
        before = float(lipschitz_upper_bound(layer, input_shape=(3,)))
        layer.register_forward_hook(lambda _module, _inputs, output: -output)  # type: ignore[operator]
        with pytest.raises(TypeError, match="Linear"):
            lipschitz_upper_bound(layer, input_shape=(3,))
    assert before > 0


def test_one_decomposition_for_a_layer_that_is_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, counted = nn.Linear(4, 4), []
    svdvals = torch.linalg.svdvals

    def counting(matrix: torch.Tensor) -> torch.Tensor:
        counted.append(matrix.shape)
        return svdvals(matrix)

    monkeypatch.setattr(torch.linalg, "svdvals", counting)
    with constants_remembered():
        twice = float(lipschitz_upper_bound(nn.Sequential(layer, layer), input_shape=(4,)))
    assert len(counted) == 1
    assert twice == pytest.approx(float(lipschitz_upper_bound(layer, input_shape=(4,))) ** 2)
