"""The residual networks by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from natrob_empirical.models.classifiers import ResidualClassifier
from natrob_empirical.models.residual_specification import ResidualSpecification
from natrob_empirical.models.resnet import build_preact_resnet18, build_resnet


@final
@dataclass(frozen=True, kw_only=True)
class ResidualFamily:
    """A residual network by name.

    Attributes:
        name: the key on the command line and in records.
        title: the name in text.
        build: the classifier from a specification, the images' channels and the number of classes.
        halvings: how often the network halves the image.
    """

    name: str
    title: str
    build: Callable[[ResidualSpecification, int, int], ResidualClassifier]
    halvings: int


def _resnet50(specification: ResidualSpecification, channels: int, num_classes: int) -> ResidualClassifier:
    """Imports `build_resnet50` when it is built: torchvision's models take two seconds to import."""
    from natrob_empirical.models.resnet50 import build_resnet50  # noqa: PLC0415

    return build_resnet50(specification, channels, num_classes)


RESIDUAL_NETWORKS: dict[str, ResidualFamily] = {
    family.name: family
    for family in (
        ResidualFamily(name="resnet", title="ResNet (He et al., small images)", build=build_resnet, halvings=2),
        ResidualFamily(name="resnet50", title="ResNet-50, 3×3 stem", build=_resnet50, halvings=3),
        ResidualFamily(name="preact_resnet18", title="PreAct-ResNet-18", build=build_preact_resnet18, halvings=3),
    )
}


def build_residual(
    specification: ResidualSpecification, image_shape: tuple[int, int, int], num_classes: int
) -> ResidualClassifier:
    """The classifier, with weights as torch's current generator gives them.

    Raises:
        ValueError: an image with fewer pixels on a side than the network halves away.
    """
    family = RESIDUAL_NETWORKS[specification.network]
    channels, *sides = image_shape
    smallest = 2**family.halvings
    if min(sides) < smallest:
        raise ValueError(
            f"`image_shape` must have sides of at least {smallest} pixels for {specification.network}, which halves "
            f"the image {family.halvings} times, got {tuple(image_shape)}"
        )
    return family.build(specification, channels, num_classes)
