"""What certificates cost: constants of whole classifiers in seconds, and 10,000 MNIST images beside a forward pass.

The weights are untrained: neither time depends on what they are, but for the number of factorisations by which the
norms of wide convolutions are found, which is largest for random weights.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.measurement import Row, interleaved_medians
from benchmarks.states import SEED
from natrob_empirical.certification import CertificateConstants, certificate_constants, certified_with
from natrob_empirical.certification.certified_by_constants import IMAGES_AT_ONCE
from natrob_empirical.datasets import DatasetUnavailableError, load_dataset
from natrob_empirical.models import (
    PREACT_RESNET_18,
    AbstractClassifier,
    AnyModelSpecification,
    ContractiveSpecification,
    ModelSpecification,
    build_classifier,
    resnet_20,
)
from natrob_empirical.random_streams import RandomStreams

SECTION = "certification"
IMAGE_SHAPE = (1, 28, 28)
IMAGES, QUICK_IMAGES = 10_000, 500
EPSILONS = (0.1, 0.3, 0.5, 1.58)
PASSES = 1.5
SECONDS = 10.0
"""What "in seconds" is taken to be."""


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A classifier.

    Attributes:
        specification: with untrained weights.
        name: as the table calls it.
        certified: whether 10,000 images go through it in a time that a table can spend.
        profile: where its constants take long, what a profile shows.
    """

    specification: AnyModelSpecification
    name: str
    certified: bool = True
    profile: str = ""


CASES = (
    _Case(
        specification=ContractiveSpecification(label="dense", network="gradient_flow", layout="dense"),
        name="contractive gradient flow, dense, 5 steps of 784×784",
    ),
    _Case(
        specification=ContractiveSpecification(
            label="convolutional", network="gradient_flow", layout="convolutional", downscale=4
        ),
        name="contractive gradient flow, 5 steps of 3×3 convolutions, 16×7×7",
    ),
    _Case(
        specification=ModelSpecification(label="Euler", network="euler", stem_stride=2, pool_size=7),
        name="EulerNet, 5 steps, 8×14×14, 16 hidden channels",
    ),
    _Case(specification=resnet_20(), name="ResNet-20", certified=False),
    _Case(
        specification=PREACT_RESNET_18,
        name="PreAct-ResNet-18",
        certified=False,
        profile="; the profile shows the Fourier blocks of up to 512 channels: their transform, products and "
        "factorisations, once with the batch norm folded in and once without it for the rounding of the features",
    ),
)


def rows(*, quick: bool = False) -> list[Row]:
    """Two lines per network that 10,000 images are certified with, and one for each of the larger ones."""
    found = []
    for case in CASES[:3] if quick else CASES:
        model = _untrained(case.specification)
        found.append(_constants_row(case, model, repeats=1 if quick else 3))
        if case.certified:
            x, y = mnist_images(QUICK_IMAGES if quick else IMAGES)
            found.append(_images_row(case, certificate_constants(model, IMAGE_SHAPE), x, y, repeats=3 if quick else 5))
    return found


def mnist_images(count: int) -> tuple[Tensor, Tensor]:
    """MNIST test images where the data root has them, else uniform random ones of the same shape, with labels."""
    try:
        mnist = load_dataset("mnist")
    except DatasetUnavailableError:
        generator = RandomStreams(SEED).generator("data")
        return torch.rand((count, *IMAGE_SHAPE), generator=generator), torch.arange(count) % 10
    return mnist.to_images(mnist.test_x[:count]), mnist.test_y[:count]


def certifying_and_passing(constants: CertificateConstants, x: Tensor, y: Tensor) -> dict[str, Callable[[], object]]:
    """The certificates of these images, and a plain forward pass: the same network, dtype and images at once."""
    model, images = constants.model, x.double()

    def passing() -> None:
        with torch.no_grad():
            for some in images.split(IMAGES_AT_ONCE):
                model(some)

    return {"certificates": lambda: certified_with(constants, images, y, EPSILONS), "pass": passing}


def _images_row(case: _Case, constants: CertificateConstants, x: Tensor, y: Tensor, *, repeats: int) -> Row:
    seconds = interleaved_medians(certifying_and_passing(constants, x, y), repeats=repeats, warmup=1)
    return Row(
        section=SECTION,
        case=f"{case.name}; {len(x):,} images of {IMAGE_SHAPE}, float64, {IMAGES_AT_ONCE} at once",
        subject='certified_with, "global", after the constants',
        peer="one plain forward pass of the same images",
        quantity="time / forward pass",
        value=seconds["certificates"] / seconds["pass"],
        target=PASSES,
        remark=f"{seconds['certificates']:.2f} s / {seconds['pass']:.2f} s; untrained weights",
    )


def _constants_row(case: _Case, model: AbstractClassifier, *, repeats: int) -> Row:
    constants = certificate_constants(model, IMAGE_SHAPE)
    contestants = {"constants": lambda: certificate_constants(model, IMAGE_SHAPE)}
    seconds = interleaved_medians(contestants, repeats=repeats, warmup=0)["constants"]
    return Row(
        section=SECTION,
        case=f"{case.name}; image {IMAGE_SHAPE}",
        subject="certificate_constants",
        peer="–",
        quantity="seconds",
        value=seconds,
        target=SECONDS,
        remark=f"features' constant {float(dict(constants.bounds.parts)['features']):.3g}; "
        f"untrained weights{case.profile}",
    )


def _untrained(specification: AnyModelSpecification) -> AbstractClassifier:
    generator = RandomStreams(SEED).generator("init")
    return build_classifier(specification, image_shape=IMAGE_SHAPE, num_classes=10, generator=generator).eval()
