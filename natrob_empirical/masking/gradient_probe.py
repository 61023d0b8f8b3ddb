"""Gradients as they are, good or bad, to be looked at rather than followed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from natrob_empirical.attacks import Classifier
from natrob_empirical.attacks.counted_model import evaluation_mode

Objective = Callable[[Tensor, Tensor], Tensor]


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Probe:
    """An objective and its gradient at some images.

    Attributes:
        value: of the objective, per image.
        gradient: with respect to the image; None where autograd cannot trace the objective back to it.
    """

    value: Float[Tensor, " images"]
    gradient: Float[Tensor, "images channels height width"] | None


def cross_entropy(logits: Float[Tensor, "images classes"], y: Int64[Tensor, " images"]) -> Float[Tensor, " images"]:
    """The loss that gradient attacks raise, in the precision of the logits."""
    return nn.functional.cross_entropy(logits, y, reduction="none")


def probe_gradient(
    model: Classifier,
    x: Float[Tensor, "images channels height width"],
    y: Int64[Tensor, " images"],
    objective: Objective,
) -> Probe:
    """The objective's value and gradient; NaN and infinity are returned, not refused."""
    with evaluation_mode(model), torch.enable_grad():
        image = x.detach().requires_grad_()
        value = objective(model(image.clone()), y)
        gradient = torch.autograd.grad(value.sum(), image, allow_unused=True)[0] if value.requires_grad else None
    return Probe(value=value.detach(), gradient=gradient)


def probe_value(
    model: Classifier,
    x: Float[Tensor, "images channels height width"],
    y: Int64[Tensor, " images"],
    objective: Objective,
) -> Float[Tensor, " images"]:
    """The objective alone."""
    with evaluation_mode(model), torch.no_grad():
        return objective(model(x.clone()), y)


def cosine(
    first: Float[Tensor, "images *entries"], second: Float[Tensor, "images *entries"]
) -> Float[Tensor, " images"]:
    """⟨a, b⟩/(‖a‖‖b‖) of each image in float64; 0 where exactly one of them is 0, NaN where both are."""
    a, b = (_unit(vector) for vector in (first, second))
    both_zero = (a == 0).all(dim=1) & (b == 0).all(dim=1)
    return torch.where(both_zero, torch.nan, (a * b).sum(dim=1))


def is_zero(gradient: Float[Tensor, "images *pixels"]) -> Bool[Tensor, " images"]:
    """Whether every entry is."""
    return (gradient == 0).flatten(1).all(dim=1)


def _unit(vector: Tensor) -> Tensor:
    """The vector scaled to length 1, by its largest entry first: squares of tiny ones would underflow."""
    rows = vector.double().flatten(1)
    largest = rows.abs().amax(dim=1, keepdim=True)
    rows = rows / torch.where(largest > 0, largest, 1.0)
    length = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    return rows / torch.where(length > 0, length, 1.0)
