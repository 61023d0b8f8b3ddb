"""What an attack did to every image, packed into text."""

from collections.abc import Sequence

from pydantic import model_validator

from natrob_empirical.records.schema.record_part import AbstractRecordPart

OUTCOME_LETTERS = "wfk"
"""An image was wrong without a perturbation, was fooled, or kept its label."""


def require_letters(name: str, letters: str, allowed: str) -> None:
    """Raise ValueError unless every letter is an allowed one."""
    strange = sorted(set(letters) - set(allowed))
    if strange:
        known = f"{', '.join(allowed[:-1])} and {allowed[-1]}"
        raise ValueError(f"`{name}` must consist of the letters {known}, got {strange[0]!r}")


class SampleOutcomes(AbstractRecordPart):
    """What an attack did to every image, in the order of the data: one entry an image, packed into text.

    Attributes:
        outcomes: one letter an image: "w" for wrong without a perturbation, "f" for fooled, "k" for kept its label.
        queries, gradient_calls: forward passes and loss gradients, integers between spaces.
        distances: ‖x' − x‖ of the images returned, in the attack's norm, between spaces; exact, as `float` reads them.

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
        for name, values in (
            ("queries", self.query_counts),
            ("gradient_calls", self.gradient_counts),
            ("distances", self.distance_values),
        ):
            if len(values) != len(self.outcomes):
                raise ValueError(f"`{name}` must hold {len(self.outcomes)} entries, one an image, got {len(values)}")
        return self

    def __len__(self) -> int:
        return len(self.outcomes)

    @classmethod
    def joined(cls, parts: Sequence["SampleOutcomes"]) -> "SampleOutcomes":
        """The outcomes of several batches as one."""
        return cls(
            outcomes="".join(part.outcomes for part in parts),
            queries=" ".join(part.queries for part in parts),
            gradient_calls=" ".join(part.gradient_calls for part in parts),
            distances=" ".join(part.distances for part in parts),
        )

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
        return [float(part) for part in self.distances.split()]
