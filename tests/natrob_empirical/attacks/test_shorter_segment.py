"""The crossing of the boundary on a segment."""

import math
from typing import Any

import torch
from torch import Tensor

from natrob_empirical.attacks import ActiveSet, CountedModel, NearestSearch
from natrob_empirical.attacks.shorter_segment import shorten
from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models import LinfBall


def shortened(lead: Any, *, queries: int, found: Tensor, epsilon: float = 0.0, leave_inside: bool = False) -> Any:
    """Black images of one pixel each; the margin at brightness t is lead(t), and an image found lies at `found`."""

    def model(x: Tensor) -> Tensor:
        value = lead(x.flatten(1)[:, 0])
        return torch.stack([value, 0 * value], dim=1)

    count = len(found)
    x, y = torch.zeros(count, 1, 1, 1, dtype=torch.float64), torch.zeros(count, dtype=torch.int64)
    streams = SampleStreams(torch.Generator().manual_seed(0), count)
    counted, ball = CountedModel(model, count, x.device), LinfBall(epsilon)
    search = NearestSearch(
        ActiveSet(counted, x, y, streams, ball, compaction=leave_inside), ball, leave_inside=leave_inside
    )
    search.settle(found.reshape(-1, 1, 1, 1), model(found.reshape(-1, 1, 1, 1)))
    shorten(search, queries=queries)
    return search, counted


FOUND = torch.tensor([0.5, 0.7, 1.0, 0.1], dtype=torch.float64)


def test_a_linear_margin_s_crossing_is_found_a_thousand_times_closer_per_query() -> None:
    for queries, excess in ((1, 1e-3), (3, 1e-6), (5, 1e-9)):
        search, counted = shortened(lambda t: 0.4 - t, queries=queries, found=FOUND)
        assert bool((search.distance[:3] > 0.4).all())
        assert bool((search.distance[:3] <= 0.4 + excess).all())
        assert float(search.distance[3]) == math.inf  # at 0.1 nothing is misclassified: nothing was found
        assert counted.queries.tolist() == [2 + queries] * 4


def test_a_curved_margin_s_crossing_is_found() -> None:
    for lead in (lambda t: 0.4**4 - t**4, lambda t: 0.4**0.25 - t**0.25, lambda t: 1 - (t / 0.4) ** 0.1):
        search, _ = shortened(lead, queries=12, found=FOUND)
        assert bool((search.distance[:3] > 0.4 - 1e-12).all())
        assert bool((search.distance[:3] < 0.4 * 1.001).all())


def test_it_never_makes_an_image_further() -> None:
    search, _ = shortened(lambda t: torch.cos(40 * t) + 0.1 - t, queries=5, found=FOUND)
    start, _ = shortened(lambda t: torch.cos(40 * t) + 0.1 - t, queries=0, found=FOUND)
    assert bool((search.distance <= start.distance).all())


def test_whoever_is_inside_the_ball_leaves() -> None:
    search, counted = shortened(lambda t: 0.4 - t, queries=5, found=FOUND, epsilon=0.4001, leave_inside=True)
    assert len(search) == 1
    assert counted.queries.tolist()[3] == 7
    assert max(counted.queries.tolist()[:3]) < 7
