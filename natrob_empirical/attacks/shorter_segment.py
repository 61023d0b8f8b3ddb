"""The end of a minimum-norm attack: where the segment from an image to its nearest find crosses the boundary."""

from typing import Final

import torch
from torch import Tensor

from .nearest_search import NearestSearch
from .tensor_types import Values

_BEYOND: Final = 1e-3  # of the bracket: aiming at the crossing itself would end on its right side half the time only


def shorten(search: NearestSearch, *, queries: int) -> None:
    """Look for nearer misclassified images on the segment between each image and the nearest one found.

    The margin along the segment is positive at the image and negative at the other end. Its root is bracketed by the
    Illinois rule, a secant method that halves the value at an end which stays twice, aiming a thousandth of the bracket
    too far. On a margin that is linear there each query shortens the excess at least a thousandfold.

    Spends 2 + queries queries per sample, also where nothing has been found and nothing can be gained.

    Source: the rule is that of Dowell and Jarratt, "A modified regula falsi method for computing the root of an
    equation", BIT 1971; a final search on the segment is part of FAB (Croce and Hein, ICML 2020, section 3.3).
    """
    active = search.active
    segment = search.nearest - active.x
    near = active.margin(active.model.logits(active.x)).clamp(min=0)
    logits = active.model.logits(search.nearest)
    far = active.margin(logits).clamp(max=0)
    ends = torch.zeros_like(near), torch.ones_like(far), near, far, torch.zeros_like(near)
    for _ in range(queries):
        if search.over:
            return
        low, high, near, far, last = ends
        root = low + (high - low) * (near / (near - far).where(near > far, 1.0))
        middle = root + _BEYOND * (high - root)
        point = (active.x + middle[:, None, None, None] * segment).clamp(0, 1)
        logits = active.model.logits(point)
        lead = active.margin(logits)
        fooled = active.reached(logits)
        ends = _narrowed((low, high, near, far, last), middle, lead, fooled)
        segment, *ends = search.settle(point, logits, segment, *ends)


def _narrowed(ends: tuple[Tensor, ...], middle: Values, lead: Values, fooled: Tensor) -> tuple[Tensor, ...]:
    """The bracket, the margins at its ends and which end moved last (+1 the far, −1 the near one)."""
    low, high, near, far, last = ends
    return (
        torch.where(fooled, low, middle),
        torch.where(fooled, middle, high),
        torch.where(fooled, near * torch.where(last > 0, 0.5, 1.0), lead.clamp(min=0)),
        torch.where(fooled, lead.clamp(max=0), far * torch.where(last < 0, 0.5, 1.0)),
        torch.where(fooled, 1.0, -1.0),
    )
