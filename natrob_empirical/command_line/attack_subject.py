"""The model with the images that it is attacked on, and what can be found wrong with the two together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from rich.markup import escape
from torch import Tensor, nn

from natrob_empirical.attacks import CountedModel, check_model, counted_model
from natrob_empirical.benchmarks import fingerprint_of_tests
from natrob_empirical.command_line.console import errors
from natrob_empirical.command_line.device_and_data import dataset_named
from natrob_empirical.command_line.model_target import ModelTarget
from natrob_empirical.command_line.tracebacks import described, raised_in
from natrob_empirical.datasets import Dataset

_SHOWN = 32
"""Images that a model is shown to be known."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class AttackSubject:
    """A model and test images that fit it.

    Attributes:
        target: the model as it was asked for.
        model: on the device.
        dataset: the data set, cut to the images in use.
        images, labels: the test images in the model's dtype, and their labels, on the device.
    """

    target: ModelTarget
    model: nn.Module
    dataset: Dataset
    images: Tensor
    labels: Tensor

    @property
    def identity(self) -> dict[str, Any]:
        """Tells model and images from others."""
        return {
            "model": self.target.identity,
            "data": {
                "name": self.dataset.name,
                "title": self.dataset.title,
                "source": self.dataset.source,
                "fingerprint": fingerprint_of_tests(self.dataset),
                "test_images": len(self.images),
            },
        }


def load_subject(
    target: ModelTarget,
    *,
    data: str | None,
    data_root: Path | None,
    images: int | None,
    device: torch.device,
    default_images: int | None = None,
) -> AttackSubject:
    """The model and its images, after a look at what it answers to two of them.

    Args:
        target: the model.
        data: a data set's name or file; None takes what the model was trained on.
        data_root: of the data sets.
        images: how many test images; None for `default_images`.
        device: where both go.
        default_images: how many if there are more; None for all.

    Raises:
        ValueError, TypeError: no data is named, or model and images do not fit; the message says why.
    """
    name = data or target.dataset
    if name is None:
        raise ValueError(f"`--data` must be given for {target.label}: it does not say what it was trained on")
    dataset = dataset_named(name, data_root)
    available = len(dataset.test_x)
    if images is None and default_images is not None:
        images = min(default_images, available)
    if images is not None and images < 1:
        raise ValueError(f"`--images` must be at least 1, got {images}")
    if images is not None and images > available:
        raise ValueError(f"`--images` must be at most {available}, the number of test images there are, got {images}")
    dataset = dataset.subset(test=images)
    _require_shape(target, dataset)
    subject = AttackSubject(
        target=target,
        model=target.model.to(device),
        dataset=dataset,
        images=dataset.to_images(dataset.test_x, dtype=target.dtype).to(device),
        labels=dataset.test_y.to(device),
    )
    _require_logits(subject)
    return subject


def check_subject(subject: AttackSubject, *, average: int | None) -> None:
    """Warn of a model that returns probabilities, and refuse one that is random unless its answers are averaged.

    Raises:
        ValueError: a random model without `average`, or the reverse.
    """
    check = check_model(subject.model, subject.images[:_SHOWN])
    if check.probabilities:
        errors.print(
            f"[yellow]warning:[/yellow] {escape(subject.target.label)} seems to return probabilities. Where it is sure "
            "their gradients vanish, and attacks look weaker than they are: let it return logits, without the softmax",
        )
    if check.random and average is None:
        raise ValueError(
            f"{subject.target.label} answers the same images differently from call to call (other labels for "
            f"{check.changed_labels:.1%} of {check.num_images} images in {check.calls} calls); switch its randomness "
            "off, or attack the mean of its answers with `--average 20`"
        )
    if check.depends_on_batch:
        errors.print(
            f"note: the answers of {escape(subject.target.label)} depend on the batch; every image is attacked alone, "
            "which takes longer",
        )
    if average is not None and not check.random:
        raise ValueError(f"`--average` is for models whose answers are random; {subject.target.label} repeats its own")


def _require_shape(target: ModelTarget, dataset: Dataset) -> None:
    if target.image_shape is not None and target.image_shape != dataset.image_shape:
        raise ValueError(
            f"{target.label} takes images of shape {_shape(target.image_shape)}, "
            f"but those of {dataset.name} have {_shape(dataset.image_shape)}"
        )


def _require_logits(subject: AttackSubject) -> None:
    """Ask the model once; its own errors are put into words that name the images."""
    label, name, shown = subject.target.label, subject.dataset.name, subject.images[:2]
    meter = CountedModel(subject.model, len(shown), shown.device)
    try:
        logits = meter.logits(shown)
    except Exception as error:  # whatever a user's model raises
        if raised_in(error, counted_model.__file__):  # what it returns is not what is required of logits
            raise ValueError(str(error).replace("`model`", label)) from error
        reason = " ".join(str(error).split()) if isinstance(error, RuntimeError) else described(error)
        raise ValueError(
            f"{label} fails on images of {name}, of shape {_shape(subject.dataset.image_shape)}: {reason}"
        ) from error
    if logits.shape[1] < subject.dataset.num_classes:
        raise ValueError(f"{label} has {logits.shape[1]} logits, but {name} has {subject.dataset.num_classes} classes")


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
