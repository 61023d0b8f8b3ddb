"""The cells of a preset: the unit of work, of a record and of resumption."""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from natrob_empirical.benchmarks.presets import AttackSpecification, Preset, StepSizeSweep, budgets_of
from natrob_empirical.datasets import Dataset
from natrob_empirical.models import ModelSpecification
from natrob_empirical.records import CellKey

SWEEP_LABEL = "Step size against growth"


@dataclass(frozen=True, kw_only=True)
class AttackAtBudget:
    """One attack at one budget."""

    specification: AttackSpecification
    epsilon: float


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One model's theory side (`attack` None), one attack at one budget on it, or the sweep over step sizes.

    Attributes:
        key: what the record is called.
        settings: everything that determines the result besides the code; part of the record's identity.
        model: the specification; None for the sweep.
        attack: of an attack cell.
        sweep: of the sweep over step sizes, which has no model.
    """

    key: CellKey
    settings: dict[str, Any]
    model: ModelSpecification | None
    attack: AttackAtBudget | None = None
    sweep: StepSizeSweep | None = None


def fitted_to_images(model: ModelSpecification, image_shape: tuple[int, int, int]) -> ModelSpecification:
    """The specification with the largest pooled side, up to its own, that divides both sides of the state."""
    sides = [-(-side // model.stem_stride) for side in image_shape[1:]]
    pool = next(p for p in range(model.pool_size, 0, -1) if all(side % p == 0 for side in sides))
    return replace(model, pool_size=pool)


def fingerprint(dataset: Dataset) -> str:
    """A hash of the images and labels in use, so that other data is another cell."""
    return _hash_of(dataset, dataset.train_x, dataset.train_y, dataset.test_x, dataset.test_y)


def fingerprint_of_tests(dataset: Dataset) -> str:
    """The same of the test images alone."""
    return _hash_of(dataset, dataset.test_x, dataset.test_y)


def _hash_of(dataset: Dataset, *parts: torch.Tensor) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(repr((tuple(part.shape), dataset.pixel_scale)).encode())
        digest.update(part.contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def model_settings(preset: Preset, model: ModelSpecification, dataset: Dataset, seed: int) -> dict[str, Any]:
    """What determines a trained model: the specification, the training, the data and the seed."""
    return {
        "model": asdict(model),
        "training": preset.training.settings(),
        "data": {
            "name": dataset.name,
            "title": dataset.title,
            "source": dataset.source,
            "fingerprint": fingerprint(dataset),
            "train_images": len(dataset.train_x),
            "test_images": len(dataset.test_x),
        },
        "seed": seed,
    }


def cells_of(preset: Preset, dataset: Dataset) -> Iterator[list[Cell]]:
    """The sweep over step sizes, then the cells of each trained model together, theory first, in running order."""
    if preset.step_sizes is not None:
        yield [_sweep_cell(preset, preset.step_sizes, dataset)]
    for seed in preset.seeds:
        for specification in preset.models:
            model = fitted_to_images(specification, dataset.image_shape)
            settings = model_settings(preset, model, dataset, seed)
            key = CellKey(
                preset=preset.name,
                dataset=dataset.name,
                model=model.label,
                network=model.network,
                training=preset.training.method.name,
                seed=seed,
            )
            budgets = [asdict(budget) for budget in budgets_of(preset.attacks)]
            theory = Cell(key=key, settings={**settings, "pairs": preset.pairs, "budgets": budgets}, model=model)
            yield [theory, *_attack_cells(preset, model, key, settings)]


def _sweep_cell(preset: Preset, sweep: StepSizeSweep, dataset: Dataset) -> Cell:
    """The sweep, on the first seed. It uses no data, but its record lies with those of the data set."""
    seed = preset.seeds[0]
    key = CellKey(
        preset=preset.name, dataset=dataset.name, model=SWEEP_LABEL, network="euler", training="none", seed=seed
    )
    return Cell(key=key, settings={"step_sizes": asdict(sweep), "seed": seed}, model=None, sweep=sweep)


def _attack_cells(preset: Preset, model: ModelSpecification, key: CellKey, settings: dict[str, Any]) -> Iterator[Cell]:
    for attack in preset.attacks:
        for epsilon in attack.epsilons:
            described = {"attack": attack.attack, "norm": attack.norm, "epsilon": epsilon, "steps": attack.steps}
            yield Cell(
                key=key.model_copy(update={"attack": attack.label, "norm": attack.norm, "epsilon": epsilon}),
                settings={**settings, "attack": described},
                model=model,
                attack=AttackAtBudget(specification=attack, epsilon=epsilon),
            )


def majority_share(labels: torch.Tensor) -> float:
    """The share of the most frequent label."""
    return float(labels.bincount().max()) / len(labels)
