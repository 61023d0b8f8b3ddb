"""The cost of a preset before it runs: operations, memory and an estimate of time."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, final

import torch
from torch import Tensor, nn

from natrob_empirical.attacks import TransferAttack
from natrob_empirical.benchmarks.attack_cell import BATCH_SIZE
from natrob_empirical.benchmarks.cells import Cell, cells_of, fitted_to_images, image_counts, subset_of
from natrob_empirical.benchmarks.presets import AttackSpecification, Preset, PresetModel
from natrob_empirical.datasets import Dataset, DatasetInfo
from natrob_empirical.models import ModelCost, model_cost
from natrob_empirical.training import TRADES, YOPO, AbstractTrainingMethod, PGDAdversarialTraining

ASSUMED_GPU_RATE: Final = 3e13
"""Operations a second that small convolutions sustain on one H200-class GPU; an assumption, not measured here."""

_CALIBRATION_SECONDS: Final = 0.5


@final
@dataclass(frozen=True, kw_only=True)
class PlannedCell:
    """One cell before it is run.

    Attributes:
        cell: which.
        flops: at most, of training or attack, but for the few passes that tell whether a model depends on the batch; an
            attack that fools early costs less.
        memory: bytes of weights, optimiser and one batch's activations, a floor.
        seconds: flops over the device's rate, an estimate; small layers take longer.
    """

    cell: Cell
    flops: float
    memory: int
    seconds: float


class PresetTooLargeError(RuntimeError):
    """A preset that does not fit the device; the message names model, need and what there is."""


def planned_cells(preset: Preset, dataset: Dataset | DatasetInfo, *, rate: float) -> Iterator[PlannedCell]:
    """Every cell with a model, in running order; a theory cell stands for the training of its model.

    Args:
        preset: whose cells.
        dataset: that they run on; what is known of it without reading it is enough.
        rate: operations a second, as `device_rate` gives them.
    """
    subset = subset_of(preset, dataset)
    train_images, test_images = image_counts(subset)
    sources = {
        label: _cost(fitted_to_images(preset.model_labelled(label), subset.image_shape), subset)
        for label in {attack.source for attack in preset.attacks}
        if label is not None
    }
    for group in cells_of(preset, subset):
        model = group[0].model
        if model is None:
            continue
        cost = _cost(model, subset)
        for cell in group:
            if cell.attack is None:
                flops = _training_flops(model, cost, train_images)
                memory = cost.peak_training_bytes(min(model.training.batch_size, train_images))
            else:
                specification = cell.attack.specification
                images = min(specification.images or test_images, test_images)
                flops = images * _attack_flops(specification, cost, sources, dataset.num_classes)
                memory = cost.training_bytes + min(images, BATCH_SIZE) * cost.activation_bytes
            yield PlannedCell(cell=cell, flops=flops, memory=memory, seconds=flops / rate)


def _attack_flops(
    specification: AttackSpecification, cost: ModelCost, sources: Mapping[str, ModelCost], num_classes: int
) -> float:
    """Counts for one image: on the model itself; or on the source, and the few answers asked of the model."""
    attack = specification.build(0.1)
    queries, gradients = attack.most_calls(num_classes)
    calls = queries + 2.0 * gradients
    if specification.source is None:
        return calls * cost.forward_flops
    shown = TransferAttack(attack.ball, source=_no_model, attack=attack).most_calls(num_classes).queries
    return calls * sources[specification.source].forward_flops + shown * cost.forward_flops


def _no_model(_: Tensor) -> Tensor:
    """Stands for the source of an attack that is counted and not run."""
    raise RuntimeError("a planned attack has no model")


def device_rate(device: torch.device) -> float:
    """Operations a second of small convolutions, forward and backward: measured here, in about half a second.

    A CUDA device that is not here gets `ASSUMED_GPU_RATE`.
    """
    if device.type == "cuda" and not torch.cuda.is_available():
        return ASSUMED_GPU_RATE
    layer = nn.Conv2d(32, 32, 3, padding=1, device=device)
    images = torch.ones((64, 32, 16, 16), device=device, requires_grad=True)
    flops = 3 * 2 * 32 * 32 * 9 * images.numel() / 32
    count, started = 0, 0.0
    while count < 3 or time.perf_counter() - started < _CALIBRATION_SECONDS:
        layer(images).sum().backward()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        count += 1
        if count == 2:  # the first two warm up
            started = time.perf_counter()
    return flops * (count - 2) / (time.perf_counter() - started)


def require_fit(cells: Iterable[PlannedCell], *, available: int) -> None:
    """Raise PresetTooLargeError if training or attacking one of a preset's models needs more than `available` bytes.

    What is compared is a floor of the need: a preset that passes may still run out of memory.
    """
    for planned in cells:
        if planned.memory > available:
            key = planned.cell.key
            doing = "training" if key.attack is None else f"{key.attack} on"
            raise PresetTooLargeError(
                f"preset {key.preset} does not fit this device: {doing} {key.model} needs at least "
                f"{_gibibytes(planned.memory)}, there are {_gibibytes(available)}; take a smaller preset"
            )


def _gibibytes(count: int) -> str:
    return f"{count / 2**30:.2g} GiB"


def _cost(model: PresetModel, dataset: Dataset | DatasetInfo) -> ModelCost:
    return model_cost(
        model.specification,
        dataset.image_shape,
        dataset.num_classes,
        optimiser_states=2 if model.training.optimiser == "adamw" else 1,
    )


def _training_flops(model: PresetModel, cost: ModelCost, images: int) -> float:
    """Three forward passes' worth for each full propagation."""
    return 3.0 * cost.forward_flops * images * model.training.epochs * propagations(model.training.method)


def propagations(method: AbstractTrainingMethod) -> float:
    """Full forward and backward passes of one image in one step of training."""
    if isinstance(method, PGDAdversarialTraining):
        return method.steps + 1.0
    if isinstance(method, TRADES):
        return method.steps + 2.0
    if isinstance(method, YOPO):
        return float(method.outer_steps)
    return 1.0
