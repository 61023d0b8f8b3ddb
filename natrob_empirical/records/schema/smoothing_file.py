"""The file of one evaluation by randomised smoothing: statements with a probability, kept apart from certificates."""

from typing import Any, Literal

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from natrob_empirical.records.schema.cell_record import Environment
from natrob_empirical.records.schema.certificate_file import HashedNetwork, HashedTensor
from natrob_empirical.records.schema.record_part import AbstractRecordPart

SMOOTHING_VERSION = 1


class SmoothedShare(AbstractRecordPart):
    """The share of images that the smoothed classifier labels rightly, with a radius of at least `epsilon`."""

    epsilon: NonNegativeFloat
    accuracy: NonNegativeFloat


class SmoothingFile(AbstractRecordPart):
    """Radii of a smoothed classifier, each of which may be wrong with a small probability.

    The same network, images, seed and settings give the same file again, up to the environment.

    Attributes:
        kind: of the radii; never "lower", which is kept for what was proved.
        schema_version: of this form.
        certificate: always false.
        statement: what the radii mean, in words.
        norm: of the radii.
        sigma: standard deviation of the noise in every pixel.
        failure_probability: α, of each image by itself.
        joint_failure_probability: bounds the probability that any image's statement is wrong.
        samples_select, samples_estimate: noisy copies of each image, to choose a class and to bound its probability.
        seed: of the noise.
        subject: model and data by name, for people.
        environment: versions, hardware, commit, time.
        network: hash of the network.
        images: hash of the images, in order, as they entered the network before the noise.
        label_hash: hash of the right labels, int64.
        clean_accuracy: share of images labelled rightly by the smoothed classifier.
        accuracies: at the radii that were asked for.
        abstentions: images without an answer.
        true_labels, labels, radii: one an image; the answer −1 and the radius 0 where it was abstained.
    """

    kind: Literal["lower bound with probability 1 − α"]
    schema_version: Literal[1] = SMOOTHING_VERSION
    certificate: Literal[False] = False
    statement: str
    norm: Literal["L2"]
    sigma: PositiveFloat
    failure_probability: PositiveFloat
    joint_failure_probability: PositiveFloat
    samples_select: PositiveInt
    samples_estimate: PositiveInt
    seed: int
    subject: dict[str, Any]
    environment: Environment
    network: HashedNetwork
    images: HashedTensor
    label_hash: HashedTensor
    clean_accuracy: NonNegativeFloat
    accuracies: list[SmoothedShare]
    abstentions: NonNegativeInt
    true_labels: list[NonNegativeInt]
    labels: list[int]
    radii: list[NonNegativeFloat]

    @model_validator(mode="after")
    def _one_an_image(self) -> "SmoothingFile":
        """Refuses lists of other lengths than there are images, and shares that they do not bear out."""
        images = self.images.shape[0] if self.images.shape else 0
        for name in ("true_labels", "labels", "radii"):
            if len(getattr(self, name)) != images:
                raise ValueError(f"`{name}` must be one an image, got {len(getattr(self, name))} of {images}")
        for point in self.accuracies:
            if (share := self.share(point.epsilon)) != point.accuracy:
                raise ValueError(f"`accuracies` at {point.epsilon!r} must be {share!r}, as the radii say")
        return self

    def share(self, epsilon: float) -> float:
        """The share of images with the right answer and a radius of at least this one, from the list of radii."""
        found = zip(self.true_labels, self.labels, self.radii, strict=True)
        right = sum(answer == label and radius >= epsilon for label, answer, radius in found)
        return right / len(self.radii) if self.radii else 0.0
