"""Certified radii from upper constants: margins divided by them, in the norm itself and by way of L2.

Proof: proofs/coq/margin_certificate.v, proofs/symbolic/margin_certificate.py.
"""

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from natrob_empirical.certification.adaptive_features import AdaptiveBounds, AdaptiveMethod
from natrob_empirical.certification.adaptive_radii import AdaptiveRadii, adaptive_radii, adaptive_radii_along
from natrob_empirical.certification.certified_result import CertificateMethod, CertifiedAccuracy, share_certified
from natrob_empirical.certification.constants import CertificateConstants
from natrob_empirical.certification.errors import CertificateRefusedError
from natrob_empirical.certification.local_constants import local_constants
from natrob_empirical.certification.margins import PairMargins, pair_margins
from natrob_empirical.certification.native_norms import NativeConstants, native_constants
from natrob_empirical.certification.radius_search import PairConstants, SearchProgress, verified_radii
from natrob_empirical.certification.tube_constants import tube_constants
from natrob_theory import LayerRefusedError
from natrob_theory.layers.remembered import constants_remembered
from natrob_theory.numbers.norms import Norm, per_sample_l2
from natrob_theory.numbers.rounding import EPSILON, times_up

WHILE_SOLVED = (
    "It speaks of every perturbed image whose adaptive solves reach their end time, whatever steps they accept; a "
    "solve that fails returns no label"
)
"""What a certificate with adaptive solves adds to its arithmetic, unless they are proved to end."""

ALWAYS_SOLVED = (
    "Every adaptive solve of every perturbed image in these balls is proved to reach its end time within "
    "`max_num_steps`, whatever steps it accepts"
)
"""What it adds where they are."""

_ROUTES: dict[str, str] = {"global": "affine bound in L2", "tube": "tube in L2", "local": "local in L2"}
"""Of radii by way of L2 with adaptive solves."""

IMAGES_AT_ONCE = 256
"""So many go through the network together: a few gigabytes of float64 activations at most for the networks here."""


def certified_by_constants(
    constants: CertificateConstants,
    x: Float[Tensor, "samples channels height width"],
    y: Int64[Tensor, " samples"],
    epsilons: tuple[float, ...],
    *,
    norm: Norm,
    method: CertificateMethod,
    progress: Callable[[SearchProgress], None] | None = None,
    finished: Callable[[float, float], None] | None = None,
) -> CertifiedAccuracy:
    """The result of a method of `CONSTANT_METHODS`, for arguments that were checked.

    Raises:
        CertificateRefusedError: the method does not apply to this network.

    Proof: proofs/coq/margin_certificate.v, proofs/symbolic/margin_certificate.py.
    """
    wanted, entries = epsilons, x[0].numel()
    images = x.detach().to(constants.model.head.weight)
    scale = math.sqrt(entries) * (1.0 + 2 * EPSILON) if norm == "Linf" else 1.0
    unit = scale * (1.0 + EPSILON) if norm == "Linf" else 1.0
    if isinstance(constants.bounds, AdaptiveBounds):
        return _of_adaptive_solves(
            constants, images, y, wanted, norm, method, unit=unit, progress=progress, finished=finished
        )
    margins = margins_of_images(constants, images, y)
    native, refusal = (None, "") if norm == "L2" else _native(constants, norm)
    in_norm = None if native is None else native.radii(margins, y, constants.image_shape)
    asked = [min(epsilon * scale * (1.0 + 2 * EPSILON), math.sqrt(entries)) for epsilon in wanted]

    def settled(radius: float, verified: Tensor) -> None:
        if finished is not None:
            for epsilon in (one for one, asked_for in zip(wanted, asked, strict=True) if asked_for == radius):
                finished(epsilon, share_certified(_larger(verified / unit, in_norm), epsilon))

    by_l2 = _radii(constants, images, y, margins, method, asked, progress, settled) / unit
    radii = _larger(by_l2, in_norm)
    return CertifiedAccuracy(
        norm=norm,
        method=method,
        epsilons=wanted,
        accuracies=tuple(share_certified(radii, epsilon) for epsilon in wanted),
        radii=radii,
        clean_accuracy=float(margins.correct.double().mean()),
        feature_lipschitz=None if method == "local" else constants.bounds.features,
        arithmetic=constants.arithmetic,
        routes=_routes(radii, by_l2, f"{method} in L2", f"global in {norm}"),
        native_lipschitz=None if native is None else native.features,
        native_refusal=refusal,
    )


def _native(constants: CertificateConstants, norm: Norm) -> tuple[NativeConstants | None, str]:
    """The constants in the norm itself, or in words why there are none."""
    try:
        return native_constants(constants.model, constants.image_shape, norm), ""
    except LayerRefusedError as refusal:
        return None, str(refusal)


def _larger(radii: Tensor, others: Tensor | None) -> Tensor:
    """Each image's larger radius."""
    return radii if others is None else torch.maximum(radii, others)


def _routes(radii: Tensor, by_l2: Tensor, first: str, second: str) -> tuple[str, ...]:
    """By which way each radius was found."""
    rows = zip(radii.tolist(), by_l2.tolist(), strict=True)
    return tuple("none" if radius <= 0 else first if radius == other else second for radius, other in rows)


def _of_adaptive_solves(  # noqa: PLR0913 - one parameter a setting
    constants: CertificateConstants,
    images: Tensor,
    y: Tensor,
    epsilons: tuple[float, ...],
    norm: Norm,
    method: CertificateMethod,
    *,
    unit: float,
    progress: Callable[[SearchProgress], None] | None,
    finished: Callable[[float, float], None] | None,
) -> CertifiedAccuracy:
    """Radii by the affine bound, which has constants of its own for each image."""
    in_norm, refusal = None, ""
    if norm == "Linf":
        try:
            in_norm = adaptive_radii(constants, images, y, norm=norm)
        except CertificateRefusedError as refused:
            refusal = str(refused)

    def settled(epsilon: float, verified: Tensor) -> None:
        if finished is not None:
            finished(epsilon, share_certified(_larger(verified, None if in_norm is None else in_norm.radii), epsilon))

    if method == "global":
        by_l2 = adaptive_radii(constants, images, y)
    else:
        assert method in ("tube", "local")
        by_l2 = _along_tubes(constants, images, y, epsilons, method, unit=unit, progress=progress, settled=settled)
    radii, complete, native = by_l2.radii / unit, by_l2.complete, torch.zeros_like(by_l2.radii)
    if in_norm is not None:
        native = in_norm.radii
        complete = torch.where(native > radii, in_norm.complete, complete)
    largest = torch.maximum(radii, native)
    return CertifiedAccuracy(
        norm=norm,
        method=method,
        epsilons=epsilons,
        accuracies=tuple(share_certified(largest, epsilon) for epsilon in epsilons),
        radii=largest,
        clean_accuracy=float(by_l2.correct.double().mean()),
        feature_lipschitz=None,
        arithmetic=with_completion(constants.arithmetic, largest > 0, complete),
        routes=_routes(largest, radii, _ROUTES[method], f"affine bound in {norm}"),
        native_refusal=refusal,
        complete=complete,
    )


def _along_tubes(
    constants: CertificateConstants,
    images: Tensor,
    y: Tensor,
    epsilons: tuple[float, ...],
    method: AdaptiveMethod,
    *,
    unit: float,
    progress: Callable[[SearchProgress], None] | None,
    settled: Callable[[float, Tensor], None],
) -> AdaptiveRadii:
    """L2 radii along tubes. Every radius asked for is looked at; in L2 it is `unit` times as large."""
    largest = math.sqrt(images[0].numel())
    asked = {min(epsilon * unit * (1.0 + 2 * EPSILON), largest): epsilon for epsilon in epsilons}
    return adaptive_radii_along(
        constants,
        images,
        y,
        method,
        asked=tuple(asked),
        progress=progress,
        settled=lambda radius, verified: settled(asked[radius], verified / unit),
    )


def with_completion(arithmetic: str, certified: Tensor, complete: Tensor) -> str:
    """The text with whether every solve in the balls of certified images is proved to reach its end."""
    proved, count = int((certified & complete).sum()), int(certified.sum())
    if proved == count:
        return f"{arithmetic}. {ALWAYS_SOLVED}"
    return f"{arithmetic}. {WHILE_SOLVED}. That none fails is proved for {proved} of {count} certified images"


def margins_of_images(constants: CertificateConstants, images: Tensor, y: Tensor) -> PairMargins:
    """The margins of images in float64, some at a time, of a network without adaptive solves."""
    model = constants.model
    assert constants.clean is not None
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
    assert not isinstance(constants.bounds, AdaptiveBounds)
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
