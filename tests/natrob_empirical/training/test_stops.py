"""Losses that are not finite, steps that do not fit into memory, models and data that do not belong together."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn
from training_subjects import NoisyTraining, demanding, everything_of, same, small_network, trained

from natrob_empirical.datasets import Dataset
from natrob_empirical.training import (
    AbstractConstrainedTraining,
    AbstractTrainingMethod,
    AbstractWeightConstraint,
    StepOutcome,
    TrainingDivergedError,
    TrainingMemoryError,
    run,
)


@dataclass(frozen=True, kw_only=True)
class Spoiled(AbstractTrainingMethod):
    """Cross-entropy that becomes NaN, or its gradients, at some calls, or that needs too much memory."""

    name: ClassVar[str] = "spoiled"
    good_calls: int = 0
    largest_batch: int = 10**9
    gradients_only: bool = False
    message: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "calls", [])

    def backward(self, model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator) -> StepOutcome:
        calls: list[int] = getattr(self, "calls")  # noqa: B009
        calls.append(len(images))
        logits = model(images + torch.randn(images.shape, generator=generator))
        spoiled = len(calls) > self.good_calls
        if spoiled and len(images) > self.largest_batch:
            raise torch.OutOfMemoryError("out of memory") if not self.message else RuntimeError(self.message)
        loss = nn.functional.cross_entropy(logits, labels)
        nan = loss * math.nan if spoiled and self.largest_batch == 10**9 else loss
        nan.backward()
        shown = loss if self.gradients_only else nan
        return StepOutcome(loss=shown.detach(), correct=(logits.argmax(dim=1) == labels).sum())


@pytest.fixture
def few_digits(digits: Dataset) -> Dataset:
    return digits.subset(train=80)


def test_a_bad_loss_changes_no_weight_and_names_step_and_state(few_digits: Dataset, tmp_path: Path) -> None:
    model, state = small_network(), tmp_path / "run.pt"
    before: list[dict[str, Tensor]] = []
    with pytest.raises(
        TrainingDivergedError, match=r"in epoch 2 of 3 the loss became nan at step 5; lower .* good state is .*run\.pt"
    ) as e:
        trained(
            model, few_digits, demanding(method=Spoiled(good_calls=4)), state=state, checkpoint_interval=0.0,
            progress=lambda _seen: before.append(everything_of(model)),
        )  # fmt: skip
    assert (e.value.step, e.value.last_good) == (5, state)
    parameters = {name: tensor.detach() for name, tensor in model.named_parameters()}
    assert same(parameters, {name: before[-1][name] for name in parameters})


def test_without_a_state_the_message_says_so(few_digits: Dataset) -> None:
    with pytest.raises(TrainingDivergedError, match=r"at step 1; .*; no state of the run was kept"):
        trained(small_network(), few_digits, demanding(method=Spoiled()))


def test_where_reading_waits_the_epochs_end_finds_the_first_bad_loss(
    few_digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "reading_is_free", lambda _device: False)
    method = Spoiled(good_calls=4)
    with pytest.raises(TrainingDivergedError, match="in epoch 2 of 3 the loss became nan at step 5"):
        trained(small_network(), few_digits, demanding(method=method), state=tmp_path / "run.pt")
    assert getattr(method, "calls") == [32, 32, 16] * 2  # noqa: B009


def test_weights_that_are_not_finite_are_never_kept(few_digits: Dataset, tmp_path: Path) -> None:
    for options in ({}, {"state": tmp_path / "run.pt", "checkpoint_interval": 0.0}):
        method = Spoiled(good_calls=8, gradients_only=True)
        with pytest.raises(TrainingDivergedError, match="in epoch 3 of 3 a weight became NaN or infinite at step 9"):
            trained(small_network(), few_digits, demanding(method=method), **options)


class Overflowing(nn.Module):
    """So large that a batch's variance is infinite in float32, which a batch norm answers with zeros."""

    def forward(self, x: Tensor) -> Tensor:
        return 1e30 * x


def test_running_statistics_that_are_not_finite_are_never_kept(few_digits: Dataset) -> None:
    done: list[object] = []
    model = nn.Sequential(Overflowing(), nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(64, 10))
    with pytest.raises(TrainingDivergedError, match="a running mean or variance became NaN or infinite at step 9"):
        trained(model, few_digits, demanding(method=NoisyTraining(noise=0.0)), finished=done.append)
    assert not done


class Spoiling(AbstractWeightConstraint):
    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def after_step(self) -> None:
        pass

    def finish(self) -> None:
        for parameter in self.model.parameters():
            parameter.data.mul_(math.nan)


@dataclass(frozen=True, kw_only=True)
class SpoiledAtTheEnd(AbstractConstrainedTraining):
    """A constraint that ends with NaN."""

    name: ClassVar[str] = "spoiled_at_the_end"

    def backward(self, model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator) -> StepOutcome:
        return NoisyTraining().backward(model, images, labels, generator=generator)

    def constraint(self, model: nn.Module, image_shape: tuple[int, ...]) -> AbstractWeightConstraint:
        return Spoiling(model)


def test_weights_that_a_constraint_spoils_at_the_end_are_never_kept(few_digits: Dataset) -> None:
    done: list[object] = []
    with pytest.raises(TrainingDivergedError, match="a weight became NaN or infinite at step 9"):
        trained(small_network(), few_digits, demanding(method=SpoiledAtTheEnd()), finished=done.append)
    assert not done


@pytest.mark.parametrize("message", ["", "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."])
def test_out_of_memory_keeps_the_state_before_the_step_and_names_a_batch(
    message: str, few_digits: Dataset, tmp_path: Path
) -> None:
    whole, resumed, state = small_network(), small_network(), tmp_path / "run.pt"
    trained(whole, few_digits, demanding(method=Spoiled(good_calls=99, message=message)))
    limited = demanding(method=Spoiled(good_calls=4, largest_batch=9, message=message))
    with pytest.raises(TrainingMemoryError, match=r"step 5 with 32 images .*`batch_size` = 8 fits; .* in .*run") as e:
        trained(resumed, few_digits, limited, state=state)
    assert e.value.batch_size == 8
    content = torch.load(state, weights_only=True)
    content["description"]["settings"]["method"]["good_calls"] = 99
    content["description"]["settings"]["method"]["largest_batch"] = 10**9
    torch.save(content, state)
    resumed = small_network(seed=1)
    result = trained(resumed, few_digits, demanding(method=Spoiled(good_calls=99, message=message)), state=state)
    assert result.resumed_from == 4
    assert same(everything_of(whole), everything_of(resumed))


def test_not_even_one_image_fits(few_digits: Dataset) -> None:
    with pytest.raises(TrainingMemoryError, match="not even one image fits") as e:
        trained(small_network(), few_digits, demanding(batch_size=4, method=Spoiled(largest_batch=0)))
    assert e.value.batch_size is None


def test_other_errors_pass_through(few_digits: Dataset) -> None:
    method = Spoiled(largest_batch=1, message="something else")
    with pytest.raises(RuntimeError, match=r"^something else$"):
        trained(small_network(), few_digits, demanding(method=method))


def test_models_that_do_not_fit_the_data_are_named_before_the_first_step(few_digits: Dataset) -> None:
    flat = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    with pytest.raises(ValueError, match=r"fails on an image of .* \(channels, height, width\) = \(1, 8, 8\)"):
        trained(flat, few_digits, demanding())
    with pytest.raises(ValueError, match=r"logits of shape \(batch, classes\), got \(1, 4, 8, 8\)"):
        trained(nn.Conv2d(1, 4, 3, padding=1), few_digits, demanding())
    with pytest.raises(ValueError, match="all on one device, got none"):
        trained(nn.Sequential(nn.Flatten()), few_digits, demanding())
    with pytest.raises(ValueError, match="labels must be below the number of logits, 9, got 9"):
        trained(small_network().append(nn.Linear(10, 9)), replace(few_digits), demanding())
