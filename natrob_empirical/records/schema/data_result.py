"""The test images of a run, as a record holds them."""

from typing import Literal

from natrob_empirical.records.schema.record_part import AbstractRecordPart, Number


class DataResult(AbstractRecordPart):
    """The labels of all test images of the data set, of which a preset may use the first.

    Where a perturbation may turn every image into one and the same, as at L∞ ε ≥ 0.5, no classifier keeps more of
    them than the largest class.

    Attributes:
        test_images: how many.
        class_counts: how many of each class, in the order of the labels.
        largest_class_share: of the most frequent class.
    """

    kind: Literal["data"] = "data"
    test_images: int
    class_counts: list[int]
    largest_class_share: Number
