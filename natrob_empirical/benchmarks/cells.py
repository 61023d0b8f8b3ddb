"""The cells of a preset: the unit of work, of a record and of resumption."""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, overload

import torch

from natrob_empirical.benchmarks.presets import (
    AttackSpecification,
    Preset,
    PresetModel,
    PublishedResult,
    StepSizeSweep,
    budgets_of,
)
from natrob_empirical.datasets import Dataset, DatasetInfo
from natrob_empirical.files.plain_settings import plain_settings
from natrob_empirical.models import ModelSpecification
from natrob_empirical.records import CellKey

SWEEP_LABEL = "Step size against growth"


@dataclass(frozen=True, kw_only=True)
class AttackAtBudget:
    """One attack at one budget, and what was published of it."""

    specification: AttackSpecification
    epsilon: float
    published: PublishedResult | None = None


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One model's theory side (`attack` None), one attack at one budget on it, or a cell without a model.

    Without one are the sweep over step sizes and the test images.

    Attributes:
        key: what the record is called.
        settings: everything that determines the result besides the code; part of the record's identity.
        model: fitted to the images.
        attack: of an attack cell.
        sweep: of the sweep over step sizes.
    """

    key: CellKey
    settings: dict[str, Any]
    model: PresetModel | None
    attack: AttackAtBudget | None = None
    sweep: StepSizeSweep | None = None


def fitted_to_images(model: PresetModel, image_shape: tuple[int, int, int]) -> PresetModel:
    """The model with the largest pooled side, up to its own, that divides both sides of the state."""
    specification = model.specification
    if not isinstance(specification, ModelSpecification):
        return model
    sides = specification.state_sides(image_shape[1:])
    pool = next(p for p in range(specification.pool_size, 0, -1) if all(side % p == 0 for side in sides))
    return replace(model, specification=replace(specification, pool_size=pool))


def fingerprint(dataset: Dataset) -> str:
    """A hash of the images and labels in use, so that other data is another cell."""
    return _hash_of(dataset, dataset.train_x, dataset.train_y, dataset.test_x, dataset.test_y)


def fingerprint_of_tests(dataset: Dataset) -> str:
    """A hash of the test images and their labels alone."""
    return _hash_of(dataset, dataset.test_x, dataset.test_y)


def _hash_of(dataset: Dataset, *parts: torch.Tensor) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(repr((tuple(part.shape), dataset.pixel_scale)).encode())
        digest.update(part.contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def model_settings(model: PresetModel, dataset: Dataset | DatasetInfo, seed: int) -> dict[str, Any]:
    """Everything that determines a trained model: the specification, the training, the data and the seed."""
    train_images, test_images = image_counts(dataset)
    read = isinstance(dataset, Dataset)
    return {
        "model": plain_settings(model.specification),
        "training": model.training.settings(),
        "data": {
            "name": dataset.name,
            "title": dataset.title,
            "source": dataset.source if read else dataset.origin,
            "fingerprint": fingerprint(dataset) if read else "not read",
            "train_images": train_images,
            "test_images": test_images,
        },
        "seed": seed,
    }


def image_counts(dataset: Dataset | DatasetInfo) -> tuple[int, int]:
    """The numbers of training and of test images."""
    if isinstance(dataset, Dataset):
        return len(dataset.train_x), len(dataset.test_x)
    return dataset.train_size, dataset.test_size


@overload
def subset_of(preset: Preset, dataset: Dataset) -> Dataset: ...
@overload
def subset_of(preset: Preset, dataset: DatasetInfo) -> DatasetInfo: ...
def subset_of(preset: Preset, dataset: Dataset | DatasetInfo) -> Dataset | DatasetInfo:
    """The first images, as many as the preset uses. Raises ValueError for a data set without training images."""
    dataset.require_training_images()
    train_images, test_images = image_counts(dataset)
    train = min(preset.train_images or train_images, train_images)
    test = min(preset.test_images or test_images, test_images)
    if isinstance(dataset, Dataset):
        return dataset.subset(train=train, test=test)
    return replace(dataset, train_size=train, test_size=test)


def cells_of(preset: Preset, dataset: Dataset | DatasetInfo) -> Iterator[list[Cell]]:
    """The sweep over step sizes, then the cells of each trained model together, theory first, in running order.

    The cells of a data set that was not read are for planning: their settings lack the fingerprint of its images.
    """
    if preset.step_sizes is not None:
        yield [_sweep_cell(preset, preset.step_sizes, dataset)]
    for seed in preset.seeds:
        for described in preset.models:
            model = fitted_to_images(described, dataset.image_shape)
            settings = model_settings(model, dataset, seed)
            key = CellKey(
                preset=preset.name,
                dataset=dataset.name,
                model=model.specification.label,
                network=model.specification.network,
                training=model.training.method.name,
                seed=seed,
            )
            budgets = [asdict(budget) for budget in budgets_of(preset.attacks)]
            theory_settings = {**settings, "pairs": preset.pairs, "budgets": budgets}
            # Left out where there are none: they would make another cell of every record there is.
            counts = {
                "local": preset.local_certificates,
                "tube": preset.tube_certificates,
                "intervals": preset.interval_certificates,
            }
            own = {method: count for method, count in counts.items() if count > 0}
            theory_settings.update({"own_certificates": own} if own else {})
            theory = Cell(key=key, settings=theory_settings, model=model)
            yield [theory, *_attack_cells(preset, model, key, settings, dataset, seed)]


def _sweep_cell(preset: Preset, sweep: StepSizeSweep, dataset: Dataset | DatasetInfo) -> Cell:
    """The sweep, on the first seed. It uses no data, but its record lies with those of the data set."""
    seed = preset.seeds[0]
    key = CellKey(
        preset=preset.name, dataset=dataset.name, model=SWEEP_LABEL, network="euler", training="none", seed=seed
    )
    return Cell(key=key, settings={"step_sizes": asdict(sweep), "seed": seed}, model=None, sweep=sweep)


def _attack_cells(
    preset: Preset,
    model: PresetModel,
    key: CellKey,
    settings: dict[str, Any],
    dataset: Dataset | DatasetInfo,
    seed: int,
) -> Iterator[Cell]:
    for attack in preset.attacks_on(model):
        source = {}
        if attack.source is not None:
            made_on = fitted_to_images(preset.model_labelled(attack.source), dataset.image_shape)
            source = {"source": model_settings(made_on, dataset, seed)}
        for epsilon in attack.epsilons:
            cell_key = key.model_copy(update={"attack": attack.label, "norm": attack.norm, "epsilon": epsilon})
            yield Cell(
                key=cell_key,
                settings={**settings, "attack": attack.settings(epsilon), **source},
                model=model,
                attack=AttackAtBudget(
                    specification=attack, epsilon=epsilon, published=_published(preset, cell_key, dataset)
                ),
            )


def _published(preset: Preset, key: CellKey, dataset: Dataset | DatasetInfo) -> PublishedResult | None:
    """The published result for this cell, on the preset's own data set only."""
    if dataset.name != preset.dataset:
        return None
    wanted = (key.network, key.training, key.attack, key.norm, key.epsilon)
    for result in preset.published:
        if (result.network, result.training, result.attack, result.norm, result.epsilon) == wanted:
            return result
    return None


def majority_share(labels: torch.Tensor) -> float:
    """The share of the most frequent label."""
    return float(labels.bincount().max()) / len(labels)
