"""Constants on parts of a box of images: cut into smaller boxes, each bounded from its own middle.

On a box with middle c and half widths h every image is within r = ‖h‖₂ of c, so the gap to class j stays above
s_y(c) − s_j(c) − C_j·r. For an image at the edge of the pixel range the middle is not the image, and r is less than
ε√d. Where the bound is not above 0 the box is halved along one pixel: r² falls by ¾h_i², while the gap at the middle
changes by about |∂_i gap|·h_i/2; the pixel with the best difference is taken. For networks with small constants a few
hundred boxes reach far beyond C_j·ε√d.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from natrob_empirical.certification.adaptive_features import AdaptiveBounds
from natrob_empirical.certification.constants import CertificateConstants
from natrob_empirical.certification.errors import CertificateRefusedError
from natrob_empirical.certification.margins import PairMargins, pair_margins
from natrob_theory.numbers.norms import l2_norm, per_sample_l2
from natrob_theory.numbers.rounding import EPSILON, times_up

BOXES_AT_ONCE = 1024
WORTH_CUTTING = 0.5
"""Below this part of what the constants allow for, a gap at the middle is too small for cuts to help."""


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Boxes:
    """Boxes of images.

    Attributes:
        middle, half: each box is middle ± half, rounded outward.
    """

    middle: Float[Tensor, "boxes pixels"]
    half: Float[Tensor, "boxes pixels"]

    def __len__(self) -> int:
        return len(self.middle)

    def of(self, rows: Tensor | slice) -> "Boxes":
        """Some of them."""
        return Boxes(middle=self.middle[rows], half=self.half[rows])

    def radii(self) -> Float[Tensor, " boxes"]:
        """‖h‖₂, rounded upward."""
        return l2_norm(self.half, dim=1) * (1.0 + (self.half.shape[1] + 8) * EPSILON)

    def halves(self, pixel: Tensor) -> "Boxes":
        """Both halves of each along its pixel; they cover it."""
        rows = torch.arange(len(self))
        step = 0.5 * self.half[rows, pixel]
        half, lower, upper = self.half.clone(), self.middle.clone(), self.middle.clone()
        lower[rows, pixel] -= step
        upper[rows, pixel] += step
        half[rows, pixel] = step + 4 * EPSILON * (self.middle[rows, pixel].abs() + self.half[rows, pixel])
        return Boxes(middle=torch.cat([lower, upper]), half=torch.cat([half, half]))


def box_between(lower: Float[Tensor, " pixels"], upper: Float[Tensor, " pixels"]) -> Boxes:
    """One box, with its middle."""
    middle = 0.5 * lower + 0.5 * upper
    half = torch.maximum(upper - middle, middle - lower) * (1.0 + 4 * EPSILON)
    return Boxes(middle=middle[None], half=half[None])


def label_holds_on_box(
    constants: CertificateConstants,
    label: int,
    lower: Float[Tensor, " pixels"],
    upper: Float[Tensor, " pixels"],
    *,
    go_on: Callable[[], bool],
) -> bool:
    """Whether every gap is shown to stay above 0 on the box before `go_on` says no; False where that is not shown.

    Source: theory, section 6, on every part of the box.
    Proof: proofs/coq/margin_certificate.v, proofs/symbolic/linear_relaxation.py (boxes and their middles).
    """
    features = _features_constant(constants)
    pending = [box_between(lower, upper)]
    first = True
    while pending:
        if not go_on():
            return False
        boxes = pending.pop()
        if len(boxes) > BOXES_AT_ONCE:
            pending.append(boxes.of(slice(BOXES_AT_ONCE, None)))
            boxes = boxes.of(slice(BOXES_AT_ONCE))
        margins, slopes = _at_middles(constants, label, boxes)
        steepness = times_up(margins.distances, features)
        radii = boxes.radii()
        failing = ~(margins.radii(steepness) > radii)
        if not bool(failing.any()):
            continue
        if bool((margins.room[failing] <= 0).any()):
            return False  # not even at the middle of a box
        reach = (steepness + margins.slope) * radii[:, None]
        if first and bool((margins.room < WORTH_CUTTING * reach).any()):
            return False
        first = False
        rows = failing.nonzero()[:, 0]
        worst = (margins.room - reach)[rows].argmin(dim=1)
        least = steepness[rows, worst]
        pending.append(boxes.of(rows).halves(_best_pixel(boxes.of(rows), least, slopes(rows, worst))))
    return True


def _features_constant(constants: CertificateConstants) -> float:
    """The constant of the map to features. Raises CertificateRefusedError for adaptive solves, which have none."""
    if isinstance(constants.bounds, AdaptiveBounds):
        raise CertificateRefusedError("no certificate by cut boxes: an adaptive solve has no Lipschitz constant")
    return float(constants.bounds.features)


def _best_pixel(boxes: Boxes, steepness: Float[Tensor, " boxes"], slope: Float[Tensor, "boxes pixels"]) -> Tensor:
    """The pixel along which a cut gains most."""
    squared = boxes.half.square().sum(dim=1, keepdim=True)
    shorter = squared.sqrt() - (squared - 0.75 * boxes.half.square()).clamp_min(0.0).sqrt()
    return (steepness[:, None] * shorter - 0.5 * slope.abs() * boxes.half).argmax(dim=1)


def _at_middles(
    constants: CertificateConstants, label: int, boxes: Boxes
) -> tuple[PairMargins, Callable[[Tensor, Tensor], Tensor]]:
    """The margins at the middles, and the gradients of the gaps of some of them to some classes."""
    model, labels = constants.model, torch.full((len(boxes),), label, dtype=torch.int64)
    images = boxes.middle.view(-1, *constants.image_shape)
    with torch.no_grad():
        features = model.features(images)
    assert constants.clean is not None  # only adaptive solves have none
    margins = pair_margins(
        model.head,
        features,
        labels,
        per_sample_l2(images),
        constants.distances,
        clean=constants.clean,
        deployed=constants.deployed,
    )

    def slopes(rows: Tensor, classes: Tensor) -> Tensor:
        with torch.enable_grad():
            at = images[rows].requires_grad_(True)
            logits = model(at)
            gaps = logits[:, label] - logits.gather(1, classes[:, None])[:, 0]
            (gradient,) = torch.autograd.grad(gaps.sum(), at)
        return gradient.flatten(1)

    return margins, slopes
