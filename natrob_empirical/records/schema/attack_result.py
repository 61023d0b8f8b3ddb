"""The outcome of an attack on a model and on every image, as a record holds it."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from natrob_empirical.records.schema.record_part import AbstractRecordPart, Number
from natrob_empirical.records.schema.samples import (
    OUTCOME_LETTERS,
    SampleOutcomes,
    require_entries,
    require_letters,
    unpacked,
)


class PublishedNumber(AbstractRecordPart):
    """A number from elsewhere that stands beside ours: shown with its source, in no mean, bound or finding of ours.

    Attributes:
        value: in our unit; an accuracy is a share in [0, 1].
        source: publication and table.
    """

    value: float
    source: str


class AttackPart(AbstractRecordPart):
    """The work of one part of an attack that has several, such as AutoAttack.

    Attributes:
        name: in the literature.
        attacked: images that it found unfooled.
        left: images that it left unfooled.
    """

    name: str
    attacked: int
    left: int


class AttackResult(AbstractRecordPart):
    """One attack at one budget on one trained model.

    Attributes:
        accuracy: under the attack: an upper bound of the true robust accuracy.
        clean_accuracy: on the same images.
        majority_share: the share of the largest class among the images. With an L∞ budget of 0.5 or more no
            deterministic classifier has a robust accuracy above it (theory, section 2).
        largest_distance: the largest ‖x' − x‖ in the attack's norm.
        mean_queries, mean_gradient_calls: per image.
        seconds: wall clock; of a search without a radius, that of the one search that serves all radii.
        outcomes: one letter an image in the order of the data, as in `SampleOutcomes`; empty where they were not kept,
            as in a record from before there were any.
        median_distance: of the nearest wrong images that a search without a radius found, over the images classified
            correctly; None for an attack inside a ball.
        published: what a publication reports for this cell, if it reports it.
        distances: ‖x' − x‖ of the misclassified image found for every image, in the attack's norm, between spaces: an
            upper bound of the distance to the nearest one; 0 for an image misclassified already, inf where none was
            found. Of a search without a radius also beyond this one. Empty in records from before there were any.
        only_on: the labels of the models that the attack was meant for; empty for all of the preset.
        one_at_a_time: whether the model's answers depend on the batch, so that every image was attacked alone. False in
            records from before this was looked at.
        not_attacked: positions of images that were not attacked, since a certificate reaches the radius; integers
            between spaces. Their outcome is "k", by the certificate and one look at the image.
        parts: those of an attack of several that ran, in their order; empty of others, and in records from before.
    """

    kind: Literal["attack"] = "attack"
    accuracy: Number
    clean_accuracy: Number
    majority_share: float
    largest_distance: float
    mean_queries: float
    mean_gradient_calls: float
    seconds: float
    outcomes: str = ""
    median_distance: Number | None = None
    published: PublishedNumber | None = None
    distances: str = ""
    only_on: list[str] = Field(default_factory=list)
    one_at_a_time: bool = False
    not_attacked: str = ""
    parts: list[AttackPart] = Field(default_factory=list)

    @field_validator("outcomes")
    @classmethod
    def _known_letters(cls, outcomes: str) -> str:
        require_letters("outcomes", outcomes, OUTCOME_LETTERS)
        return outcomes

    @model_validator(mode="after")
    def _one_distance_an_outcome(self) -> "AttackResult":
        if self.distances:
            require_entries("distances", self.distance_values, len(self.outcomes), smallest=0.0)
        return self

    @model_validator(mode="after")
    def _only_kept_images_are_not_attacked(self) -> "AttackResult":
        for position in self.positions_not_attacked:
            if self.outcomes[position : position + 1] != "k":
                raise ValueError(f"`not_attacked` must hold images that kept their label, got position {position}")
        return self

    @property
    def distance_values(self) -> list[float]:
        """One number an image; none where they were not kept."""
        return unpacked(self.distances)

    @property
    def positions_not_attacked(self) -> list[int]:
        """The images that a certificate spared the attack."""
        return [int(part) for part in self.not_attacked.split()]


class AttackRefusal(AbstractRecordPart):
    """Why an attack came to no result: the model could not be asked to the end.

    Attributes:
        reason: what failed, and the advice that came with it.
        seconds: wall clock until then.
        only_on: as in `AttackResult`.
    """

    kind: Literal["attack refused"] = "attack refused"
    reason: str
    seconds: float
    only_on: list[str] = Field(default_factory=list)


class AttackRunResult(AbstractRecordPart):
    """One attack at one budget, as `natrob attack` ran it: the summary of a benchmark's cell, and every image.

    Attributes:
        summary: as in a benchmark; its accuracy is an upper bound of the robust accuracy on these images.
        accuracy_interval, clean_interval: Wilson's 95 % intervals of both accuracies for the population that the
            images are a random sample of.
        ceiling: no deterministic classifier has a higher robust accuracy on these images: their largest class's share
            where an L∞ radius of at least 0.5 puts the gray image into every ball; else None.
        samples: per image.
    """

    kind: Literal["attack run"] = "attack run"
    summary: AttackResult
    accuracy_interval: tuple[float, float]
    clean_interval: tuple[float, float]
    ceiling: float | None
    samples: SampleOutcomes
