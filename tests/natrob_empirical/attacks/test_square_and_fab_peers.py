"""Square and FAB beside torchattacks: the same model, images, budgets and numbers of queries or steps."""

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import FAB, AbstractAttack, Square
from natrob_empirical.datasets import Dataset
from natrob_empirical.threat_models import AbstractBall, L2Ball, LinfBall

Images = tuple[Tensor, Tensor]
TOLERANCE = 0.01
QUERIES, STEPS = 300, 15

ON_DIGITS = pytest.mark.parametrize(
    ("net", "ball"),
    [
        ("digits_cnn", LinfBall(0.08)),
        ("digits_cnn", L2Ball(0.5)),
        ("robust_digits_cnn", LinfBall(0.12)),
        ("robust_digits_cnn", L2Ball(0.6)),
    ],
    ids=str,
)
ON_MNIST = pytest.mark.parametrize("ball", [LinfBall(0.1), L2Ball(1.2)], ids=str)


@pytest.fixture
def many_digits(digits: Dataset) -> Images:
    return digits.to_images(digits.test_x[:200]), digits.test_y[:200]


def norm_of(ball: AbstractBall) -> str:
    return "Linf" if isinstance(ball, LinfBall) else "L2"


def quietly(run: Any, *arguments: Any) -> Any:
    """The peer's answer, without its warnings or a trace in the global generator."""
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        return run(*arguments)


def left(net: nn.Module, adversarial: Tensor, y: Tensor) -> float:
    with torch.no_grad():
        return float((net(adversarial).argmax(dim=1) == y).double().mean())


def left_by(attack: AbstractAttack, net: nn.Module, images: Images) -> float:
    return left(net, attack(net, *images, generator=torch.Generator().manual_seed(0)).adversarial, images[1])


def assert_square_is_no_weaker(net: nn.Module, ball: AbstractBall, images: Images) -> None:
    torchattacks = pytest.importorskip("torchattacks")
    peer = torchattacks.Square(net, norm=norm_of(ball), eps=ball.epsilon, n_queries=QUERIES)
    theirs = left(net, quietly(peer, *images), images[1])
    ours = left_by(Square(ball, queries=QUERIES), net, images)
    assert 0.05 < theirs < 0.95  # neither side of a trivial budget
    assert ours <= theirs + TOLERANCE


def assert_fab_is_no_weaker(net: nn.Module, ball: AbstractBall, images: Images) -> None:
    torchattacks = pytest.importorskip("torchattacks")
    settings = {"norm": norm_of(ball), "steps": STEPS, "multi_targeted": True, "n_classes": 10}
    theirs = left(net, quietly(torchattacks.FAB(net, eps=ball.epsilon, **settings), *images), images[1])
    ours = left_by(FAB(ball, steps=STEPS), net, images)
    assert 0.05 < theirs < 0.95
    assert ours <= theirs + TOLERANCE


def distance_by_peer(net: nn.Module, ball: AbstractBall, images: Images) -> Tensor:
    """The least over all nine targets: called as an attack, the peer would stop at the first."""
    torchattacks = pytest.importorskip("torchattacks")
    peer = torchattacks.FAB(net, norm=norm_of(ball), eps=100.0, steps=STEPS, multi_targeted=True, n_classes=10)
    x, y = images
    least = torch.full(y.shape, torch.inf, dtype=torch.float64)
    for rank in range(2, 11):
        peer.target_class = rank
        adversarial = quietly(peer.attack_single_run_targeted, x, y)
        with torch.no_grad():
            fooled = net(adversarial).argmax(dim=1) != y
        least = torch.minimum(least, ball.distance(adversarial, x).where(fooled, torch.inf))
    return least


def assert_distances_are_no_larger(net: nn.Module, ball: AbstractBall, images: Images) -> None:
    theirs = distance_by_peer(net, ball, images)
    ours = FAB(ball, steps=STEPS).minimise(net, *images, generator=torch.Generator().manual_seed(0))
    assert bool(ours.found.all())
    assert float(theirs.median()) > 0.01
    assert float(ours.distance.median()) <= 1.02 * float(theirs.median())


@ON_DIGITS
def test_square_leaves_no_more_than_torchattacks(
    net: str, ball: AbstractBall, many_digits: Images, request: pytest.FixtureRequest
) -> None:
    assert_square_is_no_weaker(request.getfixturevalue(net), ball, many_digits)


@ON_DIGITS
def test_fab_leaves_no_more_than_torchattacks(
    net: str, ball: AbstractBall, many_digits: Images, request: pytest.FixtureRequest
) -> None:
    assert_fab_is_no_weaker(request.getfixturevalue(net), ball, many_digits)


@ON_DIGITS
def test_fab_is_as_near_as_torchattacks(
    net: str, ball: AbstractBall, many_digits: Images, request: pytest.FixtureRequest
) -> None:
    assert_distances_are_no_larger(request.getfixturevalue(net), ball, many_digits)


@pytest.mark.mnist
@pytest.mark.long
@ON_MNIST
def test_square_leaves_no_more_than_torchattacks_on_mnist(
    ball: AbstractBall, mnist_cnn: nn.Module, mnist_images: Images
) -> None:
    assert_square_is_no_weaker(mnist_cnn, ball, mnist_images)


@pytest.mark.mnist
@pytest.mark.long
@ON_MNIST
def test_fab_leaves_no_more_than_torchattacks_on_mnist(
    ball: AbstractBall, mnist_cnn: nn.Module, mnist_images: Images
) -> None:
    assert_fab_is_no_weaker(mnist_cnn, ball, mnist_images)


@pytest.mark.mnist
@pytest.mark.long
@ON_MNIST
def test_fab_is_as_near_as_torchattacks_on_mnist(
    ball: AbstractBall, mnist_cnn: nn.Module, mnist_images: Images
) -> None:
    assert_distances_are_no_larger(mnist_cnn, ball, (mnist_images[0][:60], mnist_images[1][:60]))
