"""Looking ahead and remembering change how often the model is asked, and nothing else."""

from collections import Counter

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import ActiveSet, AveragedModel, CountedModel, Square
from natrob_empirical.attacks.margin import margin
from natrob_empirical.attacks.square import _stages
from natrob_empirical.attacks.square_walk import SquareWalk, _last_before
from natrob_empirical.attacks.square_windows import AbstractSquares, L2Squares, LinfSquares
from natrob_empirical.random_streams import SampleStreams
from natrob_empirical.threat_models import AbstractBall, L2Ball, LinfBall

Images = tuple[Tensor, Tensor]
BALLS = [(LinfSquares, LinfBall(0.04)), (L2Squares, L2Ball(0.3))]
each_ball = pytest.mark.parametrize(("kind", "ball"), BALLS, ids=str)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def exact(net: nn.Module, count: int, images: Images) -> tuple[nn.Module, Tensor, Tensor]:
    """In float64, where no batch decides a comparison by its rounding; images that are classified correctly."""
    net = _Double(net)
    x, y = images[0].double(), images[1]
    right = (net(x).argmax(dim=1) == y).nonzero().squeeze(1)[:count]
    return net, x[right], y[right]


class _Double(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        parameters = {name: value.double() for name, value in self.net.named_parameters()}
        return torch.func.functional_call(self.net, parameters, (x,))


def one_by_one(
    net: nn.Module, x: Tensor, y: Tensor, squares: AbstractSquares, ball: AbstractBall, queries: int
) -> tuple[Tensor, int]:
    """The search as its source has it, one image and one question at a time: where it ends, and its questions."""
    active = ActiveSet(CountedModel(net, 1, x.device), x, y, SampleStreams(generator(), 1), ball)
    point, room = squares.start(active)
    lowest, asked = margin(net(point), y), 1
    for share, count in _stages(queries, 0.8):
        side = squares.side(share)
        corners, signs = squares.draw(active, side, count)
        for move in range(count):
            if bool(lowest <= 0):
                return point, asked
            moved = point.clone()
            left = squares.move(active, moved, room, squares.window(side, "cpu"), corners[:, move], signs[:, move])
            found, asked = margin(net(moved), y), asked + 1
            if bool((found < lowest) | (found <= 0)):
                point, room, lowest = moved, left, found
    return point, asked


@each_ball
def test_it_ends_where_the_search_of_the_source_ends(
    kind: type[AbstractSquares], ball: AbstractBall, digits_net: nn.Module, digit_images: Images
) -> None:
    net, x, y = exact(digits_net, 1, digit_images)
    wanted, asked = one_by_one(net, x, y, kind(ball.epsilon, (1, 8, 8)), ball, 200)
    result = Square(ball, queries=200)(net, x, y, generator=generator())
    assert torch.allclose(result.adversarial, wanted, rtol=0, atol=1e-12)
    assert int(result.queries) <= asked + 2


@pytest.mark.parametrize("ball", [LinfBall(0.1), L2Ball(0.8)], ids=str)
def test_how_far_it_looks_ahead_changes_no_result_and_no_count(
    ball: AbstractBall, digits_net: nn.Module, digit_images: Images
) -> None:
    net, x, y = exact(digits_net, 5, digit_images)
    alone, few, many = (
        Square(ball, queries=150)(net, x, y, generator=generator(), at_once=size) for size in (1, 20, 256)
    )
    for other in (few, many):
        assert torch.allclose(other.adversarial, alone.adversarial, rtol=0, atol=1e-12)
        assert torch.equal(other.queries, alone.queries)
        assert torch.equal(other.success, alone.success)
    assert 0 < int(alone.success.sum()) < len(y)


def test_few_stubborn_images_take_few_passes(digits_net: nn.Module, digit_images: Images) -> None:
    passes: Counter[int] = Counter()
    net, x, y = exact(digits_net, 3, digit_images)

    def counted(images: Tensor) -> Tensor:
        passes[at_once] += 1
        return net(images)

    for at_once in (1, 256):
        Square(L2Ball(0.01), queries=800)(counted, x, y, generator=generator(), at_once=at_once)
    assert passes[256] < passes[1] / 2


def test_no_image_is_asked_about_twice_from_where_it_stands(digit_images: Images) -> None:
    """Of a model that nothing moves, each of 64 pixels and 2 signs is asked about once; half of them change nothing."""
    x = digit_images[0][:2].double() * 0.5 + 0.25

    def stubborn(images: Tensor) -> Tensor:
        return torch.tensor([[1.0, 0.0]], dtype=images.dtype).repeat(len(images), 1) + 0 * images.sum()

    y = torch.zeros(2, dtype=torch.int64)
    model = CountedModel(stubborn, 2, x.device)
    active = ActiveSet(model, x, y, SampleStreams(generator(), 2), LinfBall(0.1))
    walk = SquareWalk(active, LinfSquares(0.1, (1, 8, 8)))
    for _ in range(20):
        walk.walk(0.001, 100)
    assert model.queries.tolist() == [1 + 64] * 2


def test_a_model_that_draws_is_asked_every_time(digit_images: Images) -> None:
    x, y = digit_images[0][:2], torch.zeros(2, dtype=torch.int64)

    def noisy(images: Tensor) -> Tensor:
        return torch.tensor([[9.0, 0.0]]).repeat(len(images), 1) + torch.randn(len(images), 2) / 9 + 0 * images.sum()

    averaged = AveragedModel(noisy, samples=2, generator=generator(1))
    result = Square(LinfBall(0.1), queries=150)(averaged, x, y, generator=generator())
    assert result.queries.tolist() == [152, 152]


def test_the_last_move_before_with_the_same_key_is_found() -> None:
    keys = torch.tensor([[5, 3, 5, 5, 3], [1, 2, 3, 4, 1]])
    assert _last_before(keys).tolist() == [[-1, -1, 0, 2, 1], [-1, -1, -1, -1, 0]]
