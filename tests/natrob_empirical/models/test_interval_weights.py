"""Weights whose intervals keep their size."""

import math

import pytest
import torch
from torch import nn

from natrob_empirical.models import IntegratorClassifier, ModelSpecification, build_classifier
from natrob_empirical.models.specification import Initialisation
from natrob_empirical.training import worst_logits


def built(initialisation: Initialisation, *, seed: int = 0) -> IntegratorClassifier:
    specification = ModelSpecification(
        label="a",
        network="euler",
        channels=200,
        hidden=100,
        num_steps=2,
        stem_convolutions=2,
        initialisation=initialisation,
    )
    generator = torch.Generator().manual_seed(seed)
    return build_classifier(specification, image_shape=(1, 16, 16), num_classes=10, generator=generator)


def test_mean_sizes_are_two_over_the_inputs() -> None:
    modules = [module for module in built("interval").modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    assert len(modules) == 6
    for module in modules:
        size = float(module.weight.detach().abs().mean()) * module.weight[0].numel()
        assert size == pytest.approx(2.0, rel=4 / math.sqrt(module.weight.numel()))


def test_worst_logits_are_closer_than_those_of_plain_weights() -> None:
    images, labels = torch.rand((8, 1, 16, 16)), torch.arange(8)
    names: tuple[Initialisation, ...] = ("torch", "interval")
    reach = {}
    for name in names:
        model = built(name)
        with torch.no_grad():
            worst, clean = (worst_logits(model, images, labels, epsilon) for epsilon in (0.1, 0.0))
        reach[name] = float((worst - clean).mean())
    assert reach["interval"] < 0.5 * reach["torch"]


def test_the_generator_draws_them() -> None:
    one, again, other = (built("interval", seed=seed).head.weight for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
