"""The accuracy left is that of public implementations: same model, images, budget and number of steps, three seeds."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import DI2FGSM, PGD, AbstractAttack
from natrob_empirical.threat_models import LinfBall

STEPS, SEEDS = 40, range(3)
TOLERANCE = 0.015


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A network with the images and the budget it is attacked with, neither side of a trivial one."""

    net: nn.Module
    x: Tensor
    y: Tensor
    epsilon: float
    step_size: float


@pytest.fixture(params=["digits", pytest.param("mnist", marks=pytest.mark.mnist)])
def case(request: pytest.FixtureRequest) -> Case:
    if request.param == "mnist":
        x, y = request.getfixturevalue("mnist_images")
        return Case(net=request.getfixturevalue("mnist_cnn"), x=x, y=y, epsilon=0.06, step_size=0.006)
    digits = request.getfixturevalue("digits")
    images = digits.to_images(digits.test_x)
    net = request.getfixturevalue("digits_net")
    return Case(net=net, x=images, y=digits.test_y, epsilon=0.1, step_size=0.01)


def left_by(attack: AbstractAttack, case: Case) -> float:
    """The mean accuracy left over the seeds."""
    generators = (torch.Generator().manual_seed(seed) for seed in SEEDS)
    results = [attack(case.net, case.x, case.y, generator=generator) for generator in generators]
    return 1 - sum(float(result.success.double().mean()) for result in results) / len(SEEDS)


def left_by_peer(run: Callable[[Tensor, Tensor], Any], case: Case) -> float:
    shares = []
    with torch.random.fork_rng():
        for seed in SEEDS:
            torch.manual_seed(seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                adversarial = run(case.x, case.y).detach()
            with torch.no_grad():
                shares.append(float((case.net(adversarial).argmax(dim=1) == case.y).double().mean()))
    return sum(shares) / len(shares)


def pgd(case: Case) -> PGD:
    return PGD(LinfBall(case.epsilon), step_size=case.step_size, steps=STEPS)


def test_pgd_leaves_what_foolbox_leaves(case: Case) -> None:
    attacks = pytest.importorskip("foolbox.attacks")
    models = pytest.importorskip("foolbox.models.pytorch")
    wrapped = models.PyTorchModel(case.net, bounds=(0, 1), device="cpu")
    peer = attacks.LinfPGD(steps=STEPS, abs_stepsize=case.step_size, random_start=True)
    theirs = left_by_peer(lambda x, y: peer(wrapped, x, y, epsilons=case.epsilon)[1], case)
    assert 0.02 < theirs < 0.95
    assert abs(left_by(pgd(case), case) - theirs) <= TOLERANCE


def test_pgd_leaves_what_torchattacks_leaves(case: Case) -> None:
    torchattacks = pytest.importorskip("torchattacks")
    peer = torchattacks.PGD(case.net, eps=case.epsilon, alpha=case.step_size, steps=STEPS, random_start=True)
    assert abs(left_by(pgd(case), case) - left_by_peer(peer, case)) <= TOLERANCE


def test_di2_fgsm_leaves_no_more_than_torchattacks(case: Case) -> None:
    """It leaves less on the digits: the peer returns its last image, and moves images of 8 pixels by whole pixels."""
    torchattacks = pytest.importorskip("torchattacks")
    peer = torchattacks.DIFGSM(
        case.net,
        eps=case.epsilon,
        alpha=case.step_size,
        steps=STEPS,
        decay=0.0,
        resize_rate=0.9,
        diversity_prob=0.5,
    )
    attack = DI2FGSM(LinfBall(case.epsilon), step_size=case.step_size, steps=STEPS, probability=0.5, smallest_size=0.9)
    assert left_by(attack, case) <= left_by_peer(peer, case) + TOLERANCE
