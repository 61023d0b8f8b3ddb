"""That each method does what it is for: the trained network withstands PGD where the plainly trained one does not."""

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import PGD
from natrob_empirical.datasets import Dataset
from natrob_empirical.models import initialised_with
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.threat_models import LinfBall
from natrob_empirical.training import TRADES, YOPO, PGDAdversarialTraining, StandardTraining
from natrob_empirical.training.abstract_method import AbstractTrainingMethod

EPSILON = 0.15


class SmallNet(nn.Module):
    """Two convolutions with batch normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.first_layer = nn.Conv2d(1, 12, 3, padding=1)
        self.rest = nn.Sequential(
            nn.BatchNorm2d(12),
            nn.ReLU(),
            nn.Conv2d(12, 24, 3, stride=2, padding=1),
            nn.BatchNorm2d(24),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(24 * 16, 10),
        )

    def after_first_layer(self, z: Tensor) -> Tensor:
        return self.rest(z)

    def forward(self, x: Tensor) -> Tensor:
        return self.rest(self.first_layer(x))


def trained_by(method: AbstractTrainingMethod, digits: Dataset) -> nn.Module:
    streams = RandomStreams(0)
    with initialised_with(streams.generator("init")):
        net = SmallNet().train()
    images, labels = digits.to_images(digits.train_x), digits.train_y
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
    order, draws = streams.generator("train"), streams.generator("attack")
    for _ in range(6):
        for rows in torch.randperm(len(images), generator=order).split(64):
            optimiser.zero_grad()
            outcome = method.backward(net, images[rows], labels[rows], generator=draws)
            assert torch.isfinite(outcome.loss)
            optimiser.step()
    return net.eval()


def accuracies(net: nn.Module, digits: Dataset) -> tuple[float, float]:
    """The share labelled correctly as they are, and under PGD-20."""
    images, labels = digits.to_images(digits.test_x[:300]), digits.test_y[:300]
    attack = PGD(LinfBall(EPSILON), step_size=EPSILON / 5, steps=20)
    result = attack(net, images, labels, generator=RandomStreams(1).generator("attack"))
    clean = float((net(images).argmax(dim=1) == labels).double().mean())
    return clean, 1 - float(result.success.double().mean())


@pytest.mark.slow
def test_each_method_raises_the_accuracy_under_attack(digits: Dataset) -> None:
    step = EPSILON / 4
    clean, attacked = accuracies(trained_by(StandardTraining(), digits), digits)
    assert clean > 0.9
    for method in (
        PGDAdversarialTraining(epsilon=EPSILON, step_size=step, steps=7),
        PGDAdversarialTraining(epsilon=EPSILON, step_size=step, steps=7, attack_mode="eval"),
        TRADES(epsilon=EPSILON, step_size=step, steps=7),
        YOPO(epsilon=EPSILON, step_size=step / 2, outer_steps=5, inner_steps=2),
    ):
        clean_after, attacked_after = accuracies(trained_by(method, digits), digits)
        assert clean_after > 0.8, method
        assert attacked_after > attacked + 0.2, method
