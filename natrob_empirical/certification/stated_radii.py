"""Radii that somebody states, verified each by one proof at that radius: nothing is searched for.

Proof: proofs/coq/margin_certificate.v, proofs/symbolic/margin_certificate.py.
"""

import math
from dataclasses import dataclass, replace
from typing import Final, final

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from natrob_empirical.attacks.attack_inputs import require_images_and_labels, require_labels_in_range
from natrob_empirical.certification.adaptive_features import AdaptiveBounds
from natrob_empirical.certification.adaptive_radii import verified_by_affine_bound
from natrob_empirical.certification.ball_search import BallSearch
from natrob_empirical.certification.certified_by_constants import margins_of_images
from natrob_empirical.certification.constants import CertificateConstants
from natrob_empirical.certification.errors import CertificateRefusedError
from natrob_empirical.certification.local_constants import local_constants
from natrob_empirical.certification.native_norms import native_constants
from natrob_empirical.certification.tube_constants import tube_constants
from natrob_empirical.names.near_names import unknown_name
from natrob_theory import LayerRefusedError
from natrob_theory.layers.remembered import constants_remembered
from natrob_theory.numbers.argument_checks import require_choice, require_nonnegative
from natrob_theory.numbers.norms import NORMS, Norm
from natrob_theory.numbers.rounding import EPSILON, times_up

NOTHING: Final = "none"
"""The route of an image of which nothing is certified."""

IMAGES_AT_ONCE = 64
"""So many have constants on their balls at a time."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class VerifiedRadii:
    """Holds which of the stated radii are proved.

    Attributes:
        verified: no perturbation of at most the stated norm changes the label. A radius of 0 states nothing, and is
            verified by no proof.
        complete: every adaptive solve of every image of the ball is proved to reach its end; None without such solves.
    """

    verified: Bool[Tensor, " images"]
    complete: Bool[Tensor, " images"] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Stated:
    """Some images and the radii stated of them."""

    constants: CertificateConstants
    images: Tensor
    y: Tensor
    radii: Tensor
    norm: Norm
    time_limit: float

    def of(self, rows: Tensor) -> "_Stated":
        return replace(self, images=self.images[rows], y=self.y[rows], radii=self.radii[rows])

    def in_l2(self) -> Tensor:
        """Radii of L2 balls that hold the stated ones: times √d for L∞, as they are for L1."""
        if self.norm != "Linf":
            return self.radii
        largest = math.sqrt(self.images[0].numel())
        return (self.radii * (largest * (1.0 + 2 * EPSILON)) * (1.0 + 2 * EPSILON)).clamp_max(largest)


def verified_radii_at(
    constants: CertificateConstants,
    x: Float[Tensor, "images channels height width"],
    y: Int64[Tensor, " images"],
    radii: Float[Tensor, " images"],
    *,
    norm: Norm,
    routes: tuple[str, ...],
    time_limit: float,
) -> VerifiedRadii:
    """Whether each image keeps its label on the ball of its radius, by the proof that its route names.

    Constants are computed once on that very ball, relaxations bound it once; branching is run again, within its time.
    The routes only choose the proof: none is believed.

    Args:
        constants: of the classifier.
        x, y: images with their labels.
        radii: stated, one an image, in `norm`.
        norm: of the balls.
        routes: as `CertifiedAccuracy` has them.
        time_limit: seconds that branching may take for an image.

    Raises:
        ValueError: a route that is not known, a radius that is no number of at least 0, or lengths that do not fit.
        CertificateRefusedError: a route that this network has no proof of.

    Proof: proofs/coq/margin_certificate.v, proofs/symbolic/margin_certificate.py.
    """
    require_choice("norm", norm, NORMS)
    require_images_and_labels(x, y)
    require_labels_in_range(y, constants.model.head.out_features)
    limit = require_nonnegative("time_limit", time_limit)
    if not len(x) == len(radii) == len(routes):
        raise ValueError(f"`radii` and `routes` must be one an image, got {len(radii)} and {len(routes)} of {len(x)}")
    if not bool((radii.isfinite() & (radii >= 0)).all()):
        raise ValueError("`radii` must be finite numbers of at least 0")
    images = x.detach().to(constants.model.head.weight)
    stated = _Stated(constants=constants, images=images, y=y, radii=radii.to(images), norm=norm, time_limit=limit)
    verified = torch.zeros(len(x), dtype=torch.bool)
    complete = torch.zeros_like(verified) if isinstance(constants.bounds, AdaptiveBounds) else None
    for route in dict.fromkeys(routes):
        here = torch.tensor([one == route for one in routes])
        rows = (here & (radii.cpu() > 0)).nonzero()[:, 0]
        proof = _proof_named(route, norm)
        if not proof or len(rows) == 0:
            continue
        found = _proved(proof, stated.of(rows))
        verified[rows] = found.verified.cpu()
        if complete is not None and found.complete is not None:
            complete[rows] = found.complete.cpu()
    return VerifiedRadii(verified=verified, complete=complete)


def _proof_named(route: str, norm: Norm) -> str:
    """The name of the proof: the route's method, "native" for constants in the norm itself, or nothing."""
    known = {NOTHING: "", "affine bound in L2": "affine"}
    known |= {f"{method} in L2": method for method in ("global", "tube", "local")}
    known |= {f"{method} in {norm}": method for method in ("intervals", "linear_relaxation", "branch_and_bound")}
    if norm != "L2":
        known[f"global in {norm}"] = "native"
    if norm == "Linf":
        known["affine bound in Linf"] = "affine in its norm"
    if route not in known:
        raise unknown_name("route", route, known)
    return known[route]


def _proved(proof: str, stated: _Stated) -> VerifiedRadii:
    """One proof of each radius. Relaxations say themselves which networks they refuse."""
    if proof in ("intervals", "linear_relaxation", "branch_and_bound"):
        limit = stated.time_limit if proof == "branch_and_bound" else None
        search = BallSearch(
            stated.constants, stated.images, stated.y, norm=stated.norm, time_limit=limit,
            intervals_alone=proof == "intervals",
        )  # fmt: skip
        return VerifiedRadii(verified=search.proved(stated.radii), complete=search.complete(stated.radii))
    adaptive = isinstance(stated.constants.bounds, AdaptiveBounds)
    if adaptive and proof in ("tube", "local"):
        found = verified_by_affine_bound(stated.constants, stated.images, stated.y, stated.in_l2(), method=proof)
        return VerifiedRadii(verified=found.radii >= stated.in_l2(), complete=found.complete)
    if adaptive != proof.startswith("affine"):
        raise CertificateRefusedError(
            f"no proof by {proof!r}: the network has {'an' if adaptive else 'no'} adaptive solve"
        )
    if proof == "affine in its norm":
        found = verified_by_affine_bound(stated.constants, stated.images, stated.y, stated.radii, norm=stated.norm)
        return VerifiedRadii(verified=found.radii >= stated.radii, complete=found.complete)
    if proof == "affine":
        found = verified_by_affine_bound(stated.constants, stated.images, stated.y, stated.in_l2())
        return VerifiedRadii(verified=found.radii >= stated.in_l2(), complete=found.complete)
    reached, asked = _by_constants(proof, stated)
    return VerifiedRadii(verified=reached >= asked, complete=None)


def _by_constants(proof: str, stated: _Stated) -> tuple[Tensor, Tensor]:
    """The radii that constants on the stated balls verify, and those they must reach."""
    constants = stated.constants
    assert not isinstance(constants.bounds, AdaptiveBounds)
    margins = margins_of_images(constants, stated.images, stated.y)
    if proof == "native":
        try:
            native = native_constants(constants.model, constants.image_shape, stated.norm)
        except LayerRefusedError as refusal:
            raise CertificateRefusedError(f"no proof in {stated.norm}: {refusal}") from refusal
        return native.radii(margins, stated.y, constants.image_shape), stated.radii
    asked = stated.in_l2()
    gap_constants = times_up(margins.distances, float(constants.bounds.features))
    if proof != "global":
        with constants_remembered():
            on_balls = (tube_constants if proof == "tube" else local_constants)(constants, stated.images, stated.y)
            some = torch.arange(len(asked)).split(IMAGES_AT_ONCE)
            around = torch.cat([on_balls(rows, asked[rows]) for rows in some])
            gap_constants = torch.minimum(around, gap_constants)
    return margins.radii(gap_constants), asked
