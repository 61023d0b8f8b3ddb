"""Pairs joined from blocks and sorted by distance, of which the nearest are kept where there are too many."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from natrob_empirical.ceiling.near_pairs import NearPairs


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class NearestPairs:
    """The nearest of some pairs.

    Attributes:
        pairs: nearest first.
        left_out: how many more there were, all at least as far apart.
    """

    pairs: NearPairs
    left_out: int


def nearest_pairs(blocks: Iterable[NearPairs], most: int) -> NearestPairs:
    """Joins the blocks, sorted by distance and then position; beyond `most` pairs the farthest are left out."""
    kept: list[NearPairs] = []
    held = left_out = 0
    for block in blocks:
        kept.append(block)
        held += len(block.first)
        if held > 2 * most:
            kept = [_sorted(kept, most)]
            left_out, held = left_out + held - most, most
    joined = _sorted(kept, most)
    return NearestPairs(pairs=joined, left_out=left_out + max(0, held - most))


def _sorted(blocks: Sequence[NearPairs], most: int) -> NearPairs:
    columns: list[npt.NDArray[Any]] = [
        np.concatenate([getattr(block, name) for block in blocks]) for name in ("first", "second", "distance")
    ]
    order = np.lexsort((columns[1], columns[0], columns[2]))[:most]
    return NearPairs(first=columns[0][order], second=columns[1][order], distance=columns[2][order])
