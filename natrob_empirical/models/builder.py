"""Classifiers from specifications, with weights from a generator."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import overload

import torch
from torch import nn

from natrob_empirical.models.any_specification import AnyModelSpecification
from natrob_empirical.models.classifiers import AbstractClassifier, IntegratorClassifier, ResidualClassifier
from natrob_empirical.models.contractive_networks import build_contractive
from natrob_empirical.models.contractive_specification import ContractiveSpecification
from natrob_empirical.models.interval_weights import weigh_for_intervals
from natrob_empirical.models.isometric_layers import PaddedChannels
from natrob_empirical.models.networks import network_family
from natrob_empirical.models.residual_networks import build_residual
from natrob_empirical.models.residual_specification import ResidualSpecification
from natrob_empirical.models.row_bounded_network import build_row_bounded
from natrob_empirical.models.row_bounded_specification import RowBoundedSpecification
from natrob_empirical.models.specification import ModelSpecification
from natrob_theory import convolutional_field, dense_field
from natrob_theory.numbers.argument_checks import require_count, require_generator


@contextmanager
def initialised_with(generator: torch.Generator) -> Iterator[None]:
    """Within the block torch's layers draw their initial weights as this generator says; its state before is restored.

    torch's constructors know only the global generator, so the block seeds a fork of it.
    """
    seed = int(torch.randint(2**62, (), generator=require_generator("generator", generator)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@overload
def build_classifier(
    specification: ModelSpecification | ContractiveSpecification | RowBoundedSpecification,
    *,
    image_shape: tuple[int, int, int],
    num_classes: int,
    generator: torch.Generator,
) -> IntegratorClassifier: ...


@overload
def build_classifier(
    specification: ResidualSpecification,
    *,
    image_shape: tuple[int, int, int],
    num_classes: int,
    generator: torch.Generator,
) -> ResidualClassifier: ...


def build_classifier(
    specification: AnyModelSpecification,
    *,
    image_shape: tuple[int, int, int],
    num_classes: int,
    generator: torch.Generator,
) -> AbstractClassifier:
    """An untrained classifier, float32, on the CPU.

    Args:
        specification: which network, and its sizes.
        image_shape: (channels, height, width).
        num_classes: at least 2.
        generator: of the initial weights.

    Raises:
        ValueError: an unknown network (near names are offered), an odd number of channels for RevNet, a pooled
            size that does not divide the state's, an image too small for the network or its stem or of sides that
            `downscale` does not divide, or a state too narrow for an isometric stem.
    """
    with initialised_with(generator):
        return assemble_classifier(specification, image_shape, num_classes)


def assemble_classifier(
    specification: AnyModelSpecification, image_shape: tuple[int, int, int], num_classes: int
) -> AbstractClassifier:
    """Builds the classifier on torch's current device, with weights as torch's current generator gives them."""
    require_count("num_classes", num_classes, minimum=2)
    if len(image_shape) != 3:
        raise ValueError(f"`image_shape` must be (channels, height, width), got {tuple(image_shape)}")
    for name, size in zip(("channels", "height", "width"), image_shape, strict=True):
        require_count(f"image_shape: {name}", size)
    if isinstance(specification, ResidualSpecification):
        return build_residual(specification, image_shape, num_classes)
    if isinstance(specification, ContractiveSpecification):
        return build_contractive(specification, image_shape, num_classes)
    if isinstance(specification, RowBoundedSpecification):
        return build_row_bounded(specification, image_shape, num_classes)
    if specification.network == "revnet" and specification.channels % 2 == 1:
        raise ValueError(f"`channels` must be even for RevNet, got {specification.channels}")
    build = _classifier_of_vectors if specification.stem_convolutions else _classifier_of_images
    classifier = build(specification, image_shape, num_classes)
    if specification.initialisation == "interval":
        weigh_for_intervals(classifier)
    return classifier


def _classifier_of_vectors(
    specification: ModelSpecification, image_shape: tuple[int, int, int], num_classes: int
) -> IntegratorClassifier:
    """Convolutions with activations and a linear map, then steps on vectors, all entries of which the head sees."""
    channels, *sides = image_shape
    if min(sides) < 2**specification.stem_convolutions:
        raise ValueError(
            f"`stem_convolutions` = {specification.stem_convolutions} halve the sides of the images "
            f"{tuple(image_shape)} too often"
        )
    layers: list[nn.Module] = []
    for index in range(specification.stem_convolutions):
        width = specification.stem_width * 2**index
        layers += [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.ReLU()]
        channels, sides = width, [side // 2 for side in sides]
    layers += [nn.Flatten(), nn.Linear(channels * math.prod(sides), specification.channels)]
    return IntegratorClassifier(
        nn.Sequential(*layers),
        network_family(specification.network).build(
            specification, lambda features: dense_field(features, specification.hidden)
        ),
        nn.Flatten(),
        nn.Linear(specification.channels, num_classes),
    )


def _classifier_of_images(
    specification: ModelSpecification, image_shape: tuple[int, int, int], num_classes: int
) -> IntegratorClassifier:
    sides = image_shape[1:]
    state_sides = specification.state_sides(sides)
    if any(side % specification.pool_size for side in state_sides):
        raise ValueError(
            f"`pool_size` = {specification.pool_size} must divide the state's sides {state_sides} "
            f"(images {tuple(image_shape)}, stem stride {specification.stem_stride})"
        )

    def field(width: int) -> nn.Module:
        return convolutional_field(width, specification.hidden, convolutions=specification.field_convolutions)

    return IntegratorClassifier(
        _stem(specification, image_shape),
        network_family(specification.network).build(specification, field),
        nn.AdaptiveAvgPool2d(specification.pool_size),
        nn.Linear(specification.channels * specification.pool_size**2, num_classes),
    )


def _stem(specification: ModelSpecification, image_shape: tuple[int, int, int]) -> nn.Module:
    """The convolution, or blocks of pixels that become channels, and channels of zeros."""
    channels, *sides = image_shape
    block = specification.stem_block
    if block == 1:
        return nn.Conv2d(channels, specification.channels, 3, stride=specification.stem_stride, padding=1)
    rearranged = channels * block**2
    if any(side % block for side in sides) or specification.channels < rearranged:
        raise ValueError(
            f"`stem_block` = {block} must divide the sides of the images {tuple(image_shape)}, and `channels` must be "
            f"at least {rearranged}, got {specification.channels}"
        )
    return nn.Sequential(nn.PixelUnshuffle(block), PaddedChannels(rearranged, specification.channels))
