"""Table 1 of the paper as `diagnose_table` takes it."""

from typing import Final

from natrob_empirical.paper import DatasetName, table_1

from .published_table import PublishedAccuracy

MNIST_TEST_IMAGES: Final = 10_000
MNIST_LARGEST_CLASS_SHARE: Final = 1135 / 10_000
"""The digit 1 in MNIST's test images."""


def _entries(dataset: DatasetName) -> tuple[PublishedAccuracy, ...]:
    return tuple(
        PublishedAccuracy(
            model=entry.model,
            attack=entry.attack,
            epsilon=entry.epsilon,
            accuracy=entry.accuracy,
            steps=entry.steps,
            step_size=entry.step_size,
            source=entry.place,
        )
        for entry in table_1(dataset)
    )


PAPER_TABLE_1: Final = _entries("mnist")
"""Both networks under FGSM and PGD on MNIST. The paper states no norm of FGSM and no scale of the pixels: L∞ and [0, 1]
are taken."""

PAPER_TABLE_1_CIFAR10: Final = _entries("cifar10")
"""The other half of the table: no radius is large enough for the ceiling or for a flat row to be judged."""
