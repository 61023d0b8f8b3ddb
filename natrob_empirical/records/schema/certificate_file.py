"""The file in which the certificates of one evaluation travel: a radius an image, and all that it takes to check them.

A change that an old reader would misread raises `CERTIFICATE_VERSION`. Files from before it have no version, no hashes,
and cannot be checked again.
"""

from typing import Any, Literal

from pydantic import FiniteFloat, NonNegativeFloat, NonNegativeInt, model_validator

from natrob_empirical.norms import CertificateNorm
from natrob_empirical.records.schema.cell_record import Environment
from natrob_empirical.records.schema.record_part import AbstractRecordPart

CERTIFICATE_VERSION = 1


class HashedTensor(AbstractRecordPart):
    """The hash of images or labels.

    Attributes:
        sha256: of the shape and the dtype as text, then of the bytes, little-endian, the last axis fastest.
        shape: of all of them together.
        dtype: of the bytes.
    """

    sha256: str
    shape: list[int]
    dtype: str


class HashedNetwork(AbstractRecordPart):
    """The hash of a network.

    Attributes:
        sha256: of its modules by name with class and settings, its grids, then every parameter and buffer by name.
        network: its class.
    """

    sha256: str
    network: str


class GridOnFile(AbstractRecordPart):
    """The grid of one integrator inside; what a kind of integrator does not have is None.

    Attributes:
        part: the module's name.
        method: of a step.
        start_time, end_time: the time span; a fixed grid has no end of its own.
        step_size, num_steps: of a fixed grid.
        max_step_size, max_num_steps, rtol, atol: of an adaptive solve.
    """

    part: str
    method: str
    start_time: FiniteFloat
    step_size: FiniteFloat | None = None
    num_steps: NonNegativeInt | None = None
    end_time: FiniteFloat | None = None
    max_step_size: FiniteFloat | None = None
    max_num_steps: NonNegativeInt | None = None
    rtol: str | None = None
    atol: str | None = None


class ConstantOnFile(AbstractRecordPart):
    """An upper constant, and where it comes from."""

    part: str
    upper: float
    source: str


class NativeConstantOnFile(AbstractRecordPart):
    """The features' constant in the norm of the radii itself, or why there is none."""

    upper: float | None = None
    refusal: str = ""


class CertifiedShare(AbstractRecordPart):
    """The share of images that are certified at a radius that was asked for."""

    epsilon: NonNegativeFloat
    accuracy: NonNegativeFloat


class CertificateFile(AbstractRecordPart):
    """All certificates of one evaluation. A check recomputes every number and believes none.

    Attributes:
        kind: of the radii, in words.
        schema_version: of this form.
        norm: of the radii.
        method: that was asked for.
        precision: which network is certified: in exact arithmetic, or as it is run in floating point.
        time_limit: seconds that branching had for an image.
        arithmetic: in words, how rounding was treated.
        subject: model and data by name, for people; the hashes are what counts.
        environment: versions, hardware, commit, time.
        network: hash of the network.
        images: hash of the images, in order, as they entered the network, pixels in [0, 1].
        label_hash: hash of the labels, int64.
        grid: of every integrator inside.
        constants: upper constants that the radii rest on, with sources.
        native: the constant in the norm itself.
        clean_accuracy: share of right labels.
        certified: at the radii that were asked for.
        undecided: images neither certified nor attacked, one number a radius asked for; an attack's word, not checked.
        refused: methods that gave nothing, and why.
        labels, radii, routes: one an image. 0 and "none": nothing is certified.
    """

    kind: str
    schema_version: Literal[1] = CERTIFICATE_VERSION
    norm: CertificateNorm
    method: str
    precision: Literal["exact", "float64", "float32"]
    time_limit: NonNegativeFloat
    arithmetic: str
    subject: dict[str, Any]
    environment: Environment
    network: HashedNetwork
    images: HashedTensor
    label_hash: HashedTensor
    grid: list[GridOnFile]
    constants: list[ConstantOnFile]
    native: NativeConstantOnFile
    clean_accuracy: NonNegativeFloat
    certified: list[CertifiedShare]
    undecided: list[NonNegativeInt] | None = None
    refused: dict[str, str]
    labels: list[NonNegativeInt]
    radii: list[NonNegativeFloat]
    routes: list[str]

    @model_validator(mode="after")
    def _one_an_image(self) -> "CertificateFile":
        """Refuses lists of other lengths than there are images."""
        images = self.images.shape[0] if self.images.shape else 0
        for name in ("labels", "radii", "routes"):
            if len(getattr(self, name)) != images:
                raise ValueError(f"`{name}` must be one an image, got {len(getattr(self, name))} of {images}")
        return self
