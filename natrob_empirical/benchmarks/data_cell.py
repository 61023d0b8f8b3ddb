"""The test images of a run as a cell of its own, without a model: the evidence of what no classifier can exceed."""

from dataclasses import asdict, dataclass
from typing import Final, final

from natrob_empirical.benchmarks.cells import Cell, fingerprint_of_tests
from natrob_empirical.benchmarks.presets import Preset, budgets_of
from natrob_empirical.benchmarks.record_numbers import measured
from natrob_empirical.datasets import Dataset
from natrob_empirical.norms import Norm
from natrob_empirical.records import CeilingPoint, CellKey, DataResult

DATA_LABEL: Final = "Test images"


@final
@dataclass(frozen=True, kw_only=True)
class CeilingPlace:
    """Where a run needs a ceiling: a norm and radius that is attacked, and how many of the first images are seen."""

    norm: Norm
    epsilon: float
    images: int


def ceiling_places(preset: Preset, dataset: Dataset) -> list[CeilingPlace]:
    """Every radius of a norm, on every number of images that an attack in this norm sees, and on all in use.

    A curve of accuracies goes over all radii, whether its attacks ran at all of them or not.

    Args:
        preset: of the run.
        dataset: the whole of it.
    """
    used = min(preset.test_images or len(dataset.test_x), len(dataset.test_x))
    counts: dict[Norm, set[int]] = {}
    for attack in preset.attacks:
        counts.setdefault(attack.norm, {used}).add(min(attack.images or used, used))
    places = {
        CeilingPlace(norm=budget.norm, epsilon=budget.epsilon, images=images)
        for budget in budgets_of(preset.attacks)
        if budget.epsilon > 0
        for images in counts[budget.norm]
    }
    return sorted(places, key=lambda place: (place.norm, place.images, place.epsilon))


def data_cell(preset: Preset, dataset: Dataset) -> Cell:
    """The cell, on the first seed, which plays no part in it.

    Args:
        preset: of the run.
        dataset: the whole of it.
    """
    key = CellKey(
        preset=preset.name,
        dataset=dataset.name,
        model=DATA_LABEL,
        network="none",
        training="none",
        seed=preset.seeds[0],
    )
    data = {
        "name": dataset.name,
        "title": dataset.title,
        "source": dataset.source,
        "fingerprint_of_tests": fingerprint_of_tests(dataset),
        "test_images": len(dataset.test_x),
    }
    places = [asdict(place) for place in ceiling_places(preset, dataset)]
    return Cell(key=key, settings={"data": data} | ({"ceilings": places} if places else {}), model=None)


def measure_data(preset: Preset, dataset: Dataset) -> DataResult:
    """Counts every class among all test images, and bounds what any classifier keeps at the preset's radii.

    Args:
        preset: of the run.
        dataset: the whole of it.
    """
    counts = dataset.test_y.bincount(minlength=dataset.num_classes).tolist()
    total = sum(counts)
    return DataResult(
        test_images=total,
        class_counts=counts,
        largest_class_share=measured(max(counts) / total, total, "labels of all test images"),
        ceilings=_ceilings(ceiling_places(preset, dataset), dataset),
    )


def _ceilings(places: list[CeilingPlace], dataset: Dataset) -> list[CeilingPoint]:
    """The ceilings, those of the same images and norm together: their distances are computed once."""
    from natrob_empirical.ceiling import robustness_ceilings  # noqa: PLC0415 - planning a run needs no scipy

    found: list[CeilingPoint] = []
    together: dict[tuple[Norm, int], list[float]] = {}
    for place in places:
        together.setdefault((place.norm, place.images), []).append(place.epsilon)
    for (norm, images), radii in together.items():
        pixels, labels = dataset.to_images(dataset.test_x[:images]), dataset.test_y[:images]
        found += [
            CeilingPoint(
                norm=norm,
                epsilon=each.epsilon,
                images=images,
                most=each.most,
                reached=len(each.robust),
                conflicts=each.conflicts,
                undecided=each.undecided,
                method=each.method,
            )
            for each in robustness_ceilings(pixels, labels, radii, norm=norm)
        ]
    return found
