"""Writes the radii of a smoothed classifier: with the same hashes as certificates, and never called one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from natrob_empirical.benchmarks.environment import current_environment
from natrob_empirical.certificate_files.hashes import network_sha256, tensor_hash
from natrob_empirical.certificate_files.writing import certificate_text
from natrob_empirical.files.atomic_file import write_or_rescue
from natrob_empirical.records.schema import HashedNetwork, SmoothedShare, SmoothingFile
from natrob_empirical.smoothing import SmoothedAccuracy


def smoothing_file(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    result: SmoothedAccuracy,
    *,
    seed: int,
    network: str | None = None,
    subject: Mapping[str, Any] | None = None,
) -> SmoothingFile:
    """The file of a result of `randomised_smoothing`.

    Args:
        model: that was smoothed, as it was given.
        x, y: the images and the right labels, in order.
        result: to be written.
        seed: of the noise.
        network: `network_sha256` of the network as it is stored; None for that of `model`.
        subject: model and data by name, for people.

    Raises:
        ValueError: the images are not those of the result.
    """
    if not len(x) == len(y) == len(result.radii):
        raise ValueError(f"`x` and `y` must be those of the result, got {len(x)} and {len(y)} of {len(result.radii)}")
    return SmoothingFile(
        kind=result.kind,
        statement=result.statement,
        norm=result.norm,
        sigma=result.sigma,
        failure_probability=result.failure_probability,
        joint_failure_probability=result.joint_failure_probability,
        samples_select=result.samples_select,
        samples_estimate=result.samples_estimate,
        seed=seed,
        subject=dict(subject or {}),
        environment=current_environment(x.device),
        network=HashedNetwork(sha256=network or network_sha256(model), network=type(model).__name__),
        images=tensor_hash(x),
        label_hash=tensor_hash(y),
        clean_accuracy=result.clean_accuracy,
        accuracies=[
            SmoothedShare(epsilon=epsilon, accuracy=accuracy)
            for epsilon, accuracy in zip(result.epsilons, result.accuracies, strict=True)
        ],
        abstentions=result.abstentions,
        true_labels=y.tolist(),
        labels=result.labels.tolist(),
        radii=result.radii.tolist(),
    )


def write_smoothing(file: SmoothingFile, path: Path) -> None:
    """Write the file, whole or not at all. Raises OSError, which says where it lies instead."""
    write_or_rescue(path, certificate_text(file).encode(), what="the radii")
