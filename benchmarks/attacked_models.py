"""Two small convolutional classifiers of the same shape, one trained plainly and one against an attack."""

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn

from benchmarks.states import SEED
from natrob_empirical.attacks import PGD
from natrob_empirical.datasets import load_dataset
from natrob_empirical.random_streams import RandomStreams
from natrob_empirical.threat_models import LinfBall

SIZE = 28
EPSILON = 0.2
PLAIN_EPOCHS, ROBUST_EPOCHS, BATCH = 12, 24, 64


@dataclass(frozen=True, kw_only=True, eq=False)
class AttackedModel:
    """A trained classifier with the images it is attacked on.

    Attributes:
        name: how it was trained.
        net: in eval mode, parameters without gradients asked for.
        x, y: (images, 1, 28, 28) in [0, 1] and labels, all test images.
    """

    name: str
    net: nn.Module
    x: Tensor
    y: Tensor


@cache
def attacked_models() -> tuple[AttackedModel, AttackedModel]:
    """Undefended, and trained on adversarial images at ε = 0.2 (Madry et al., ICLR 2018)."""
    digits = load_dataset("digits")
    images = {
        part: nn.functional.interpolate(digits.to_images(pixels), size=SIZE, mode="bilinear").clamp(0, 1)
        for part, pixels in (("train", digits.train_x), ("test", digits.test_x))
    }
    models = []
    for name, epochs, robust in (("undefended CNN", PLAIN_EPOCHS, False), ("robust CNN", ROBUST_EPOCHS, True)):
        net = _trained(images["train"], digits.train_y, epochs=epochs, robust=robust)
        models.append(AttackedModel(name=name, net=net, x=images["test"], y=digits.test_y))
    return models[0], models[1]


def _network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(16, 32, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )


def _trained(x: Tensor, y: Tensor, *, epochs: int, robust: bool) -> nn.Module:
    streams = RandomStreams(SEED)
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        net = _network()
    order, attack_stream = streams.generator("train"), streams.generator("attack")
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(epochs):
        epsilon = EPSILON * min(1.0, (epoch + 1) / (epochs / 2))  # a ball that grows: training against ε at once stalls
        attack = PGD(LinfBall(epsilon), steps=7, step_size=epsilon / 4, compaction=False)
        for rows in torch.randperm(len(x), generator=order).split(BATCH):
            images = attack(net, x[rows], y[rows], generator=attack_stream).adversarial if robust else x[rows]
            net.train()
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(images), y[rows]).backward()
            optimizer.step()
    return net.eval().requires_grad_(False)
