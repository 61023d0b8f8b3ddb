"""The test images of a run, as a record holds them."""

from typing import Literal

from pydantic import Field

from natrob_empirical.records.schema.record_part import AbstractRecordPart, Number


class CeilingPoint(AbstractRecordPart):
    """The ceiling that the first test images set at one radius: no classifier is robust at more of them.

    Attributes:
        norm, epsilon: of the balls.
        images: the first so many test images.
        most: at most so many of them are robust at once, whatever the classifier.
        reached: some classifier is robust at so many; the ceiling is exact where both are equal.
        conflicts: pairs of different labels whose balls meet.
        undecided: pairs that rounding leaves open, which do not lower `most`.
        method: what `most` rests on.
    """

    norm: Literal["Linf", "L2"]
    epsilon: float
    images: int
    most: int
    reached: int
    conflicts: int
    undecided: int
    method: str

    @property
    def share(self) -> Number:
        """`most` as a share of the images, an upper bound."""
        return Number(value=self.most / self.images, kind="upper", n=self.images, source=f"conflicts, {self.method}")


class DataResult(AbstractRecordPart):
    """The labels of all test images of the data set, of which a preset may use the first.

    Where a perturbation may turn every image into one and the same, as at L∞ ε ≥ 0.5, no classifier keeps more of
    them than the largest class. At smaller radii the conflicts of near images set a ceiling too.

    Attributes:
        test_images: how many.
        class_counts: how many of each class, in the order of the labels.
        largest_class_share: of the most frequent class.
        ceilings: of the images that the preset attacks and certifies, at its radii; empty in records from before there
            were any.
    """

    kind: Literal["data"] = "data"
    test_images: int
    class_counts: list[int]
    largest_class_share: Number
    ceilings: list[CeilingPoint] = Field(default_factory=list)
