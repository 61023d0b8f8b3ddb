"""Where h sits relative to the normalisation: after it h matters, before it the normalisation divides h out again."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.models import RESIDUAL_NETWORKS, ResidualClassifier, ResidualSpecification, build_classifier


def build(network: str, **changes: Any) -> ResidualClassifier:
    return build_classifier(
        ResidualSpecification(label="a network", network=network, width=4, **changes),
        image_shape=(1, 16, 16),
        num_classes=10,
        generator=torch.Generator().manual_seed(0),
    ).double()


def relative_change(first: Tensor, second: Tensor) -> float:
    return float((first - second).detach().norm() / first.detach().norm())


def logits(network: str, placement: str, step_size: float, *, training: bool, eps: float = 1e-5) -> Tensor:
    model = build(network, step_placement=placement, step_size=step_size).train(training)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = eps
    x = torch.rand(6, 1, 16, 16, generator=torch.Generator().manual_seed(1)).double()
    with torch.no_grad():
        return model(x)


@pytest.mark.parametrize("network", RESIDUAL_NETWORKS)
def test_after_the_norm_the_step_size_matters(network: str) -> None:
    for training in (False, True):
        full, half = (logits(network, "after_norm", h, training=training) for h in (1.0, 0.5))
        assert relative_change(full, half) > 0.05


@pytest.mark.parametrize("network", RESIDUAL_NETWORKS)
def test_before_the_norm_training_cancels_the_step_size(network: str) -> None:
    full, half = (logits(network, "before_norm", h, training=True, eps=1e-14) for h in (1.0, 0.5))
    assert relative_change(full, half) < 1e-9
    # With the eps that training has it is nearly so, and the less the smaller eps is.
    full, half = (logits(network, "before_norm", h, training=True) for h in (1.0, 0.5))
    assert 1e-9 < relative_change(full, half) < 0.01


@pytest.mark.parametrize("network", RESIDUAL_NETWORKS)
def test_at_step_size_one_both_placements_are_the_published_network(network: str) -> None:
    for training in (False, True):
        after, before = (
            logits(network, placement, 1.0, training=training) for placement in ("after_norm", "before_norm")
        )
        torch.testing.assert_close(after, before, rtol=1e-12, atol=1e-12)


def test_with_statistics_of_another_step_size_evaluation_sees_it() -> None:
    full, half = (logits("resnet", "before_norm", h, training=False) for h in (1.0, 0.5))
    assert relative_change(full, half) > 0.05


def test_a_step_below_the_norms_eps_is_not_cancelled() -> None:
    """At h = 10⁻¹⁰ the variance h²·var is far below eps = 10⁻⁵, so the branch all but vanishes."""
    full, tiny = (build("resnet", step_placement="before_norm", step_size=h).train() for h in (1.0, 1e-10))
    y = torch.rand(6, 4, 16, 16, generator=torch.Generator().manual_seed(1)).double()
    branch: list[Any] = [model.blocks[0].branch for model in (full, tiny)]
    assert relative_change(branch[0](y), branch[0](y) + branch[1](y)) < 1e-6
