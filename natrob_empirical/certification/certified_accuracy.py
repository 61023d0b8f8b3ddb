"""Certified accuracy from upper constants: no attack of any kind changes these labels.

Proof of the radius: proofs/coq/margin_certificate.v, proofs/symbolic/margin_certificate.py.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from natrob_empirical.attacks.attack_inputs import require_images_and_labels, require_labels_in_range
from natrob_empirical.certification.constants import CertificateConstants, certificate_constants
from natrob_empirical.certification.gap_allowance import Precision
from natrob_empirical.certification.local_constants import local_constants
from natrob_empirical.certification.margins import PairMargins, pair_margins
from natrob_empirical.certification.radius_search import PairConstants, SearchProgress, verified_radii
from natrob_empirical.certification.refusals import require_certifiable, require_radii
from natrob_empirical.certification.tube_constants import tube_constants
from natrob_theory import Bound
from natrob_theory.layers.remembered import constants_remembered
from natrob_theory.numbers.argument_checks import require_choice
from natrob_theory.numbers.norms import per_sample_l2
from natrob_theory.numbers.rounding import EPSILON, times_up

Norm: TypeAlias = Literal["L2", "Linf"]
CertificateMethod: TypeAlias = Literal["global", "tube", "local"]
NORMS: tuple[Norm, ...] = ("L2", "Linf")
CERTIFICATE_METHODS: tuple[CertificateMethod, ...] = ("global", "tube", "local")

IMAGES_AT_ONCE = 256
"""So many go through the network together: a few gigabytes of float64 activations at most for the networks here."""


@dataclass(frozen=True, kw_only=True)
class CertifiedAccuracy:
    """Certified accuracy over budgets: a LOWER bound of the true robust accuracy on these images.

    Attributes:
        norm: of the balls.
        method: "global", "tube" or "local".
        epsilons: radii in that norm.
        accuracies: the share of images whose correct label is certified at each radius.
        radii: per image, in that norm, each one verified; 0 where the label is wrong or nothing is certified.
        clean_accuracy: the share of correct labels, in float64.
        feature_lipschitz: the constant the radii rest on, on all inputs; None for "local", which has one per ball.
        arithmetic: in words, which network is certified and how rounding was treated.
    """

    norm: Norm = "L2"
    method: CertificateMethod = "global"
    epsilons: tuple[float, ...]
    accuracies: tuple[float, ...]
    radii: Float[Tensor, " samples"]
    clean_accuracy: float
    feature_lipschitz: Bound | None
    arithmetic: str


def certified_accuracy(
    model: nn.Module,
    x: Float[Tensor, "samples channels height width"],
    y: Int64[Tensor, " samples"],
    epsilons: Sequence[float],
    *,
    norm: Norm = "L2",
    method: CertificateMethod = "global",
    precision: Precision = "exact",
) -> CertifiedAccuracy:
    """The share of images whose correct label no perturbation of norm at most epsilon can change.

    An image keeps its label on the ball of radius r if min_j (s_y − s_j)/C_j > r, C_j a Lipschitz constant of the gap
    s_y − s_j there (theory, section 6; Tsuzuku et al., NeurIPS 2018):

    * "global": C_j = ‖pool‖·growth·‖stem‖·‖w_y − w_j‖, or L·‖w_y − w_j‖ for a chain of layers with constant L in front
      of its last linear layer (√2·L where it ends otherwise), constants on all inputs;
    * "tube": the growth is that of the trajectory's tube, with the field's constants on the balls along it (section 5);
    * "local": C_j of the whole network on the ball, the Jacobian at the image plus what can change in the ball.

    "tube" and "local" are never below "global"; they cost a search over radii. An L∞ ball of radius ε lies in the L2
    ball of radius ε√d, so L∞ radii are L2 radii over √d.

    Args:
        model: a classifier of this library, or an nn.Sequential of layers with known constants (nested ones, and
            networks with a fixed grid among them), without batch norm or dropout in training mode. A frozen copy in
            float64 is what is run.
        x: images in [0, 1].
        y: labels.
        epsilons: radii in `norm`, from 0 up to √d for "L2" and 1 for "Linf".
        norm: "L2" or "Linf".
        method: "global", "tube" or "local".
        precision: "exact": the network in exact arithmetic; "float32", "float64": as it is run so, where
            nothing overflows, at any image of the ball. The last two take more off every margin.

    Raises:
        TypeError, ValueError: arguments that are not as described.
        CertificateRefusedError: a model with a forward of its own (the message names the two ways out); a Neural ODE,
            whose solver chooses another grid for a perturbed image (section 4); a layer, or a class of classifier, that
            cannot be bounded; batch norm in training mode; a field whose Jacobian contradicts the structure that its
            class states; "tube" for a chain without a network of fixed steps, or with several.
    """
    require_choice("norm", norm, NORMS)
    require_choice("method", method, CERTIFICATE_METHODS)
    require_images_and_labels(x, y)
    image_shape = (x.shape[1], x.shape[2], x.shape[3])
    classifier = require_certifiable(model, image_shape)
    require_labels_in_range(y, classifier.head.out_features)
    require_radii(epsilons, norm, x[0].numel())
    constants = certificate_constants(classifier, image_shape, precision=precision, looked_at=x)
    return certified_with(constants, x, y, epsilons, norm=norm, method=method)


def certified_with(
    constants: CertificateConstants,
    x: Float[Tensor, "samples channels height width"],
    y: Int64[Tensor, " samples"],
    epsilons: Sequence[float],
    *,
    norm: Norm = "L2",
    method: CertificateMethod = "global",
    progress: Callable[[SearchProgress], None] | None = None,
    finished: Callable[[float, float], None] | None = None,
) -> CertifiedAccuracy:
    """`certified_accuracy` with constants computed before: "global" costs little more than a pass in float64.

    `progress` is called on the way through the search of "tube" and "local", which may take seconds an image;
    `finished` with each radius and its certified accuracy once that search has settled it, the smallest first.

    Raises: as `certified_accuracy`.
    """
    require_choice("norm", norm, NORMS)
    require_choice("method", method, CERTIFICATE_METHODS)
    require_images_and_labels(x, y)
    require_labels_in_range(y, constants.model.head.out_features)
    entries = x[0].numel()
    wanted = require_radii(epsilons, norm, entries)
    if tuple(x.shape[1:]) != constants.image_shape:
        raise ValueError(f"`x` must be images of shape {constants.image_shape}, got {tuple(x.shape[1:])}")
    images = x.detach().to(constants.model.head.weight)
    margins = _margins(constants, images, y)
    scale = 1.0 if norm == "L2" else math.sqrt(entries) * (1.0 + 2 * EPSILON)
    asked = [epsilon * scale * (1.0 + 2 * EPSILON) for epsilon in wanted]
    unit = 1.0 if norm == "L2" else scale * (1.0 + EPSILON)

    def settled(radius: float, verified: Tensor) -> None:
        if finished is not None:
            epsilon = wanted[asked.index(radius)]
            finished(epsilon, _share(verified / unit, epsilon))

    radii = _radii(constants, images, y, margins, method, asked, progress, settled) / unit
    return CertifiedAccuracy(
        norm=norm,
        method=method,
        epsilons=wanted,
        accuracies=tuple(_share(radii, epsilon) for epsilon in wanted),
        radii=radii,
        clean_accuracy=float(margins.correct.double().mean()),
        feature_lipschitz=None if method == "local" else constants.bounds.features,
        arithmetic=constants.arithmetic,
    )


def _share(radii: Tensor, epsilon: float) -> float:
    """The share of images that are certified at this radius."""
    return float(((radii > 0) & (radii >= epsilon)).double().mean())


def _margins(constants: CertificateConstants, images: Tensor, y: Tensor) -> PairMargins:
    model = constants.model
    with torch.no_grad():
        features = torch.cat([model.features(some) for some in images.split(IMAGES_AT_ONCE)])
    return pair_margins(
        model.head,
        features,
        y,
        per_sample_l2(images),
        constants.distances,
        clean=constants.clean,
        deployed=constants.deployed,
    )


def _radii(
    constants: CertificateConstants,
    images: Tensor,
    y: Tensor,
    margins: PairMargins,
    method: CertificateMethod,
    asked: Sequence[float],
    progress: Callable[[SearchProgress], None] | None,
    settled: Callable[[float, Tensor], None],
) -> Float[Tensor, " samples"]:
    """L2 radii: those of the constants on all inputs, and what constants on balls add."""
    everywhere = float(constants.bounds.features)
    largest = math.sqrt(images[0].numel())
    gap_constants = times_up(margins.distances, everywhere)
    known = margins.radii(gap_constants).clamp_max(largest)
    if method == "global":
        return known
    with constants_remembered():  # of one search; the weights are those of a frozen copy
        on_balls: PairConstants = (tube_constants if method == "tube" else local_constants)(constants, images, y)

        def least(rows: Tensor, radii: Tensor) -> Tensor:
            return torch.minimum(on_balls(rows, radii), gap_constants[rows])

        return verified_radii(
            margins, least, known=known, asked=asked, largest=largest, progress=progress, settled=settled
        )
