"""Growth, cost and grid image by image: what lets bound and accuracy be related per sample."""

from typing import Literal

from pydantic import model_validator

from natrob_empirical.records.schema.record_part import AbstractRecordPart
from natrob_empirical.records.schema.sample_outcomes import require_letters


class SampleAmplification(AbstractRecordPart):
    """How much one perturbation of each image grew, one entry an image, packed into text.

    Attributes:
        positions: of the images among those that the attack cells ran on, integers between spaces; the outcomes of
            an attack on the same image stand at the same position.
        perturbations: one letter an image: "r" for a random perturbation, "f" for one that an attack found.
        distances: ‖x' − x‖₂ of the images, between spaces; exact, as `float` reads them.
        trunk: ‖e_N‖/‖e_0‖, from the trunk's entrance to its end; between spaces.
        features: ‖Φ(x') − Φ(x)‖/‖x' − x‖, from the image to the features that the head sees; between spaces.

    Raises:
        ValidationError: another letter, a number that is none, or not one entry an image everywhere.
    """

    positions: str
    perturbations: str
    distances: str
    trunk: str
    features: str

    @model_validator(mode="after")
    def _one_entry_an_image(self) -> "SampleAmplification":
        require_letters("perturbations", self.perturbations, "rf")
        for name, values in (
            ("positions", self.position_values),
            ("distances", self.distance_values),
            ("trunk", self.trunk_values),
            ("features", self.feature_values),
        ):
            if len(values) != len(self):
                raise ValueError(f"`{name}` must hold {len(self)} entries, one an image, got {len(values)}")
        return self

    def __len__(self) -> int:
        return len(self.perturbations)

    @property
    def position_values(self) -> list[int]:
        """One number an image."""
        return [int(part) for part in self.positions.split()]

    @property
    def distance_values(self) -> list[float]:
        """One number an image."""
        return [float(part) for part in self.distances.split()]

    @property
    def trunk_values(self) -> list[float]:
        """One number an image; infinity where the growth overflows."""
        return [float(part) for part in self.trunk.split()]

    @property
    def feature_values(self) -> list[float]:
        """One number an image; infinity where the growth overflows."""
        return [float(part) for part in self.features.split()]


class EvaluationStatistics(AbstractRecordPart):
    """The cost of one forward pass, over images. For a fixed grid all images cost the same and nothing is rejected.

    Attributes:
        images: how many.
        smallest, median, largest: evaluations of the trunk's field(s) for one image (NFE); of a residual network, of
            its branches.
        rejected_smallest, rejected_median, rejected_largest: trial steps that the solver threw away.
    """

    images: int
    smallest: int
    median: float
    largest: int
    rejected_smallest: int = 0
    rejected_median: float = 0.0
    rejected_largest: int = 0


class GridStatistics(AbstractRecordPart):
    """The time grid, over images.

    Attributes:
        images: how many.
        steps_smallest, steps_median, steps_largest: N per image; of a residual network, its blocks.
        step_size_smallest, step_size_largest: h over images and steps.
        hk_smallest, hk_largest: h·K over images and steps, K the upper constant of the step's field, so that both are
            upper bounds; infinity where K overflows.
        kind: whether the grid is fixed beforehand or chosen per image.
    """

    images: int
    steps_smallest: int
    steps_median: float
    steps_largest: int
    step_size_smallest: float
    step_size_largest: float
    hk_smallest: float
    hk_largest: float
    kind: Literal["fixed", "adaptive"]
