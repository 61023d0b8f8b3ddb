"""Certified radii of classifiers with adaptive solves: margins against a bound that is affine in the radius.

With ‖F(x′) − F(x)‖ ≤ slope·r + constant on the ball of radius r, the label holds where for every other class j
s_y − s_j > ‖w_y − w_j‖_*(slope·r + constant), less what the head rounds. The norm is L2 or L∞, and ‖·‖_* its dual one.
No c·r bounds a solver that accepts and rejects steps, so some images have no radius at all, however small.

Proof: proofs/coq/margin_certificate.v, proofs/coq/affine_bound.v.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from natrob_empirical.certification.adaptive_features import (
    AdaptiveBounds,
    AdaptiveMethod,
    AffineFeatures,
    affine_features,
    norm_up,
)
from natrob_empirical.certification.constants import CertificateConstants
from natrob_empirical.certification.errors import CertificateRefusedError
from natrob_empirical.certification.margins import PairMargins
from natrob_empirical.certification.radius_search import SearchProgress, searched_radii
from natrob_theory import IntegrationError, LayerRefusedError
from natrob_theory.layers.affine import RELATIVE, product_error
from natrob_theory.layers.remembered import constants_remembered
from natrob_theory.numbers.norms import Norm
from natrob_theory.numbers.rounding import EPSILON, round_up, times_up, unit_roundoff

IMAGES_AT_ONCE = 64
"""So many trajectories are in memory at a time."""


class AdaptiveRadii(NamedTuple):
    """Radii in a norm, whose computed label is right, and in whose balls every solve is proved to reach its end."""

    radii: Float[Tensor, " images"]
    correct: Bool[Tensor, " images"]
    complete: Bool[Tensor, " images"]


def adaptive_radii(
    constants: CertificateConstants,
    images: Float[Tensor, "images channels height width"],
    y: Int64[Tensor, " images"],
    *,
    norm: Norm = "L2",
) -> AdaptiveRadii:
    """The largest radius that the affine bound verifies for each image; 0 where it verifies none.

    Args:
        constants: of a classifier with adaptive solves.
        images: float64.
        y: labels.
        norm: "L2" or "Linf", whose own constants are used.

    Raises:
        CertificateRefusedError: a clean solve does not reach its end, or a part's rounding is not known.

    Source: theory, sections 6 and 8.
    Proof: proofs/coq/margin_certificate.v, proofs/coq/affine_bound.v.
    """
    try:
        with constants_remembered():  # the weights are those of a frozen copy
            parts = [
                _of_some(constants, some, labels, norm)
                for some, labels in zip(images.split(IMAGES_AT_ONCE), y.split(IMAGES_AT_ONCE), strict=True)
            ]
    except (IntegrationError, LayerRefusedError, ValueError) as refusal:
        raise CertificateRefusedError(f"no certificate: {refusal}") from refusal
    return AdaptiveRadii(*(torch.cat(some) for some in zip(*parts, strict=True)))


def verified_by_affine_bound(
    constants: CertificateConstants,
    images: Float[Tensor, "images channels height width"],
    y: Int64[Tensor, " images"],
    stated: Float[Tensor, " images"],
    *,
    norm: Norm = "L2",
    method: AdaptiveMethod = "global",
) -> AdaptiveRadii:
    """Radii that one evaluation of the bound verifies, valid up to the stated ones, and completion in those balls.

    Raises:
        CertificateRefusedError: a clean solve does not reach its end, or a part's rounding is not known.

    Source: theory, sections 6 and 8.
    Proof: proofs/coq/margin_certificate.v, proofs/coq/affine_bound.v.
    """
    rows = torch.arange(len(images)).split(IMAGES_AT_ONCE)
    try:
        with constants_remembered():
            parts = [_of_stated(constants, images[some], y[some], stated[some], norm, method) for some in rows]
    except (IntegrationError, LayerRefusedError, ValueError) as refusal:
        raise CertificateRefusedError(f"no certificate: {refusal}") from refusal
    return AdaptiveRadii(*(torch.cat(some) for some in zip(*parts, strict=True)))


def adaptive_radii_along(
    constants: CertificateConstants,
    images: Float[Tensor, "images channels height width"],
    y: Int64[Tensor, " images"],
    method: AdaptiveMethod,
    *,
    asked: Sequence[float],
    progress: Callable[[SearchProgress], None] | None = None,
    settled: Callable[[float, Tensor], None] | None = None,
) -> AdaptiveRadii:
    """The largest L2 radii that the affine bound along tubes verifies, "global" at least; a search over radii.

    Args:
        constants, images, y: as for `adaptive_radii`.
        method: "tube" or "local".
        asked, progress, settled: as for `searched_radii`.

    Raises:
        CertificateRefusedError: as `adaptive_radii`; a field of which the linear part on a tube is not known.

    Source: theory, sections 6 and 8.
    Proof: proofs/symbolic/adaptive_tube.py, proofs/coq/margin_certificate.v, proofs/coq/affine_bound.v.
    """
    known = adaptive_radii(constants, images, y)
    largest = math.sqrt(images[0].numel())

    def verified_on(rows: Tensor, radii: Tensor) -> Tensor:
        return verified_by_affine_bound(constants, images[rows], y[rows], radii, method=method).radii

    radii = searched_radii(
        verified_on, active=known.correct, known=known.radii, asked=asked, largest=largest, progress=progress,
        settled=settled,
    )  # fmt: skip
    last = verified_by_affine_bound(constants, images, y, radii, method=method)
    farther = torch.minimum(last.radii, radii)  # what the very proof at this radius says
    better = farther > known.radii
    return AdaptiveRadii(
        radii=torch.where(better, farther, known.radii),
        correct=known.correct,
        complete=torch.where(better, last.complete, known.complete),
    )


def _of_stated(
    constants: CertificateConstants, images: Tensor, y: Tensor, stated: Tensor, norm: Norm, method: AdaptiveMethod
) -> AdaptiveRadii:
    assert isinstance(constants.bounds, AdaptiveBounds)
    deployed = None if constants.precision == "exact" else getattr(torch, constants.precision)
    moved = affine_features(constants.bounds, images, radii=stated, deployed=deployed, norm=norm, method=method)
    radii, correct = _radii(constants, moved, stated, y, deployed)
    return AdaptiveRadii(radii, correct, moved.reach_their_end(stated, deployed or torch.float64))


def _of_some(constants: CertificateConstants, images: Tensor, y: Tensor, norm: Norm) -> AdaptiveRadii:
    """Finds the radius without the perturbed pass's rounding, which grows with it, and then with its most."""
    assert isinstance(constants.bounds, AdaptiveBounds)
    deployed = None if constants.precision == "exact" else getattr(torch, constants.precision)
    radii = torch.zeros(len(images), dtype=torch.float64, device=images.device)
    moved = affine_features(constants.bounds, images, radii=radii, deployed=None, norm=norm)
    radii, correct = _radii(constants, moved, radii, y, None)
    radii = radii.clamp_max(1.0 if norm == "Linf" else math.sqrt(images[0].numel()))
    if deployed is not None:
        moved = affine_features(constants.bounds, images, radii=radii, deployed=deployed, norm=norm)
        found, correct = _radii(constants, moved, radii, y, deployed)
        radii = torch.minimum(found, radii)
    return AdaptiveRadii(radii, correct, moved.reach_their_end(radii, deployed or torch.float64))


def _radii(
    constants: CertificateConstants, moved: AffineFeatures, most: Tensor, y: Tensor, deployed: torch.dtype | None
) -> tuple[Tensor, Tensor]:
    """The radii, and whose computed label is right."""
    head, features = constants.model.head, moved.features
    with torch.no_grad():
        logits = head(features)
    gaps = logits.gather(1, y[:, None]) - logits
    distances = gap_constants(constants, moved.norm)[y]
    size = norm_up(features)
    taken = head_rounding(head, size, torch.float64)
    if deployed is not None:
        longest = math.sqrt(features.shape[1]) * (1.0 + 2 * EPSILON) if moved.norm == "Linf" else 1.0
        taken = taken + head_rounding(head, size + (moved.slope * most + moved.constant) * longest, deployed)
    room = gaps - times_up(distances, moved.constant[:, None]) - (taken * RELATIVE)[:, None]
    room = torch.nan_to_num(room, nan=-math.inf, posinf=math.inf, neginf=-math.inf).scatter(1, y[:, None], math.inf)
    correct = (logits.argmax(dim=1) == y) & ~logits.isnan().any(dim=1)
    margins = PairMargins(room=room, distances=distances, slope=torch.zeros_like(room), correct=correct)
    return margins.radii(times_up(distances, moved.slope[:, None])), correct


def gap_constants(constants: CertificateConstants, norm: Norm) -> Float[Tensor, "classes classes"]:
    """‖w_y − w_j‖_* of the head's rows, rounded outward: L2 for L2, L1 for L∞."""
    if norm == "L2":
        return constants.distances
    rows = constants.model.head.weight.detach().double()
    return round_up((rows[:, None, :] - rows[None]).abs().sum(dim=2), rows.shape[1] + 4)


def head_rounding(head: nn.Linear, norm: Tensor, dtype: torch.dtype) -> Tensor:
    """Bounds by how much a difference of two logits may be off, for features of at most these L2 norms."""
    weight = head.weight.detach().double()
    largest_row = float(torch.linalg.vector_norm(weight, dim=1).max()) * RELATIVE
    largest_bias = 0.0 if head.bias is None else float(head.bias.detach().abs().max())
    gamma = 2 * product_error(weight.shape[1] + 2, unit_roundoff(dtype))
    return gamma * (largest_row * norm + largest_bias) * RELATIVE
