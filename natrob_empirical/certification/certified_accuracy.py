"""Certified accuracy: no attack of any kind changes these labels.

Proof of the radius: proofs/coq/margin_certificate.v, proofs/symbolic/margin_certificate.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from natrob_empirical.attacks.attack_inputs import require_images_and_labels, require_labels_in_range
from natrob_empirical.certification.ball_search import BallSearch
from natrob_empirical.certification.certified_by_constants import certified_by_constants, with_completion
from natrob_empirical.certification.certified_result import (
    CERTIFICATE_METHODS,
    CONSTANT_METHODS,
    CertificateMethod,
    CertifiedAccuracy,
    share_certified,
)
from natrob_empirical.certification.constants import CertificateConstants, certificate_constants
from natrob_empirical.certification.errors import CertificateRefusedError
from natrob_empirical.certification.gap_allowance import Precision
from natrob_empirical.certification.radius_search import SearchProgress
from natrob_empirical.certification.refusals import require_certifiable, require_radii
from natrob_theory.numbers.argument_checks import require_choice, require_nonnegative
from natrob_theory.numbers.norms import NORMS, Norm

TIME_LIMIT = 10.0
"""Seconds that an image may take in branching, where nothing else is asked for."""

ON_RELAXATIONS = (
    "Relaxations: bounds of the gaps on images of the ball with pixels in [0, 1], computed in float64, less a bound of "
    "what every backward product rounds (|δ| ≤ 2⁻⁵³ an operation, activations within 32 such units)"
)
"""Says how rounding was treated where balls were decided."""

ON_FIXED_GRIDS = (
    f"{ON_RELAXATIONS}. Adaptive solves are relaxed on fixed grids, and a proved bound of how far they can be from "
    f"there is taken off"
)
"""The same, with adaptive solves."""

ON_BALLS = ("intervals", "linear_relaxation", "branch_and_bound")
"""How the routes of balls that were decided begin."""


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

    With adaptive solves they bound what any solve can return: "tube" with each field's linear part and remainder along
    the tube around the image's own solve (section 8), "local" also with the other layers' constants on balls.

    "tube" and "local" are never below "global"; they cost a search over radii. In L∞ and L1 every image has the larger
    of two radii, and `routes` says which: "global" with constants in that norm, C_j at most L_∞‖w_y − w_j‖₁ and
    L_1‖w_y − w_j‖_∞; or the method's in L2, over √d for L∞ and as it is for L1, whose ball lies in the L2 ball.
    The others bound the gaps on the ball within the pixel range:

    * "intervals": intervals forward, and once backward with lines over them; the cheapest of all, which finds most of
      what networks trained by intervals have, at the radii asked for;
    * "linear_relaxation": backward through the network with a line below and above every activation
      (`natrob_theory.relaxation`), slopes optimised for each image;
    * "branch_and_bound": where that is not enough and no attack breaks the image, the ball is cut, within a time limit;
    * "best": the largest radius of all methods, those that refuse the model left aside (`refused`).

    Args:
        model: a classifier of this library, or an nn.Sequential of layers with known constants (nested ones, networks
            with a fixed grid, and Neural ODEs with `max_step_size` among them), without batch norm or dropout in
            training mode. A frozen copy in float64 is what is run.
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
        CertificateRefusedError: a model with a forward of its own (the message names the two ways out); a Neural ODE
            without `max_step_size`, whose solver may take any step for a perturbed image (section 8); a layer, or a
            class of classifier, that cannot be bounded; batch norm in training mode; a field whose Jacobian contradicts
            the structure that its class states; "tube" for a chain without a network of fixed steps, or with several.
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
    wanted = require_radii(epsilons, norm, x[0].numel())
    if tuple(x.shape[1:]) != constants.image_shape:
        raise ValueError(f"`x` must be images of shape {constants.image_shape}, got {tuple(x.shape[1:])}")
    if method not in CONSTANT_METHODS:
        limit = require_nonnegative("time_limit", time_limit)
        asked_for = _Asked(constants=constants, x=x, y=y, epsilons=wanted, norm=norm, method=method, time_limit=limit)
        return _searched(asked_for, progress, finished)
    return certified_by_constants(
        constants, x, y, wanted, norm=norm, method=method, progress=progress, finished=finished
    )


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
        return certified_by_constants(
            self.constants, self.x, self.y, self.epsilons, norm=self.norm, method=method, progress=progress
        )


def _searched(
    asked: _Asked,
    progress: Callable[[SearchProgress], None] | None,
    finished: Callable[[float, float], None] | None,
) -> CertifiedAccuracy:
    """The radii of the constants, "global" at least, and what deciding balls adds to them."""
    known, refused = _by_constants(asked, progress)
    decided, text, complete = None, known.arithmetic, known.complete
    limit = None if asked.method in ("intervals", "linear_relaxation") else asked.time_limit
    alone = asked.method == "intervals"
    images = asked.x.detach().to(asked.constants.model.head.weight)

    def settled(epsilon: float, verified: Tensor) -> None:
        if finished is not None:
            finished(epsilon, share_certified(verified, epsilon))

    try:
        search = BallSearch(asked.constants, images, asked.y, norm=asked.norm, time_limit=limit, intervals_alone=alone)
        decided = search.radii(known.radii, known.routes, asked.epsilons, progress=progress, settled=settled)
        text = f"{text}. {ON_RELAXATIONS}"
        if complete is not None:
            by_relaxation = torch.tensor([route.startswith(ON_BALLS) for route in decided.routes])
            complete = torch.where(by_relaxation, search.complete(decided.radii), complete)
            text = with_completion(f"{asked.constants.arithmetic}. {ON_FIXED_GRIDS}", decided.radii > 0, complete)
    except CertificateRefusedError as refusal:
        if asked.method != "best":
            raise
        refused = (*refused, ("branch_and_bound", str(refusal)))
    radii = known.radii if decided is None else decided.radii
    found = None if decided is None else decided.found
    return replace(
        known,
        method=asked.method,
        accuracies=tuple(share_certified(radii, epsilon) for epsilon in asked.epsilons),
        radii=radii,
        feature_lipschitz=None,
        arithmetic=text,
        routes=known.routes if decided is None else decided.routes,
        undecided=None if found is None else tuple(_undecided(radii, found, epsilon) for epsilon in asked.epsilons),
        refused=refused,
        complete=complete,
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
