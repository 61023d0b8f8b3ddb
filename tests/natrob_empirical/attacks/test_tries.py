"""Tries made side by side end as they do one after the other: who is fooled, and how near the survivors came."""

from collections import Counter

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import (
    APGD,
    FAB,
    AbstractAttack,
    ActiveSet,
    AveragedModel,
    CountedModel,
    OneImageAtATime,
    TargetedAPGD,
)
from natrob_empirical.attacks.tries import Tries, groups, most_at_once
from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models import L2Ball, LinfBall

Images = tuple[Tensor, Tensor]
ATTACKS = [
    TargetedAPGD(LinfBall(0.1), steps=6, targets=4, restarts=2),
    TargetedAPGD(L2Ball(0.45), steps=6, targets=5),
    APGD(LinfBall(0.08), steps=6, restarts=4),
    FAB(LinfBall(0.08), steps=4, targets=4),
    FAB(L2Ball(0.5), steps=4, targets=4),
]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


class InDoublePrecision(nn.Module):
    """No batch decides a comparison by its rounding."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        parameters = {name: value.double() for name, value in self.net.named_parameters()}
        return torch.func.functional_call(self.net, parameters, (x,))


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_side_by_side_they_fool_whom_they_fool_one_after_the_other(
    attack: AbstractAttack, digits_net: nn.Module, digit_images: Images
) -> None:
    net, x, y = InDoublePrecision(digits_net), digit_images[0][:15].double(), digit_images[1][:15]
    alone, some, all_ = (attack(net, x, y, generator=generator(), at_once=size) for size in (1, 40, 256))
    left = ~alone.success
    assert 1 < int(left.sum()) < 14
    for other in (some, all_):
        assert torch.equal(other.success, alone.success)
        assert torch.allclose(other.adversarial[left], alone.adversarial[left], rtol=0, atol=1e-9)
        assert torch.equal(other.queries[left], alone.queries[left])
        assert torch.equal(other.gradient_calls[left], alone.gradient_calls[left])
        most = attack.most_calls(10)
        assert int(other.queries.max()) <= most.queries
        assert int(other.gradient_calls.max()) <= most.gradient_calls


@pytest.mark.parametrize("ball", [LinfBall(0.05), L2Ball(0.3)], ids=str)
def test_the_nearest_images_are_as_near(ball: LinfBall | L2Ball, digits_net: nn.Module, digit_images: Images) -> None:
    net, x, y = InDoublePrecision(digits_net), digit_images[0][:6].double(), digit_images[1][:6]
    alone, together = (
        FAB(ball, steps=5, targets=5).minimise(net, x, y, generator=generator(), at_once=size) for size in (1, 256)
    )
    assert bool(alone.found.all())
    assert torch.allclose(together.distance, alone.distance, rtol=0, atol=1e-9)
    assert torch.equal(together.queries, alone.queries)


def test_the_targets_of_few_samples_share_their_passes(digits_net: nn.Module, digit_images: Images) -> None:
    passes: Counter[int] = Counter()
    for at_once in (1, 256):

        def counted(x: Tensor, at_once: int = at_once) -> Tensor:
            passes[at_once] += 1
            return digits_net(x)

        x, y = digit_images[0][:4], digit_images[1][:4]
        TargetedAPGD(LinfBall(0.01), steps=10)(counted, x, y, generator=generator(), at_once=at_once)
    assert passes[256] < passes[1] / 4


def active_set(count: int, *, model: object = None, at_once: int = 256, side: int = 2) -> ActiveSet:
    x = torch.linspace(0.2, 0.8, count)[:, None, None, None].repeat(1, 1, side, side)
    meter = CountedModel(model or (lambda images: images.flatten(1)[:, :2]), count, x.device)  # pyright: ignore[reportArgumentType]
    streams = SampleStreams(generator(), count)
    return ActiveSet(meter, x, torch.zeros(count, dtype=torch.int64), streams, LinfBall(0.1), at_once=at_once)


def test_the_first_try_that_reaches_the_goal_counts_and_takes_its_sample_along() -> None:
    active = active_set(3)
    tries = Tries(active, 3, torch.arange(3))
    point = tries.of_samples(active.x) + torch.tensor([0.01, 0.02, 0.03]).repeat(3)[:, None, None, None]
    logits = torch.tensor([[1.0, 0.0]]).repeat(9, 1)
    logits[4] = logits[5] = torch.tensor([0.0, 1.0])  # the second and the third try at the second sample
    logits[8] = torch.tensor([1.0, 0.5])
    (names,) = tries.settle(point, logits, torch.arange(9))
    assert names.tolist() == [0, 1, 2, 6, 7, 8]
    assert tries.carried[0].tolist() == [0, 2]
    assert len(tries) == len(tries.y) == 6
    assert torch.allclose(active.best[1], point[4])
    assert torch.allclose(active.best[2], point[8])  # nobody fooled it: the try that came closest
    tries.model.logits(tries.x)
    assert active.model.queries.tolist() == [3, 3]


def test_as_many_tries_are_made_together_as_a_batch_of_efficient_size_holds() -> None:
    assert [list(group) for group in groups(active_set(30), 9)] == [list(range(8)), [8]]
    assert [len(group) for group in groups(active_set(200), 3)] == [1, 1, 1]
    assert [len(group) for group in groups(active_set(5, at_once=12), 5)] == [2, 2, 1]
    assert most_at_once(active_set(2, side=500)) == 3  # large images fill a pass by themselves


@pytest.mark.parametrize("wrapped", [OneImageAtATime, lambda net: AveragedModel(net, samples=2, generator=generator())])
def test_a_model_that_gains_nothing_or_draws_is_shown_one_image_a_sample(wrapped: type[nn.Module]) -> None:
    assert most_at_once(active_set(3, model=wrapped(nn.Flatten()))) == 3
