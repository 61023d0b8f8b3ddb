"""What is guaranteed for every image: certified radii, and the margins that they are made of."""

from collections.abc import Sequence
from typing import Literal

from pydantic import model_validator

from natrob_empirical.records.schema.packed_values import require_entries, unpacked
from natrob_empirical.records.schema.record_part import AbstractRecordPart


class SampleCertificates(AbstractRecordPart):
    """The radius of every image below which no perturbation changes its correct label, by one method in one norm.

    A radius is a LOWER bound of the distance to the nearest misclassified image; 0 where nothing is certified, as for
    an image that is misclassified already.

    Attributes:
        method: "global" from one constant for all inputs, "tube" from constants around each trajectory, "local" from
            constants on a ball around each image.
        norm: of the radii.
        images: how many, the first ones of the data.
        radii: one number an image, between spaces; empty for a refusal.
        constants: the upper Lipschitz constant behind each radius, where every image has its own; empty for one
            constant for all, and where the method has none.
        source: the bound, in words.
        arithmetic: how rounding was treated.
        refusal: why there is no certificate, or empty.
        seconds: wall clock.

    Raises:
        ValidationError: not one entry an image, a negative radius, or radii beside a refusal.
    """

    method: Literal["global", "tube", "local"]
    norm: Literal["Linf", "L2"]
    images: int
    radii: str = ""
    constants: str = ""
    source: str = ""
    arithmetic: str = ""
    refusal: str = ""
    seconds: float = 0.0

    @model_validator(mode="after")
    def _radii_or_a_refusal(self) -> "SampleCertificates":
        if self.refusal:
            if self.radii or self.constants:
                raise ValueError("`radii` and `constants` must be empty where the certificate is refused")
            return self
        require_entries("radii", self.radius_values, self.images, smallest=0.0)
        if self.constants:
            require_entries("constants", self.constant_values, self.images, smallest=0.0)
        return self

    @property
    def radius_values(self) -> list[float]:
        """One number an image; none for a refusal."""
        return unpacked(self.radii)

    @property
    def constant_values(self) -> list[float]:
        """One number an image, where there are any."""
        return unpacked(self.constants)


def share_certified(radii: Sequence[float], epsilon: float) -> float:
    """The share of at least one image whose radius reaches so far, a lower bound; radius 0 certifies nothing."""
    return sum(0 < radius >= epsilon for radius in radii) / len(radii)


class SampleMargins(AbstractRecordPart):
    """How far the correct class of every test image is ahead, without a perturbation; negative where it is behind.

    Attributes:
        logits: min_j (s_y − s_j), between spaces; −inf for an image that could not be run.
        normalised: min_j (s_y − s_j)/‖w_y − w_j‖₂, the distance of the feature vector from the nearest boundary between
            two classes; between spaces.

    Raises:
        ValidationError: not one entry an image in both.
    """

    logits: str
    normalised: str

    @model_validator(mode="after")
    def _one_entry_an_image(self) -> "SampleMargins":
        require_entries("logits", self.logit_values, len(self))
        require_entries("normalised", self.normalised_values, len(self))
        return self

    def __len__(self) -> int:
        return len(self.logits.split())

    @property
    def logit_values(self) -> list[float]:
        """One number an image."""
        return unpacked(self.logits)

    @property
    def normalised_values(self) -> list[float]:
        """One number an image."""
        return unpacked(self.normalised)
