"""Parts of a record with one entry an image, packed into text: a JSON list would put every image on its own line."""

import math
from collections.abc import Iterable, Sequence, Sized
from functools import lru_cache
from typing import Literal

from pydantic import model_validator

from natrob_empirical.records.schema.record_part import AbstractRecordPart

OUTCOME_LETTERS = "wfk"
"""An image was wrong without a perturbation, was fooled, or kept its label."""


def packed(values: Iterable[float]) -> str:
    """Writes the numbers between spaces, exact as `float` reads them; infinity is "inf"."""
    return " ".join(map(repr, values))


def unpacked(text: str) -> list[float]:
    """Reads the numbers that `packed` wrote."""
    return list(_numbers(text))


@lru_cache(maxsize=4096)  # claims read the same images again and again
def _numbers(text: str) -> tuple[float, ...]:
    return tuple(map(float, text.split()))


def require_letters(name: str, letters: str, allowed: str) -> None:
    """Raise ValueError unless every letter is an allowed one."""
    strange = sorted(set(letters) - set(allowed))
    if strange:
        known = f"{', '.join(allowed[:-1])} and {allowed[-1]}"
        raise ValueError(f"`{name}` must consist of the letters {known}, got {strange[0]!r}")


def require_length(count: int, **entries: Sized) -> None:
    """Raise ValueError unless there are so many of each."""
    for name, values in entries.items():
        if len(values) != count:
            raise ValueError(f"`{name}` must hold {count} entries, one an image, got {len(values)}")


def require_entries(name: str, values: list[float], count: int, *, smallest: float | None = None) -> None:
    """Raise ValueError unless there are so many numbers, none of them NaN or below `smallest`."""
    require_length(count, **{name: values})
    for value in values:
        if math.isnan(value) or (smallest is not None and value < smallest):
            limit = "numbers" if smallest is None else f"numbers of at least {smallest:g}"
            raise ValueError(f"`{name}` must hold {limit}, got {value}")


class SampleOutcomes(AbstractRecordPart):
    """The outcome of an attack on every image, in the order of the data.

    Attributes:
        outcomes: one letter an image: "w" for wrong without a perturbation, "f" for fooled, "k" for kept its label.
        queries, gradient_calls: forward passes and loss gradients, integers between spaces.
        distances: ‖x' − x‖ of the images returned, in the attack's norm, between spaces.

    Raises:
        ValidationError: another letter, a number that is none, or not one entry an image everywhere.
    """

    outcomes: str
    queries: str
    gradient_calls: str
    distances: str

    @model_validator(mode="after")
    def _one_entry_an_image(self) -> "SampleOutcomes":
        require_letters("outcomes", self.outcomes, OUTCOME_LETTERS)
        counts = {"queries": self.query_counts, "gradient_calls": self.gradient_counts}
        require_length(len(self), **counts, distances=self.distance_values)
        return self

    def __len__(self) -> int:
        return len(self.outcomes)

    @classmethod
    def joined(cls, parts: Sequence["SampleOutcomes"]) -> "SampleOutcomes":
        """Joins the outcomes of several batches."""
        columns = {name: [getattr(part, name) for part in parts] for name in cls.model_fields}
        return cls(**{name: ("" if name == "outcomes" else " ").join(texts) for name, texts in columns.items()})

    @property
    def query_counts(self) -> list[int]:
        """One number an image."""
        return [int(part) for part in self.queries.split()]

    @property
    def gradient_counts(self) -> list[int]:
        """One number an image."""
        return [int(part) for part in self.gradient_calls.split()]

    @property
    def distance_values(self) -> list[float]:
        """One number an image."""
        return unpacked(self.distances)


class SampleCertificates(AbstractRecordPart):
    """The radius of every image below which no perturbation changes its correct label, by one method in one norm.

    A radius is a LOWER bound of the distance to the nearest misclassified image; 0 where nothing is certified, as for
    an image that is misclassified already.

    Attributes:
        method: "global" from one constant for all inputs, "tube" from constants around each trajectory, "local" from
            constants on a ball around each image; the others from deciding balls.
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

    method: Literal["global", "tube", "local", "intervals", "linear_relaxation", "branch_and_bound", "best"]
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
    """The lead of every test image's correct class, without a perturbation; negative where another class leads.

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


class SampleAmplification(AbstractRecordPart):
    """The growth of one perturbation of each image.

    Attributes:
        positions: of the images among those that the attack cells ran on, integers between spaces; the outcomes of
            an attack on the same image stand at the same position.
        perturbations: one letter an image: "r" for a random perturbation, "f" for one that an attack found.
        distances: ‖x' − x‖₂ of the images, between spaces.
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
        measured = {"distances": self.distance_values, "trunk": self.trunk_values, "features": self.feature_values}
        require_length(len(self), positions=self.position_values, **measured)
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
        return unpacked(self.distances)

    @property
    def trunk_values(self) -> list[float]:
        """One number an image; infinity where the growth overflows."""
        return unpacked(self.trunk)

    @property
    def feature_values(self) -> list[float]:
        """One number an image; infinity where the growth overflows."""
        return unpacked(self.features)
