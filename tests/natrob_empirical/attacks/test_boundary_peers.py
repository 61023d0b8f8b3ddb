"""The median distance is no larger than 1.05 times Foolbox's: same model, images, starts and number of real queries."""

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import BoundaryAttack
from natrob_empirical.datasets import Dataset
from natrob_empirical.threat_models import L2Ball

SEEDS = {1000: range(3), 5000: range(1)}  # by the number of queries
STEP = 0.1  # both steps, the paper's
pytestmark = pytest.mark.slow


def median(adversarial: Tensor, x: Tensor) -> float:
    return float(torch.linalg.vector_norm((adversarial - x).double().flatten(1), dim=1).median())


def classified(net: nn.Module, x: Tensor, y: Tensor, count: int) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        correct = net(x).argmax(dim=1) == y
    return x[correct][:count], y[correct][:count]


def nearest_misclassified(net: nn.Module, x: Tensor, y: Tensor, starts: Tensor) -> Tensor:
    with torch.no_grad():
        classes = net(starts).argmax(dim=1)
    distance = torch.cdist(x.flatten(1), starts.flatten(1))
    return starts[distance.masked_fill(classes == y[:, None], torch.inf).argmin(dim=1)]


def foolbox(net: nn.Module, x: Tensor, y: Tensor, starts: Tensor, *, steps: int, seed: int) -> tuple[float, int]:
    """The median distance and the queries that each sample really took."""
    attacks = pytest.importorskip("foolbox.attacks")
    models: Any = pytest.importorskip("foolbox.models.pytorch")
    asked: list[int] = []

    class Counting(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            asked.append(len(images))
            return net(images)

    wrapped = models.PyTorchModel(Counting().eval(), bounds=(0, 1), device="cpu")
    attack = attacks.BoundaryAttack(steps=steps, spherical_step=STEP, source_step=STEP)
    begin = nearest_misclassified(net, x, y, starts)
    with torch.random.fork_rng(), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        adversarial = attack.run(wrapped, x, y, starting_points=begin)
    return median(adversarial, x), sum(asked) // len(x)


def ours(net: nn.Module, x: Tensor, y: Tensor, starts: Tensor, *, queries: int, seed: int) -> float:
    attack = BoundaryAttack(L2Ball(1.0), queries=queries, spherical_step=STEP, source_step=STEP, starts=starts)
    result = attack.minimise(net, x, y, generator=torch.Generator().manual_seed(seed))
    assert int(result.queries.max()) == queries + 2
    return median(result.adversarial, x)


def compare(net: nn.Module, x: Tensor, y: Tensor, starts: Tensor, queries: int) -> None:
    steps = 10 * (queries - 1) // 11 + 1  # one query per step, one more every tenth, one before: no fewer than ours
    theirs = [foolbox(net, x, y, starts, steps=steps, seed=seed) for seed in SEEDS[queries]]
    assert all(queries <= spent <= queries + 2 for _, spent in theirs)
    mine = [ours(net, x, y, starts, queries=queries, seed=seed) for seed in SEEDS[queries]]
    assert sum(mine) <= 1.05 * sum(distance for distance, _ in theirs)


@pytest.mark.parametrize("queries", [1000, pytest.param(5000, marks=pytest.mark.long)])
def test_digits(queries: int, digits_cnn: nn.Module, digits: Dataset) -> None:
    x, y = classified(digits_cnn, digits.to_images(digits.test_x), digits.test_y, 50)
    compare(digits_cnn, x, y, digits.to_images(digits.train_x[:40]), queries)


@pytest.mark.mnist
@pytest.mark.long
@pytest.mark.parametrize("queries", [1000, 5000])
def test_mnist(queries: int, mnist_cnn: nn.Module, mnist_images: tuple[Tensor, Tensor], mnist: Dataset) -> None:
    x, y = classified(mnist_cnn, *mnist_images, 30)
    compare(mnist_cnn, x, y, mnist.to_images(mnist.train_x[:40]), queries)
