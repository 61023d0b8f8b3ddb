"""Certified accuracy from upper constants: no attack of any kind changes these labels.

Proof of the radius: proofs/coq/margin_certificate.v, proofs/symbolic/margin_certificate.py.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from natrob_empirical.attacks.attack_inputs import require_images_and_labels, require_labels_in_range
from natrob_empirical.certification.adaptive_features import AdaptiveBounds
from natrob_empirical.certification.adaptive_radii import adaptive_radii
from natrob_empirical.certification.ball_search import BallSearch
from natrob_empirical.certification.constants import CertificateConstants, certificate_constants
from natrob_empirical.certification.errors import CertificateRefusedError
from natrob_empirical.certification.gap_allowance import Precision
from natrob_empirical.certification.local_constants import local_constants
from natrob_empirical.certification.margins import PairMargins, pair_margins
from natrob_empirical.certification.native_norms import NativeConstants, native_constants
from natrob_empirical.certification.radius_search import PairConstants, SearchProgress, verified_radii
from natrob_empirical.certification.refusals import require_certifiable, require_radii
from natrob_empirical.certification.tube_constants import tube_constants
from natrob_theory import Bound, LayerRefusedError
from natrob_theory.layers.remembered import constants_remembered
from natrob_theory.numbers.argument_checks import require_choice, require_nonnegative
from natrob_theory.numbers.norms import NORMS, Norm, per_sample_l2
from natrob_theory.numbers.rounding import EPSILON, times_up

CertificateMethod: TypeAlias = Literal["global", "tube", "local", "linear_relaxation", "branch_and_bound", "best"]
CONSTANT_METHODS: tuple[CertificateMethod, ...] = ("global", "tube", "local")
"""Those that divide margins by constants."""
CERTIFICATE_METHODS: tuple[CertificateMethod, ...] = (
    *CONSTANT_METHODS,
    "linear_relaxation",
    "branch_and_bound",
    "best",
)
TIME_LIMIT = 10.0
"""Seconds that an image may take in branching, where nothing else is asked for."""

ON_RELAXATIONS = (
    "Relaxations: bounds of the gaps on images of the ball with pixels in [0, 1], computed in float64, less a bound of "
    "what every backward product rounds (|δ| ≤ 2⁻⁵³ an operation, activations within 32 such units)"
)
"""Says how rounding was treated where balls were decided."""

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

IMAGES_AT_ONCE = 256
"""So many go through the network together: a few gigabytes of float64 activations at most for the networks here."""


@dataclass(frozen=True, kw_only=True)
class CertifiedAccuracy:
    """Certified accuracy over budgets: a LOWER bound of the true robust accuracy on these images.

    Attributes:
        norm: of the balls.
        method: one of `CERTIFICATE_METHODS`.
        epsilons: radii in that norm.
        accuracies: the share of images whose correct label is certified at each radius.
        radii: per image, in that norm, each one verified; 0 where the label is wrong or nothing is certified.
        clean_accuracy: the share of correct labels, in float64.
        feature_lipschitz: the constant in L2 the radii rest on, on all inputs; None where every ball has
            its own, or none.
        routes: by which way each image's radius was found, such as "global in Linf" or "local in L2"; "none" where
            nothing is certified.
        native_lipschitz: the features' constant in `norm` itself, on all inputs; None in L2 and where it is refused.
        native_refusal: why there is none in `norm` itself, or empty.
        arithmetic: in words, which network is certified and how rounding was treated.
        undecided: how many images are neither certified nor attacked at each radius; None where nothing was attacked.
        refused: why a method of "best" gave nothing, by its name.
    """

    norm: Norm = "L2"
    method: CertificateMethod = "global"
    epsilons: tuple[float, ...]
    accuracies: tuple[float, ...]
    radii: Float[Tensor, " samples"]
    clean_accuracy: float
    feature_lipschitz: Bound | None
    arithmetic: str
    routes: tuple[str, ...] = ()
    native_lipschitz: Bound | None = None
    native_refusal: str = ""
    undecided: tuple[int, ...] | None = None
    refused: tuple[tuple[str, str], ...] = ()


def certified_accuracy(
    model: nn.Module,
    x: Float[Tensor, "samples channels height width"],
    y: Int64[Tensor, " samples"],
    epsilons: Sequence[float],
    *,
    norm: Norm = "L2",
    method: CertificateMethod = "global",
    precision: Precision = "exact",
    time_limit: float = TIME_LIMIT,
) -> CertifiedAccuracy:
    """The share of images whose correct label no perturbation of norm at most epsilon can change.

    An image keeps its label on the ball of radius r if min_j (s_y − s_j)/C_j > r, C_j a Lipschitz constant of the gap
    s_y − s_j there (theory, section 6; Tsuzuku et al., NeurIPS 2018):

    * "global": C_j = ‖pool‖·growth·‖stem‖·‖w_y − w_j‖, or L·‖w_y − w_j‖ for a chain of layers with constant L in front
      of its last linear layer (√2·L where it ends otherwise), constants on all inputs;
    * "tube": the growth is that of the trajectory's tube, with the field's constants on the balls along it (section 5);
    * "local": C_j of the whole network on the ball, the Jacobian at the image plus what can change in the ball.

    "tube" and "local" are never below "global"; they cost a search over radii. In L∞ and L1 every image has the larger
    of two radii, and `routes` says which: "global" with constants in that norm, C_j at most L_∞‖w_y − w_j‖₁ and
    L_1‖w_y − w_j‖_∞; or the method's in L2, over √d for L∞ and as it is for L1, whose ball lies in the L2 ball.
    The others bound the gaps on the ball within the pixel range:

    * "linear_relaxation": backward through the network with a line below and above every activation
      (`natrob_theory.relaxation`), slopes optimised for each image;
    * "branch_and_bound": where that is not enough and no attack breaks the image, the ball is cut, within a time limit;
    * "best": the largest radius of all methods, those that refuse the model left aside (`refused`).

    Args:
        model: a classifier of this library, or an nn.Sequential of layers with known constants (nested ones, and
            networks with a fixed grid among them), without batch norm or dropout in training mode. A frozen copy in
            float64 is what is run.
        x: images in [0, 1].
        y: labels.
        epsilons: radii in `norm`, from 0 up to √d for "L2", 1 for "Linf" and d for "L1".
        norm: "L2", "Linf" or "L1".
        method: one of `CERTIFICATE_METHODS`.
        precision: "exact": the network in exact arithmetic; "float32", "float64": as it is run so, where
            nothing overflows, at any image of the ball. The last two take more off every margin.
        time_limit: seconds an image may take in "branch_and_bound" and "best" beyond the relaxations, at all radii
            together; what is not decided by then is not certified.

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
    return certified_with(constants, x, y, epsilons, norm=norm, method=method, time_limit=time_limit)


def certified_with(  # noqa: PLR0913 - one parameter a setting
    constants: CertificateConstants,
    x: Float[Tensor, "samples channels height width"],
    y: Int64[Tensor, " samples"],
    epsilons: Sequence[float],
    *,
    norm: Norm = "L2",
    method: CertificateMethod = "global",
    time_limit: float = TIME_LIMIT,
    progress: Callable[[SearchProgress], None] | None = None,
    finished: Callable[[float, float], None] | None = None,
) -> CertifiedAccuracy:
    """`certified_accuracy` with constants computed before: "global" costs little more than a pass in float64.

    `progress` is called on the way through the search of all others, which may take seconds an image;
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
    if method not in CONSTANT_METHODS:
        limit = require_nonnegative("time_limit", time_limit)
        asked_for = _Asked(constants=constants, x=x, y=y, epsilons=wanted, norm=norm, method=method, time_limit=limit)
        return _searched(asked_for, progress, finished)
    images = x.detach().to(constants.model.head.weight)
    scale = math.sqrt(entries) * (1.0 + 2 * EPSILON) if norm == "Linf" else 1.0
    unit = scale * (1.0 + EPSILON) if norm == "Linf" else 1.0
    if isinstance(constants.bounds, AdaptiveBounds):
        return _of_adaptive_solves(constants, images, y, wanted, norm, method, unit)
    margins = _margins(constants, images, y)
    native, refusal = (None, "") if norm == "L2" else _native(constants, norm)
    in_norm = None if native is None else native.radii(margins, y, constants.image_shape)
    asked = [min(epsilon * scale * (1.0 + 2 * EPSILON), math.sqrt(entries)) for epsilon in wanted]

    def settled(radius: float, verified: Tensor) -> None:
        if finished is not None:
            for epsilon in (one for one, asked_for in zip(wanted, asked, strict=True) if asked_for == radius):
                finished(epsilon, _share(_larger(verified / unit, in_norm), epsilon))

    by_l2 = _radii(constants, images, y, margins, method, asked, progress, settled) / unit
    radii = _larger(by_l2, in_norm)
    return CertifiedAccuracy(
        norm=norm,
        method=method,
        epsilons=wanted,
        accuracies=tuple(_share(radii, epsilon) for epsilon in wanted),
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


def _of_adaptive_solves(
    constants: CertificateConstants,
    images: Tensor,
    y: Tensor,
    epsilons: tuple[float, ...],
    norm: Norm,
    method: CertificateMethod,
    unit: float,
) -> CertifiedAccuracy:
    """Radii by the affine bound, which has constants of its own for each image."""
    if method != "global":
        raise CertificateRefusedError(
            f'no certificate by method "{method}": the network has an adaptive solve, which "global" bounds'
        )
    found = adaptive_radii(constants, images, y)
    radii = found.radii / unit
    return CertifiedAccuracy(
        norm=norm,
        method=method,
        epsilons=epsilons,
        accuracies=tuple(_share(radii, epsilon) for epsilon in epsilons),
        radii=radii,
        clean_accuracy=float(found.correct.double().mean()),
        feature_lipschitz=None,
        arithmetic=f"{constants.arithmetic}. {_of_completion(radii > 0, found.complete)}",
        routes=_routes(radii, radii, "affine bound in L2", ""),
    )


def _of_completion(certified: Tensor, complete: Tensor) -> str:
    """Says whether every solve in the balls of certified images is proved to reach its end."""
    proved, count = int((certified & complete).sum()), int(certified.sum())
    if proved == count:
        return ALWAYS_SOLVED
    return f"{WHILE_SOLVED}. That none fails is proved for {proved} of {count} certified images"


@dataclass(frozen=True, kw_only=True, eq=False)
class _Asked:
    """The arguments of `certified_with`, checked."""

    constants: CertificateConstants
    x: Tensor
    y: Tensor
    epsilons: tuple[float, ...]
    norm: Norm
    method: CertificateMethod
    time_limit: float

    def by_constants(
        self, method: CertificateMethod, progress: Callable[[SearchProgress], None] | None = None
    ) -> CertifiedAccuracy:
        """The result of another method, one by constants."""
        return certified_with(
            self.constants, self.x, self.y, self.epsilons, norm=self.norm, method=method, progress=progress
        )


def _searched(
    asked: _Asked,
    progress: Callable[[SearchProgress], None] | None,
    finished: Callable[[float, float], None] | None,
) -> CertifiedAccuracy:
    """The radii of the constants, "global" at least, and what deciding balls adds to them."""
    known, refused = _by_constants(asked, progress)
    decided, text = None, known.arithmetic
    limit = None if asked.method == "linear_relaxation" else asked.time_limit
    images = asked.x.detach().to(asked.constants.model.head.weight)

    def settled(epsilon: float, verified: Tensor) -> None:
        if finished is not None:
            finished(epsilon, _share(verified, epsilon))

    try:
        search = BallSearch(asked.constants, images, asked.y, norm=asked.norm, time_limit=limit)
        decided = search.radii(known.radii, known.routes, asked.epsilons, progress=progress, settled=settled)
        text = f"{text}. {ON_RELAXATIONS}"
    except CertificateRefusedError as refusal:
        if asked.method != "best":
            raise
        refused = (*refused, ("branch_and_bound", str(refusal)))
    radii = known.radii if decided is None else decided.radii
    found = None if decided is None else decided.found
    return replace(
        known,
        method=asked.method,
        accuracies=tuple(_share(radii, epsilon) for epsilon in asked.epsilons),
        radii=radii,
        feature_lipschitz=None,
        arithmetic=text,
        routes=known.routes if decided is None else decided.routes,
        undecided=None if found is None else tuple(_undecided(radii, found, epsilon) for epsilon in asked.epsilons),
        refused=refused,
    )


def _by_constants(
    asked: _Asked, progress: Callable[[SearchProgress], None] | None
) -> tuple[CertifiedAccuracy, tuple[tuple[str, str], ...]]:
    """The largest radii of "global" alone or, for "best", of all by constants; and the refusals."""
    largest = asked.by_constants("global")
    refused: list[tuple[str, str]] = []
    for method in CONSTANT_METHODS[1:] if asked.method == "best" else ():
        try:
            other = asked.by_constants(method, progress)
        except CertificateRefusedError as refusal:
            refused.append((method, str(refusal)))
            continue
        better = (other.radii > largest.radii).tolist()
        pairs = zip(better, other.routes, largest.routes, strict=True)
        routes = tuple(new if farther else old for farther, new, old in pairs)
        largest = replace(largest, radii=torch.maximum(other.radii, largest.radii), routes=routes)
    return largest, tuple(refused)


def _undecided(radii: Tensor, found: Tensor, epsilon: float) -> int:
    """How many images are neither certified nor attacked at this radius."""
    certified = (radii > 0) & (radii >= epsilon)
    return int((~certified & (found > epsilon)).sum())


def _share(radii: Tensor, epsilon: float) -> float:
    """The share of images that are certified at this radius."""
    return float(((radii > 0) & (radii >= epsilon)).double().mean())


def _margins(constants: CertificateConstants, images: Tensor, y: Tensor) -> PairMargins:
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
