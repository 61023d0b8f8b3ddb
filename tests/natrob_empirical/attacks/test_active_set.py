"""Fooled samples leave at once, and nobody's result depends on it."""

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import (
    PGD,
    ActiveSet,
    CountedModel,
    RandomNoise,
)
from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models import LinfBall

Images = tuple[Tensor, Tensor]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(4)


def bright(x: Tensor) -> Tensor:
    """Class 1 above a mean of 0.5."""
    mean = x.flatten(1).mean(dim=1)
    return torch.stack([0.5 - mean, mean - 0.5], dim=1)


def active_set(count: int, *, compaction: bool = True, mixed_precision: bool = False) -> ActiveSet:
    """Grey images of class 0, the later the brighter, in balls of radius 0.2."""
    x = torch.linspace(0.3, 0.4, count).reshape(-1, 1, 1, 1).repeat(1, 1, 2, 2)
    model = CountedModel(bright, count, x.device, mixed_precision=mixed_precision)
    streams = SampleStreams(generator(), count)
    y = torch.zeros(count, dtype=torch.int64)
    return ActiveSet(model, x, y, streams, LinfBall(0.2), compaction=compaction)


def test_the_rows_that_stay_are_those_of_the_samples_that_stay() -> None:
    active = active_set(5)
    point = active.x + torch.tensor([0.0, 0.2, 0.05, 0.2, 0.0]).reshape(-1, 1, 1, 1)
    names = torch.arange(5)
    (left,) = active.settle(point, active.model.logits(point), names)
    assert left.tolist() == [0, 2, 4]
    assert torch.equal(active.x, torch.linspace(0.3, 0.4, 5)[[0, 2, 4]].reshape(-1, 1, 1, 1).repeat(1, 1, 2, 2))
    assert len(active) == len(active.streams) == len(active.y) == 3
    assert torch.equal(active.best, point)
    next_point = active.neighbourhood.project(active.x + 0.5)
    assert torch.allclose(next_point - active.x, torch.tensor(0.2))
    (left,) = active.settle(next_point, active.model.logits(next_point), left)
    assert left.tolist() == [0]  # 0.3 + 0.2 is on the edge, where the first class wins
    assert not active.all_fooled


def test_the_first_misclassified_image_stays() -> None:
    active = active_set(2, compaction=False)
    first, second = active.x + 0.18, active.x + 0.2
    active.settle(first, active.model.logits(first))
    active.settle(second, active.model.logits(second))
    assert torch.equal(active.best[1], first[1])
    assert torch.equal(active.best[0], second[0])  # never fooled: the higher loss


def test_the_higher_loss_is_told_where_the_cross_entropy_rounds_to_zero() -> None:
    def sure(x: Tensor) -> Tensor:
        return bright(x) + torch.tensor([1000.0, 0.0])

    x = torch.full((1, 1, 2, 2), 0.3)
    model = CountedModel(sure, 1, x.device)
    y = torch.zeros(1, dtype=torch.int64)
    active = ActiveSet(model, x, y, SampleStreams(generator(), 1), LinfBall(0.2))
    for offset in (0.0, 0.2, 0.1):
        active.settle(x + offset, model.logits(x + offset))
    assert torch.equal(active.best, x + 0.2)
    assert float(nn.functional.cross_entropy(sure(active.best), y)) == 0


def test_a_sample_that_only_seems_fooled_stays() -> None:
    """Mixed precision answers otherwise than full precision, by which a sample is judged."""

    def model(x: Tensor) -> Tensor:
        seems = torch.is_autocast_enabled("cpu")
        logits = torch.tensor([[0.0, 1.0]] if seems else [[1.0, 0.0]]).repeat(len(x), 1)
        return logits + 0 * x.sum()

    x, y = torch.full((3, 1, 2, 2), 0.5), torch.zeros(3, dtype=torch.int64)
    result = RandomNoise(LinfBall(0.1), 2, mixed_precision=True)(model, x, y, generator=generator())
    assert not bool(result.success.any())
    assert result.queries.tolist() == [6, 6, 6]  # the first look, two trials, each confirmed, and the verdict


def test_mixed_precision_is_judged_in_full(digits_net: nn.Module, digit_images: Images) -> None:
    attack = PGD(LinfBall(0.08), steps=10, mixed_precision=True)
    result = attack(digits_net, *digit_images, generator=generator())
    with torch.no_grad():
        answers = digits_net(result.adversarial).argmax(dim=1)
    assert torch.equal(result.success, answers != digit_images[1])
    assert result.adversarial.dtype == torch.float32


def test_whoever_watches_sees_every_point_and_nobody_leaves() -> None:
    seen: list[Tensor] = []
    active = ActiveSet(
        CountedModel(bright, 2, torch.device("cpu")),
        torch.full((2, 1, 2, 2), 0.45),
        torch.zeros(2, dtype=torch.int64),
        SampleStreams(generator(), 2),
        LinfBall(0.2),
        watch=seen.append,
    )
    points = [active.x + 0.1, active.x + 0.2, active.x + 0.15]
    for point in points:
        active.settle(point, active.model.logits(point))
    assert len(active) == 2
    assert not active.all_fooled
    assert torch.equal(active.best, points[1])  # the highest loss, not the first misclassified
    assert all(torch.equal(one, other) for one, other in zip(seen, points, strict=True))


@pytest.mark.parametrize(
    ("state", "message"),
    [(torch.zeros(2), "tensors of 3 rows, one per active sample"), (torch.tensor(0.0), "got shape")],
)
def test_state_of_other_rows_is_refused(state: Tensor, message: str) -> None:
    active = active_set(3)
    with pytest.raises(ValueError, match=message):
        active.settle(active.x, active.model.logits(active.x), state)
