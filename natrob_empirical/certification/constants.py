"""The constants that a classifier's certificates rest on, computed once for any number of images."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from natrob_empirical.certification.adaptive_features import AdaptiveBounds, adaptive_bounds, has_adaptive_solves
from natrob_empirical.certification.classifier_bounds import (
    ChainBounds,
    ClassifierBounds,
    ImageShape,
    classifier_bounds,
)
from natrob_empirical.certification.errors import CertificateRefusedError
from natrob_empirical.certification.frozen_copy import frozen_copy
from natrob_empirical.certification.gap_allowance import GapAllowance, Precision, gap_allowance
from natrob_empirical.certification.refusals import require_certifiable, require_upper
from natrob_empirical.certification.structure import require_stated_structure
from natrob_empirical.models import AbstractClassifier, SequentialClassifier
from natrob_theory import LayerRefusedError, lipschitz_upper_bound
from natrob_theory.layers.remembered import constants_remembered
from natrob_theory.numbers.argument_checks import require_choice
from natrob_theory.numbers.norms import l2_norm
from natrob_theory.numbers.rounding import EPSILON, raised_to_normal

PRECISIONS: tuple[Precision, ...] = ("exact", "float64", "float32")


@dataclass(frozen=True, kw_only=True, eq=False)
class CertificateConstants:
    """The constants of one classifier.

    Attributes:
        model: the frozen copy that is certified, float64.
        image_shape: of one image.
        bounds: upper Lipschitz constants of the parts; of a network with adaptive solves those that its affine bound
            is made of, image by image.
        distances: ‖w_y − w_j‖₂ of the head's rows, rounded outward.
        clean: what float64 may have changed in the gaps of the clean images; None with adaptive solves.
        deployed: what floating point may change in the gaps of any image of a ball; None for exact arithmetic, and with
            adaptive solves.
        precision: which network the certificates are for.
    """

    model: AbstractClassifier
    image_shape: ImageShape
    bounds: ClassifierBounds | ChainBounds | AdaptiveBounds
    distances: Float[Tensor, "classes classes"]
    clean: GapAllowance | None
    deployed: GapAllowance | None
    precision: Precision

    @property
    def arithmetic(self) -> str:
        """In words, which network is certified and how rounding was treated."""
        text = (
            "logit gaps computed in float64, less a bound of what that rounds (sums in any order, |δ| ≤ 2⁻⁵³ an "
            "operation, layer by layer); constants rounded outward. "
        )
        if self.precision == "exact":
            return text + (
                "The certificate is for the network with the weights it computes with, in exact arithmetic; a run in "
                "float32 may round otherwise near the edge of a ball"
            )
        return text + (
            f"The certificate covers the network as it is run in {self.precision} on any image of the ball, with the "
            f"weights it computes with (sums in any order; no TensorFloat-32, Fourier or Winograd products)"
        )


def certificate_constants(
    model: nn.Module, image_shape: ImageShape, *, precision: Precision = "exact", looked_at: Tensor | None = None
) -> CertificateConstants:
    """The constants of a classifier on images of this shape; none of them depends on an image.

    Args:
        model: a classifier of this library, or an nn.Sequential of layers with known constants, without batch norm or
            dropout in training mode. A frozen copy in float64 is taken.
        image_shape: (channels, height, width).
        precision: "exact" certifies the network in exact arithmetic, "float64" and "float32" as it is run so.
        looked_at: images at whose states the structure of the fields is looked at; noise where there are none.

    Raises:
        CertificateRefusedError: there is no certificate for this model; the message says why.
        ValueError: the model takes no images of this shape.
    """
    require_choice("precision", precision, PRECISIONS)
    frozen = frozen_copy(require_certifiable(model, image_shape))
    _require_images_taken(frozen, image_shape)
    try:
        with constants_remembered():
            bounds = _bounds_of(frozen, image_shape)
            distances = head_distances(frozen.head.weight)
            clean = deployed = None
            if not isinstance(bounds, AdaptiveBounds):
                clean = gap_allowance(frozen, image_shape, distances, torch.float64)
            if precision != "exact" and not isinstance(bounds, AdaptiveBounds):
                deployed = gap_allowance(frozen, image_shape, distances, getattr(torch, precision))
    except LayerRefusedError as refusal:
        raise CertificateRefusedError(f"no certificate: {refusal}") from refusal
    for name, bound in bounds.parts:
        require_upper(bound, f"the constant of {name}")
    seen = _images_of_noise(image_shape) if looked_at is None else looked_at.detach()
    require_stated_structure(frozen, seen.to(frozen.head.weight))
    return CertificateConstants(
        model=frozen,
        image_shape=image_shape,
        bounds=bounds,
        distances=distances,
        clean=clean,
        deployed=deployed,
        precision=precision,
    )


def _bounds_of(model: AbstractClassifier, image_shape: ImageShape) -> ClassifierBounds | ChainBounds | AdaptiveBounds:
    if has_adaptive_solves(model):
        return adaptive_bounds(model, image_shape)
    if isinstance(model, SequentialClassifier):
        return ChainBounds(features=lipschitz_upper_bound(model.layers, input_shape=image_shape))
    return classifier_bounds(model, image_shape)


def _require_images_taken(model: AbstractClassifier, image_shape: ImageShape) -> None:
    """Show the model two images: what a layer inside says of a shape it was not built for names no image."""
    try:
        with torch.no_grad():
            model(_images_of_noise(image_shape).to(model.head.weight))
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"the classifier takes no images of shape {tuple(image_shape)}: {reason}") from error


def _images_of_noise(image_shape: ImageShape) -> Tensor:
    """Where the structure of the fields is looked at before any image is known."""
    return torch.rand((2, *image_shape), generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def head_distances(weight: Float[Tensor, "classes features"]) -> Float[Tensor, "classes classes"]:
    """‖w_y − w_j‖₂ for all pairs, rounded outward."""
    rows = weight.detach().double()
    differences = rows[:, None, :] - rows[None]
    lengths = l2_norm(differences, dim=2)
    return raised_to_normal(lengths * (1.0 + (rows.shape[1] + 8) * EPSILON))
