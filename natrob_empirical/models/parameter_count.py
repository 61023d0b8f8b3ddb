"""The number of parameters of a specification, and specifications of an equal number."""

from dataclasses import replace

import torch

from natrob_empirical.models.any_specification import AnyModelSpecification
from natrob_empirical.models.builder import assemble_classifier
from natrob_empirical.models.residual_specification import ResidualSpecification
from natrob_theory.numbers.argument_checks import require_count, require_nonnegative


def parameter_count(specification: AnyModelSpecification, image_shape: tuple[int, int, int], num_classes: int) -> int:
    """The number of trainable numbers, a shared one counted once; nothing is allocated.

    Raises:
        ValueError: as `build_classifier`.
    """
    with torch.device("meta"):
        classifier = assemble_classifier(specification, image_shape, num_classes)
    return sum(parameter.numel() for parameter in classifier.parameters())


def matched_to(
    specification: AnyModelSpecification,
    parameters: int,
    *,
    image_shape: tuple[int, int, int],
    num_classes: int,
    tolerance: float = 0.05,
) -> AnyModelSpecification:
    """The specification with the `hidden` (a residual network: the `width`) whose count is nearest to `parameters`.

    Args:
        specification: everything else of it stays.
        parameters: the count to match, at least 1.
        image_shape: (channels, height, width).
        num_classes: at least 2.
        tolerance: the largest relative difference that still counts as matched.

    Raises:
        ValueError: no size comes within `tolerance`; the nearest is named.
    """
    require_count("parameters", parameters)
    require_nonnegative("tolerance", tolerance)
    name = "width" if isinstance(specification, ResidualSpecification) else "hidden"

    def sized(size: int) -> AnyModelSpecification:
        return replace(specification, **{name: size})

    def count(size: int) -> int:
        return parameter_count(sized(size), image_shape, num_classes)

    # The count grows with the size: the smallest size with enough parameters, by doubling and bisection.
    high = 1
    while count(high) < parameters:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if count(middle) >= parameters else (middle, high)
    best = min((size for size in (low, high) if size >= 1), key=lambda size: abs(count(size) - parameters))
    reached = count(best)
    if abs(reached - parameters) > tolerance * parameters:
        raise ValueError(
            f"`parameters` = {parameters} cannot be matched within {tolerance:.1%} by {specification.network}: "
            f"`{name}` = {best} comes nearest, with {reached}"
        )
    return sized(best)
