"""Specifications go into a record and come back the same."""

import json
from dataclasses import asdict

import pytest

from natrob_empirical.models import (
    NETWORKS,
    PREACT_RESNET_18,
    RESNET_50,
    TABLE_A1_CIFAR10,
    TABLE_A1_MNIST,
    AnyModelSpecification,
    ModelSpecification,
    ResidualSpecification,
    resnet_20,
    resnet_56,
    specification_from,
)

ALL: list[AnyModelSpecification] = [
    *(ModelSpecification(label=name, network=name, field_convolutions=3) for name in NETWORKS),
    TABLE_A1_MNIST,
    TABLE_A1_CIFAR10,
    RESNET_50,
    PREACT_RESNET_18,
    resnet_20(step_size=0.1, step_placement="before_norm"),
    resnet_56(step_size=1e-10),
]


@pytest.mark.parametrize("specification", ALL, ids=lambda specification: specification.label)
def test_they_come_back_from_json(specification: AnyModelSpecification) -> None:
    assert specification_from(json.loads(json.dumps(asdict(specification)))) == specification


def test_settings_from_before_a_field_was_added_still_load() -> None:
    settings = {"label": "old", "network": "euler", "channels": 4}
    assert specification_from(settings) == ModelSpecification(label="old", network="euler", channels=4)


def test_a_record_holds_numbers_and_not_the_default() -> None:
    assert asdict(ResidualSpecification(label="a", network="resnet")) == {
        "label": "a",
        "network": "resnet",
        "step_size": 1.0,
        "step_placement": "after_norm",
        "blocks": 3,
        "width": 16,
    }
    assert (RESNET_50.blocks, RESNET_50.width) == (None, 64)


def test_bad_settings_are_named() -> None:
    with pytest.raises(TypeError, match="must name its `network`, got only label"):
        specification_from({"label": "a"})
    with pytest.raises(ValueError, match=r"unknown network 'resnet5'; did you mean .*resnet50"):
        specification_from({"label": "a", "network": "resnet5"})
    with pytest.raises(TypeError, match=r"a ResidualSpecification \(resnet50\) has no setting channels"):
        specification_from({"label": "a", "network": "resnet50", "channels": 3})
