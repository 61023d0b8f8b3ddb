"""The nearest misclassified image is kept, whoever leaves."""

import pytest
import torch
from torch import Tensor

from natrob_empirical.attacks import ActiveSet, CountedModel, NearestSearch
from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models import AbstractBall, L2Ball, LinfBall


def bright(x: Tensor) -> Tensor:
    """Class 1 above a mean of 0.5."""
    mean = x.flatten(1).mean(dim=1)
    return torch.stack([0.5 - mean, mean - 0.5], dim=1)


def searching(ball: AbstractBall, *, leave_inside: bool, compaction: bool = True) -> NearestSearch:
    """Grey images of class 0: 0.1, 0.2, 0.3 and 0.4."""
    x = torch.tensor([0.1, 0.2, 0.3, 0.4]).reshape(-1, 1, 1, 1).repeat(1, 1, 2, 2)
    model = CountedModel(bright, 4, x.device)
    streams = SampleStreams(torch.Generator(), 4)
    active = ActiveSet(model, x, torch.zeros(4, dtype=torch.int64), streams, ball, compaction=compaction)
    return NearestSearch(active, ball, leave_inside=leave_inside)


def show(search: NearestSearch, brightness: float, *state: Tensor) -> tuple[Tensor, ...]:
    point = torch.full_like(search.active.x, brightness)
    return search.settle(point, search.active.model.logits(point), *state)


@pytest.mark.parametrize("ball", [LinfBall(0.15), L2Ball(0.3)], ids=str)
def test_the_nearest_misclassified_image_stays(ball: AbstractBall) -> None:
    search = searching(ball, leave_inside=False)
    assert search.distance.tolist() == [torch.inf] * 4
    assert torch.equal(search.nearest, search.active.x)
    for brightness in (0.8, 0.6, 0.7, 0.45):  # the last is no success
        show(search, brightness)
    assert torch.equal(search.nearest, torch.full_like(search.nearest, 0.6))
    assert torch.equal(search.distance, ball.distance(search.nearest, search.active.x))
    assert len(search) == 4
    assert not search.over


def test_who_has_one_inside_the_ball_leaves_with_its_state() -> None:
    search = searching(LinfBall(0.35), leave_inside=True)
    names = torch.arange(4)
    (names,) = show(search, 0.9, names)  # outside of all balls
    assert names.tolist() == [0, 1, 2, 3]
    assert search.distance.tolist() == pytest.approx([0.8, 0.7, 0.6, 0.5])
    (names,) = show(search, 0.6, names)
    assert names.tolist() == [0, 1]
    assert search.distance.tolist() == pytest.approx([0.5, 0.4])
    assert torch.equal(search.best, torch.full_like(search.best, 0.6))
    assert torch.equal(search.active.best[2:], search.best[2:])
    (names,) = show(search, 0.51, names)
    assert names.tolist() == [0]
    assert torch.equal(search.best[:, 0, 0, 0], torch.tensor([0.51, 0.51, 0.6, 0.6]))


def test_the_search_is_over_when_all_have_left() -> None:
    for compaction in (True, False):
        search = searching(LinfBall(0.5), leave_inside=True, compaction=compaction)
        show(search, 0.55)
        assert search.over
        assert len(search) == (0 if compaction else 4)


@pytest.mark.parametrize("leave_inside", [True, False])
def test_who_is_released_keeps_what_it_found(leave_inside: bool) -> None:
    search = searching(LinfBall(0.01), leave_inside=leave_inside)
    show(search, 0.7)
    (names,) = search.release(torch.tensor([False, True, False, True]), torch.arange(4))
    assert names.tolist() == [1, 3]
    assert search.active.x[:, 0, 0, 0].tolist() == pytest.approx([0.2, 0.4])
    search.record(torch.full_like(search.active.x, 0.6), torch.tensor([True, False]))
    assert search.best[:, 0, 0, 0].tolist() == pytest.approx([0.7, 0.6, 0.7, 0.7])
    assert search.distance.tolist() == pytest.approx([0.4, 0.3])
    search.release(torch.tensor([False, False]))
    assert search.over


def test_what_is_farther_is_not_recorded() -> None:
    search = searching(LinfBall(0.01), leave_inside=False)
    show(search, 0.6)
    search.record(torch.full_like(search.active.x, 0.7), torch.ones(4, dtype=torch.bool))
    assert torch.equal(search.best, torch.full_like(search.best, 0.6))


def test_state_of_other_rows_is_refused() -> None:
    search = searching(LinfBall(0.01), leave_inside=True)
    with pytest.raises(ValueError, match="tensors of 4 rows, one per active sample"):
        show(search, 0.6, torch.zeros(3))
    with pytest.raises(ValueError, match="tensors of 4 rows, one per active sample"):
        search.release(torch.ones(4, dtype=torch.bool), torch.zeros(3))
