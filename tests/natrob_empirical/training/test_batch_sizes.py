"""Batches that batch norm cannot be trained on: an image left over joins the batch before, the rest is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from training_subjects import demanding, everything_of, same, small_network, trained

from natrob_empirical.datasets import Dataset
from natrob_empirical.datasets.array_file import load
from natrob_empirical.models import RESIDUAL_NETWORKS, ResidualSpecification, build_classifier
from natrob_empirical.training import (
    TRADES,
    YOPO,
    AbstractTrainingMethod,
    LipschitzPenalty,
    MarginTraining,
    NoiseTraining,
    PGDAdversarialTraining,
    StandardTraining,
    StepOutcome,
    TrainingMemoryError,
    TrainingSpecification,
    TrainingStateError,
    accuracy,
)
from natrob_empirical.training.input_checks import batch_sizes

METHODS = (
    StandardTraining(),
    PGDAdversarialTraining(steps=2),
    PGDAdversarialTraining(steps=2, attack_mode="eval"),
    TRADES(steps=2),
    YOPO(outer_steps=2, inner_steps=1),
    MarginTraining(),
    NoiseTraining(),
    LipschitzPenalty(points=1),
)
CPU = torch.device("cpu")


def narrow_network() -> nn.Sequential:
    """A batch norm over single pixels, as at the end of every residual network on small images."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=8), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.1), nn.Linear(4, 10)
    )


def residual(network: str) -> nn.Module:
    return build_classifier(
        ResidualSpecification(label="r", network=network),
        image_shape=(1, 8, 8),
        num_classes=2,
        generator=torch.Generator().manual_seed(0),
    )


@pytest.fixture
def five(tmp_path: Path) -> Dataset:
    """Five images of 8×8, which leave one over in batches of two and of four."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (9, 8, 8)).astype(np.uint8)
    path = tmp_path / "five.npz"
    np.savez(path, train_x=pixels[:5], train_y=np.arange(5) % 2, test_x=pixels[5:], test_y=np.arange(4) % 2)
    return load(path)


class Seen(AbstractTrainingMethod):
    """Standard training that notes the batches."""

    name: ClassVar[str] = "seen"
    sizes: ClassVar[list[int]] = []

    def backward(self, model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator) -> StepOutcome:
        self.sizes.append(len(images))
        return StandardTraining().backward(model, images, labels, generator=generator)


def sizes_seen(model: nn.Module, dataset: Dataset, batch_size: int) -> list[int]:
    Seen.sizes.clear()
    result = trained(model, dataset, demanding(method=Seen(), batch_size=batch_size, epochs=1))
    assert result.steps == len(Seen.sizes)
    assert sum(Seen.sizes) == len(dataset.train_x)
    return list(Seen.sizes)


@pytest.mark.parametrize("network", RESIDUAL_NETWORKS)
def test_every_residual_network_trains_where_one_image_is_left_over(network: str, five: Dataset) -> None:
    result = trained(residual(network), five, TrainingSpecification(epochs=1, batch_size=4))
    assert result.steps == (2 if network == "resnet" else 1)  # whose states are larger than a pixel to the end


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_every_method_trains_where_one_image_is_left_over(method: AbstractTrainingMethod, five: Dataset) -> None:
    model = residual("preact_resnet18")
    trained(model, five, TrainingSpecification(method=method, epochs=1, batch_size=2))
    assert all(bool(value.isfinite().all()) for value in everything_of(model).values())


def test_the_image_left_over_joins_the_batch_before_it(five: Dataset) -> None:
    assert sizes_seen(narrow_network(), five, 4) == [5]
    assert sizes_seen(narrow_network(), five, 2) == [2, 3]
    assert sizes_seen(narrow_network(), five, 3) == [3, 2]
    assert sizes_seen(narrow_network(), five, 64) == [5]


@pytest.mark.parametrize("model", [small_network, lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 10))])
def test_a_model_that_trains_on_one_image_keeps_its_batches(model: Callable[[], nn.Module], five: Dataset) -> None:
    assert sizes_seen(model(), five, 4) == [4, 1]
    assert sizes_seen(model(), five, 1) == [1, 1, 1, 1, 1]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_a_batch_size_of_one_is_refused_before_the_first_step(method: AbstractTrainingMethod, five: Dataset) -> None:
    model = residual("preact_resnet18")
    before = {name: value.clone() for name, value in everything_of(model).items()}
    with pytest.raises(ValueError, match=r"`batch_size` must be at least 2 to train this model, got 1: .* batch"):
        trained(model, five, TrainingSpecification(method=method, epochs=1, batch_size=1))
    assert same(before, everything_of(model))


def test_a_single_training_image_is_refused_by_name(five: Dataset) -> None:
    one = five.subset(train=1)
    with pytest.raises(ValueError, match=r"`batch_size` = 4 .* at least 2 training images .* got 1"):
        trained(residual("preact_resnet18"), one, TrainingSpecification(epochs=1, batch_size=4))


def test_looking_leaves_the_model_and_the_generators_alone(five: Dataset) -> None:
    model = narrow_network()
    model[1].eval()
    before, state = {n: v.clone() for n, v in everything_of(model).items()}, torch.get_rng_state()
    assert batch_sizes(model, five, 4, CPU) == (5,)
    assert batch_sizes(small_network(), five, 4, CPU) == (4, 1)
    assert same(before, everything_of(model))
    assert torch.equal(state, torch.get_rng_state())
    assert [part.training for part in model.modules()] == [True, True, False, True, True, True, True]


class Divided(nn.Module):
    """Normalises by the batch's own spread, which is NaN for one image."""

    def forward(self, x: Tensor) -> Tensor:
        return (x - x.mean(dim=0)) / x.std(dim=0).clamp_min(0.1) if self.training else x


def test_a_normalisation_of_ones_own_that_is_not_a_number_for_one_image_counts_too(five: Dataset) -> None:
    model = nn.Sequential(nn.Flatten(), Divided(), nn.Linear(64, 10))
    with pytest.warns(UserWarning, match="degrees of freedom"):
        assert sizes_seen(model, five, 4) == [5]


def test_a_run_that_joins_its_last_image_is_resumed_bit_for_bit(digits: Dataset, tmp_path: Path) -> None:
    odd, whole, resumed = digits.subset(train=65), narrow_network(), narrow_network()
    resumed.load_state_dict(whole.state_dict())
    trained(whole, odd, demanding())

    class Stop(Exception):  # noqa: N818
        pass

    seen: list[object] = []

    def stop(step: object) -> None:
        seen.append(step)
        if len(seen) == 4:
            raise Stop

    state = tmp_path / "run.pt"
    with pytest.raises(Stop):
        trained(resumed, odd, demanding(), state=state, checkpoint_interval=0.0, progress=stop)
    other = narrow_network()
    result = trained(other, odd, demanding(), state=state)
    assert result.resumed_from >= 3
    assert same(everything_of(whole), everything_of(other))


def test_a_state_with_other_batches_is_refused_by_name(five: Dataset, tmp_path: Path) -> None:
    state, specification = tmp_path / "run.pt", TrainingSpecification(epochs=2, batch_size=4)
    with pytest.raises(ZeroDivisionError):
        trained(
            narrow_network(), five, specification, state=state, checkpoint_interval=0.0, progress=lambda step: 1 // 0
        )
    trained(narrow_network(), five, specification, state=state, checkpoint_interval=0.0, finished=lambda _: None)
    with pytest.raises(ZeroDivisionError):
        trained(
            narrow_network(), five, specification, state=state, checkpoint_interval=0.0, finished=lambda _: 1 // 0
        )  # fmt: skip
    content = torch.load(state, weights_only=True)
    assert content["description"].pop("last_batch") == 5
    torch.save(content, state)
    with pytest.raises(TrainingStateError, match="last_batch is missing there and 5 here"):
        trained(narrow_network(), five, specification, state=state)


class Hungry(AbstractTrainingMethod):
    """Has room for one image alone."""

    name: ClassVar[str] = "hungry"

    def backward(self, model: nn.Module, images: Tensor, labels: Tensor, *, generator: torch.Generator) -> StepOutcome:
        if len(images) > 1:
            raise torch.OutOfMemoryError("out of memory")
        return StandardTraining().backward(model, images, labels, generator=generator)


def test_a_batch_of_one_is_no_advice_to_batch_norm(five: Dataset) -> None:
    with pytest.raises(TrainingMemoryError, match="not even one image fits"):
        trained(narrow_network(), five, demanding(method=Hungry(), batch_size=4))
    with pytest.raises(TrainingMemoryError, match="`batch_size` = 1 fits"):
        trained(small_network(), five, demanding(method=Hungry(), batch_size=4))


def test_evaluation_takes_images_one_by_one(five: Dataset) -> None:
    model = residual("preact_resnet18").eval()
    images = five.to_images(five.test_x)
    assert accuracy(model, images, five.test_y, batch_size=1) == accuracy(model, images, five.test_y)
