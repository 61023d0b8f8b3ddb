"""Where a decision-based attack begins: a misclassified image, however far, for every sample that has one."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Int64
from torch import Tensor

from natrob_empirical.random_streams import SampleStreams

from .active_set import ActiveSet
from .nearest_search import NearestSearch
from .tensor_types import Classes, Images, Logits


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class BoundaryStart:
    """The starting points of the samples that still search.

    Attributes:
        point: a misclassified image of each.
        logits: what the model answered to it.
        spent: the queries that finding it took, at least 1.
    """

    point: Images
    logits: Logits
    spent: Classes


def find_starts(search: NearestSearch, trials: int, candidates: Tensor | None) -> BoundaryStart | None:
    """Show each sample one image after the other until it has one that is misclassified; release those that fail.

    Args:
        search: the samples.
        trials: at most so many images, and queries, per sample.
        candidates: what to show, the nearest first; None means images drawn at random.

    Returns:
        The starts of the samples that stay, None if nobody stays.

    Raises:
        ValueError: `candidates` have another shape than the images.
    """
    active = search.active
    order = None if candidates is None else _nearest_first(active.x, candidates)
    trials = trials if order is None else min(trials, order.shape[1])
    pending = torch.arange(len(active), device=active.x.device)
    found: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    for trial in range(trials):
        if order is None or candidates is None:
            point = _random_images(active, pending, trial)
        else:
            point = candidates[order[pending, trial]].to(active.x)
        point = search.ball.restrict(point, active.x[pending])
        logits = active.model.select(pending).logits(point)
        hit = active.goal.reached(logits, active.classes[pending])
        found.append((pending[hit], point[hit], logits[hit], torch.full_like(pending[hit], trial + 1)))
        pending = pending[~hit]
        if not len(pending):
            break
    rows, point, logits, spent = (torch.cat(parts) for parts in zip(*found, strict=True))
    staying = torch.zeros(len(active), dtype=torch.bool, device=active.x.device)
    staying[rows] = True
    search.release(staying)
    if not len(search):
        return None
    order_found = rows.argsort()
    return BoundaryStart(point=point[order_found], logits=logits[order_found], spent=spent[order_found])


def _nearest_first(x: Tensor, candidates: Tensor) -> Int64[Tensor, "batch candidates"]:
    """For each image the candidates in the order of their L2 distance."""
    if candidates.shape[1:] != x.shape[1:]:
        raise ValueError(
            "`starts` must be images of the attacked ones' shape "
            f"{tuple(x.shape[1:])}, got {tuple(candidates.shape[1:])}"
        )
    distance = torch.cdist(
        x.double().flatten(1),
        candidates.to(x.device).double().flatten(1),
        compute_mode="donot_use_mm_for_euclid_dist",  # pair by pair: the rounding, too, is that of each image alone
    )
    return distance.argsort(dim=1, stable=True)


def _random_images(active: ActiveSet, rows: Int64[Tensor, " chosen"], trial: int) -> Tensor:
    """Uniform noise in squares of 1, 2, 4, … pixels, one size per trial and then over again.

    Many models see one and the same class in all noise of single pixels, and images of that class would never start.
    """
    channels, height, width = active.x.shape[1:]
    sizes = max(1, min(height, width) // 2).bit_length()
    side = 2 ** (trial % sizes)
    streams: SampleStreams = active.streams.select(rows)
    coarse = streams.uniform(channels, -(-height // side), -(-width // side), dtype=active.x.dtype)
    return coarse.repeat_interleave(side, dim=2).repeat_interleave(side, dim=3)[:, :, :height, :width]
