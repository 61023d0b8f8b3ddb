"""What identifies a training must not change for those that are published."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.training import (
    AbstractTrainingMethod,
    MarginTraining,
    PGDAdversarialTraining,
    StepOutcome,
    TrainingSpecification,
)

PUBLISHED = {
    "method": {"name": "pgd", "epsilon": 0.1, "step_size": 0.02, "steps": 3, "attack_mode": "train"},
    "epochs": 12,
    "batch_size": 64,
    "optimiser": "adamw",
    "learning_rate": 0.01,
    "momentum": 0.9,
    "weight_decay": 0.0,
    "schedule": "cosine",
    "milestones": (),
    "augmentation": "none",
    "engine": {"precision": "float32", "tf32": False, "channels_last": False, "compiled": False},
}
METHOD = PGDAdversarialTraining(epsilon=0.1, step_size=0.02, steps=3)


def test_settings_are_those_of_the_published_records() -> None:
    settings = TrainingSpecification(method=METHOD).settings()
    assert settings == PUBLISHED
    assert list(settings) == list(PUBLISHED)


def test_an_added_setting_is_part_of_them_once_it_is_used() -> None:
    assert TrainingSpecification(method=METHOD, warmup=0.1).settings() == {**PUBLISHED, "warmup": 0.1}


def test_a_method_inside_a_method_is_named_too() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Outer(AbstractTrainingMethod):
        name: ClassVar[str] = "outer"
        factor: float
        method: AbstractTrainingMethod

        def backward(
            self, model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator
        ) -> StepOutcome:
            return self.method.backward(model, images, labels, generator=generator)

    settings = Outer(factor=2.0, method=MarginTraining(offset=0.5, temperature=0.1)).settings()
    assert settings == {"name": "outer", "factor": 2.0, "method": {"name": "margin", "offset": 0.5, "temperature": 0.1}}


def test_a_warmup_must_leave_steps() -> None:
    for warmup, message in ((1.0, "`warmup` must be less than 1"), (-0.1, "`warmup` must be at least 0, got -0.1")):
        with pytest.raises(ValueError, match=message):
            TrainingSpecification(warmup=warmup)


def test_a_limit_of_the_gradient_must_be_positive() -> None:
    with pytest.raises(ValueError, match="`gradient_norm` must be greater than 0, got 0"):
        TrainingSpecification(gradient_norm=0.0)
