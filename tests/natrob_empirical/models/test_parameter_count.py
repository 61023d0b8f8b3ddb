"""Counts without weights, and networks of the same count."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from natrob_empirical.models import (
    NETWORKS,
    THREE_BLOCKS,
    AnyModelSpecification,
    ModelSpecification,
    ResidualSpecification,
    build_classifier,
    matched_to,
    parameter_count,
    resnet_20,
)

SHAPE = (1, 8, 8)
COMPARED = ("euler", "polynet", "fractalnet", "revnet", "backward_euler")


@pytest.mark.parametrize(
    "specification",
    [
        *(ModelSpecification(label=name, network=name, field_convolutions=3) for name in NETWORKS),
        THREE_BLOCKS,
        ResidualSpecification(label="a", network="preact_resnet18", width=4),
    ],
    ids=lambda specification: specification.label,
)
def test_the_count_is_that_of_the_built_network(specification: Any) -> None:
    built = build_classifier(
        specification, image_shape=SHAPE, num_classes=7, generator=torch.Generator().manual_seed(0)
    )
    assert parameter_count(specification, SHAPE, 7) == sum(parameter.numel() for parameter in built.parameters())


def test_counting_needs_no_memory() -> None:
    terabytes = ResidualSpecification(label="vast", network="resnet50", width=64 * 256)
    assert parameter_count(terabytes, SHAPE, 10) > 10**12


@pytest.mark.parametrize("parameters", [20_000, 75_290, 853_018])
def test_the_skip_networks_match_within_five_per_cent(parameters: int) -> None:
    for network in COMPARED:
        specification = ModelSpecification(label=network, network=network, channels=16)
        matched = matched_to(specification, parameters, image_shape=SHAPE, num_classes=10)
        assert isinstance(matched, ModelSpecification)
        assert replace(matched, hidden=specification.hidden) == specification
        count = parameter_count(matched, SHAPE, 10)
        assert abs(count - parameters) <= 0.05 * parameters
        for neighbour in (matched.hidden - 1, matched.hidden + 1):
            other = parameter_count(replace(matched, hidden=neighbour), SHAPE, 10)
            assert abs(other - parameters) >= abs(count - parameters)


def test_a_residual_network_is_matched_by_its_width() -> None:
    small = matched_to(resnet_20(), 100_000, image_shape=SHAPE, num_classes=10, tolerance=0.1)
    assert isinstance(small, ResidualSpecification)
    assert small == replace(resnet_20(), width=small.width)
    assert abs(parameter_count(small, SHAPE, 10) - 100_000) <= 10_000


def test_a_size_is_its_own_match() -> None:
    specification: AnyModelSpecification
    for specification in (THREE_BLOCKS, ModelSpecification(label="a", network="revnet", hidden=23)):
        count = parameter_count(specification, SHAPE, 10)
        assert matched_to(specification, count, image_shape=SHAPE, num_classes=10, tolerance=0.0) == specification


def test_a_count_out_of_reach_is_named() -> None:
    specification = ModelSpecification(label="a", network="polynet")
    with pytest.raises(ValueError, match=r"`parameters` = 100 cannot be matched within 5.0% by polynet: `hidden` = 1 "):
        matched_to(specification, 100, image_shape=SHAPE, num_classes=10)
