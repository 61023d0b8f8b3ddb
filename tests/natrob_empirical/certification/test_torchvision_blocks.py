"""torchvision's residual blocks: shortcut and branch add up, batch norms are folded, rounding is counted."""

import copy

import pytest
import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck

import natrob_empirical.certification  # noqa: F401  (registers the blocks)
from natrob_theory import LayerRefusedError
from natrob_theory.layers.questions import layer_error, layer_lipschitz
from tests.natrob_theory.layers.matrices import jacobian_norm

SHORTCUT = nn.Sequential(nn.Conv2d(4, 4, 1, stride=2, bias=False), nn.BatchNorm2d(4))


def prepared(block: nn.Module) -> nn.Module:
    """With running statistics of its own, in eval mode and float64."""
    generator = torch.Generator().manual_seed(0)
    for part in block.modules():
        if isinstance(part, nn.BatchNorm2d):
            for statistics, values in ((part.running_var, (0.5, 2.0)), (part.running_mean, (-1.0, 1.0))):
                assert statistics is not None
                statistics.uniform_(*values, generator=generator)
    return block.double().eval()


@pytest.mark.parametrize("kind", ["basic", "strided", "bottleneck"])
def test_no_jacobian_is_steeper_and_no_evaluation_rounds_more(kind: str) -> None:
    torch.manual_seed(0)
    made = {"basic": BasicBlock(4, 4), "strided": BasicBlock(4, 4, 2, copy.deepcopy(SHORTCUT))}
    block = prepared(made.get(kind) or Bottleneck(4, 1))
    point = torch.randn((4, 5, 5), dtype=torch.float64)
    constant = layer_lipschitz(block, (4, 5, 5))
    steepness = jacobian_norm(block, point)
    assert steepness <= constant <= 4 * steepness
    slope, offset = layer_error(block, (4, 5, 5), torch.tensor([1.0, 0.0], dtype=torch.float64), 2.0**-24).tolist()
    with torch.no_grad():
        value = block(point.float().double()[None])
        error = float((copy.deepcopy(block).float()(point.float()[None]).double() - value).norm())
    assert 0.0 < error <= slope * float(point.norm()) + offset


def test_shortcut_and_branch_add_up() -> None:
    block = prepared(BasicBlock(1, 1))
    with torch.no_grad():
        for part in (block.conv1, block.conv2):
            part.weight.zero_()  # type: ignore[union-attr]
            part.weight[0, 0, 1, 1] = 2.0  # type: ignore[union-attr]
        for part in (block.bn1, block.bn2):
            part.running_var.fill_(1.0 - part.eps)  # type: ignore[union-attr, operator]
            part.running_mean.zero_()  # type: ignore[union-attr, operator]
    assert layer_lipschitz(block, (1, 3, 3)) == pytest.approx(5.0, rel=1e-12)
    assert jacobian_norm(block, torch.ones((1, 3, 3), dtype=torch.float64)) == pytest.approx(5.0, rel=1e-12)


def test_a_branch_that_changes_the_state_and_training_mode_are_refused() -> None:
    trained = BasicBlock(4, 4)
    with pytest.raises(ValueError, match="BatchNorm2d is in training mode"):
        layer_lipschitz(trained, (4, 5, 5))
    assert int(trained.bn1.num_batches_tracked) == 0  # type: ignore[arg-type]
    block = prepared(BasicBlock(4, 4, norm_layer=lambda _channels: nn.Identity()))
    block.conv1 = nn.Identity()
    with pytest.raises(LayerRefusedError, match="set inplace=False"):
        layer_lipschitz(block, (4, 5, 5))
