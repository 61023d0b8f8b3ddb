"""The accuracy left is that of public implementations: same model, images, budget and number of steps, three seeds."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import DI2FGSM, PGD, AbstractAttack
from natrob_empirical.datasets import Dataset
from natrob_empirical.threat_models import LinfBall

EPSILON, STEPS, STEP_SIZE, SEEDS = 0.1, 40, 0.01, range(3)
TOLERANCE = 0.015


@pytest.fixture
def all_images(digits: Dataset) -> tuple[Tensor, Tensor]:
    return digits.to_images(digits.test_x), digits.test_y


def left_by(attack: AbstractAttack, net: nn.Module, x: Tensor, y: Tensor) -> float:
    """The mean accuracy left over the seeds."""
    results = [attack(net, x, y, generator=torch.Generator().manual_seed(seed)) for seed in SEEDS]
    return 1 - sum(float(result.success.double().mean()) for result in results) / len(SEEDS)


def left_by_peer(run: Callable[[Tensor, Tensor], Tensor], net: nn.Module, x: Tensor, y: Tensor) -> float:
    shares = []
    with torch.random.fork_rng():
        for seed in SEEDS:
            torch.manual_seed(seed)
            with torch.no_grad():
                shares.append(float((net(run(x, y)).argmax(dim=1) == y).double().mean()))
    return sum(shares) / len(shares)


def _with_gradients(run: Callable[..., Any]) -> Callable[[Tensor, Tensor], Tensor]:
    def attacked(x: Tensor, y: Tensor) -> Tensor:
        with torch.enable_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return run(x, y).detach()

    return attacked


def test_pgd_leaves_what_foolbox_leaves(digits_net: nn.Module, all_images: tuple[Tensor, Tensor]) -> None:
    attacks = pytest.importorskip("foolbox.attacks")
    models = pytest.importorskip("foolbox.models.pytorch")
    wrapped = models.PyTorchModel(digits_net, bounds=(0, 1), device="cpu")
    peer = attacks.LinfPGD(steps=STEPS, abs_stepsize=STEP_SIZE, random_start=True)
    theirs = left_by_peer(
        _with_gradients(lambda x, y: peer(wrapped, x, y, epsilons=EPSILON)[1]), digits_net, *all_images
    )
    ours = left_by(PGD(LinfBall(EPSILON), step_size=STEP_SIZE, steps=STEPS), digits_net, *all_images)
    assert 0.02 < theirs < 0.95  # neither side of a trivial budget
    assert abs(ours - theirs) <= TOLERANCE


def test_pgd_leaves_what_torchattacks_leaves(digits_net: nn.Module, all_images: tuple[Tensor, Tensor]) -> None:
    torchattacks = pytest.importorskip("torchattacks")
    peer = torchattacks.PGD(digits_net, eps=EPSILON, alpha=STEP_SIZE, steps=STEPS, random_start=True)
    theirs = left_by_peer(_with_gradients(peer), digits_net, *all_images)
    ours = left_by(PGD(LinfBall(EPSILON), step_size=STEP_SIZE, steps=STEPS), digits_net, *all_images)
    assert abs(ours - theirs) <= TOLERANCE


def test_di2_fgsm_leaves_no_more_than_torchattacks(digits_net: nn.Module, all_images: tuple[Tensor, Tensor]) -> None:
    """It leaves less: the peer returns its last image, and moves images of 8 pixels a side by whole pixels."""
    torchattacks = pytest.importorskip("torchattacks")
    peer = torchattacks.DIFGSM(
        digits_net, eps=EPSILON, alpha=STEP_SIZE, steps=STEPS, decay=0.0, resize_rate=0.9, diversity_prob=0.5
    )
    theirs = left_by_peer(_with_gradients(peer), digits_net, *all_images)
    attack = DI2FGSM(LinfBall(EPSILON), step_size=STEP_SIZE, steps=STEPS, probability=0.5, smallest_size=0.9)
    assert left_by(attack, digits_net, *all_images) <= theirs + TOLERANCE
