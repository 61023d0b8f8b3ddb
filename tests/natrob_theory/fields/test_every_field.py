"""Every kind of field that natrob has, under the contract of fields."""

from collections.abc import Iterator

import torch
from layer_contract import FieldContract
from torch import nn

import natrob_theory
from natrob_theory import (
    AutonomousField,
    DissipativeField,
    GradientFlowField,
    HamiltonianField,
    LinearField,
    ScaledField,
    SkewSymmetricField,
    SumField,
    convolutional_field,
    dense_field,
    diagonally_dominant_convolutional_field,
    diagonally_dominant_field,
)
from natrob_theory.layers.answers import AbstractField


class TestDenseFields(FieldContract):
    fields = (
        lambda: GradientFlowField.dense(4, 6),
        lambda: GradientFlowField.dense(4, 3, activation=nn.Tanh),
        lambda: SkewSymmetricField.dense(4),
        lambda: HamiltonianField.dense(2, 5, activation=nn.Tanh),
        lambda: LinearField(torch.randn(4, 4)),
        lambda: LinearField(-torch.diag(torch.rand(4))),
        lambda: dense_field(4, 7),
        lambda: AutonomousField(nn.Linear(4, 4)),
        lambda: AutonomousField(nn.Tanh()),
        lambda: AutonomousField(GradientFlowChain()),
    )
    input_shape = (4,)


class GradientFlowChain(nn.Sequential):
    """A chain of layers as a class of its own, which computes what a chain computes."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(4, 5), nn.ELU(), nn.Linear(5, 4))


class TestCombinations(FieldContract):
    fields = (
        lambda: DissipativeField(GradientFlowField.dense(4, 4), 0.7),
        lambda: DissipativeField(SkewSymmetricField.dense(4), 0.7),
        lambda: SumField([SkewSymmetricField.dense(4), GradientFlowField.dense(4, 5)]),
        lambda: SumField([LinearField(torch.randn(4, 4)), dense_field(4, 3)]),
        lambda: ScaledField(GradientFlowField.dense(4, 3), 0.3),
        lambda: ScaledField(GradientFlowField.dense(4, 3), -0.3),
        lambda: ScaledField(SkewSymmetricField.dense(4), -2.0),
        lambda: DissipativeField(ScaledField(SkewSymmetricField.dense(4), -2.0), 0.2),
    )
    input_shape = (4,)


class TestDominantFields(FieldContract):
    fields = (
        lambda: diagonally_dominant_field(4, 6, rate=1.5, margin=0.2),
        lambda: diagonally_dominant_field(4, 3, activation=nn.Tanh, norm="L1"),
    )
    input_shape = (4,)


class TestFieldsOfImages(FieldContract):
    fields = (
        lambda: diagonally_dominant_convolutional_field(2, 3, margin=0.5),
        lambda: GradientFlowField.convolutional(2, 3),
        lambda: SkewSymmetricField.convolutional(2, kernel_size=5),
        lambda: HamiltonianField.convolutional(1, 4),
        lambda: convolutional_field(2, 3),
    )
    input_shape = (2, 5, 6)


def fields_under_contract() -> Iterator[type]:
    for contract in FieldContract.__subclasses__():
        for build in contract.fields:
            yield from map(type, build().modules())


def test_every_field_that_is_handed_on_is_under_the_contract() -> None:
    handed_on = {
        one for one in vars(natrob_theory).values() if isinstance(one, type) and issubclass(one, AbstractField)
    }
    assert handed_on - {AbstractField} <= set(fields_under_contract())
