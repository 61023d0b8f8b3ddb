"""Writes the certificates of one evaluation."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from torch import Tensor, nn

from natrob_empirical.benchmarks.environment import current_environment
from natrob_empirical.certificate_files.grids import grids_of
from natrob_empirical.certificate_files.hashes import network_sha256, tensor_hash
from natrob_empirical.certification import CertificateConstants, CertifiedAccuracy
from natrob_empirical.files.atomic_file import write_or_rescue
from natrob_empirical.records.schema import (
    CertificateFile,
    CertifiedShare,
    ConstantOnFile,
    HashedNetwork,
    NativeConstantOnFile,
    SmoothingFile,
)

KIND: Final = "lower bound of the distance to the nearest image with another label; 0: none certified"

KEPT_BACK: Final = 2.0**-30
"""This share of a radius is not written, so that other orders of summation, on another machine, verify it too."""

_LONG_LISTS: Final = ("labels", "radii", "routes", "true_labels")


def certificate_file(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    constants: CertificateConstants,
    result: CertifiedAccuracy,
    *,
    time_limit: float,
    network: str | None = None,
    subject: Mapping[str, Any] | None = None,
) -> CertificateFile:
    """The file of a result of `certified_with`.

    A radius is written a little smaller than it was found, but never below a radius that was asked for and reached.

    Args:
        model: that was certified, as it was given.
        x, y: the images and labels, in order.
        constants: that the result rests on.
        result: to be written.
        time_limit: seconds that branching had for an image.
        network: `network_sha256` of the network as it is stored; None for that of `model`.
        subject: model and data by name, for people.

    Raises:
        ValueError: the images are not those of the result.
    """
    if not len(x) == len(y) == len(result.radii):
        raise ValueError(f"`x` and `y` must be those of the result, got {len(x)} and {len(y)} of {len(result.radii)}")
    native = result.native_lipschitz
    return CertificateFile(
        kind=KIND,
        norm=result.norm,
        method=result.method,
        precision=constants.precision,
        time_limit=time_limit,
        arithmetic=result.arithmetic,
        subject=dict(subject or {}),
        environment=current_environment(x.device),
        network=HashedNetwork(sha256=network or network_sha256(model), network=type(model).__name__),
        images=tensor_hash(x),
        label_hash=tensor_hash(y),
        grid=grids_of(model),
        constants=[
            ConstantOnFile(part=name, upper=float(bound), source=bound.source or "")
            for name, bound in constants.bounds.parts
        ],
        native=NativeConstantOnFile(upper=None if native is None else float(native), refusal=result.native_refusal),
        clean_accuracy=result.clean_accuracy,
        certified=[
            CertifiedShare(epsilon=epsilon, accuracy=accuracy)
            for epsilon, accuracy in zip(result.epsilons, result.accuracies, strict=True)
        ],
        undecided=None if result.undecided is None else list(result.undecided),
        refused=dict(result.refused),
        labels=y.tolist(),
        radii=radii_to_write(result),
        routes=list(result.routes),
    )


def radii_to_write(result: CertifiedAccuracy) -> list[float]:
    """The radii, each a trace smaller than it was found, and not below one that was asked for and reached."""
    return [_kept(radius, result.epsilons) for radius in result.radii.tolist()]


def _kept(radius: float, asked: Sequence[float]) -> float:
    """The radius as it is written."""
    reached = [epsilon for epsilon in asked if epsilon <= radius]
    return max([0.0 if math.isnan(radius) else radius * (1.0 - KEPT_BACK), *reached]) if radius > 0 else 0.0


def certificate_text(file: CertificateFile | SmoothingFile) -> str:
    """JSON, the lists that have one entry an image each on a line of its own."""
    entries = {
        name: json.dumps(value, indent=None if name in _LONG_LISTS else 1, ensure_ascii=False, allow_nan=False)
        for name, value in file.model_dump(mode="json").items()
    }
    return "{\n" + ",\n".join(f"{json.dumps(name)}: {text}" for name, text in entries.items()) + "\n}\n"


def write_certificates(file: CertificateFile, path: Path) -> None:
    """Write the file, whole or not at all. Raises OSError, which says where it lies instead."""
    write_or_rescue(path, certificate_text(file).encode(), what="the radii")
