"""AutoAttack beside its authors' own code: the same images are left, but for the few that luck decides."""

import logging
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import AutoAttack
from natrob_empirical.datasets import Dataset
from natrob_empirical.threat_models import AbstractBall, L2Ball, LinfBall

each_ball = pytest.mark.parametrize("ball", [LinfBall(0.1), L2Ball(0.8)], ids=str)


def official(net: nn.Module, ball: AbstractBall) -> Any:
    """The standard version of pyautoattack, whose model and data are ours."""
    peer = pytest.importorskip("pyautoattack")
    logging.getLogger("auto-attack").setLevel(logging.ERROR)
    return peer.AutoAttack(net, norm="Linf" if isinstance(ball, LinfBall) else "L2", eps=ball.epsilon, seed=0)


def left_by_them(attack: Any, x: Tensor, y: Tensor) -> Tensor:
    with torch.random.fork_rng():  # it reseeds torch
        adversarial = attack.run_standard_evaluation(x, y, batch_size=len(x))[0]
    with torch.no_grad():
        return attack.model(adversarial).argmax(dim=1) == y


def left_by_us(attack: AutoAttack, net: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return ~attack(net, x, y, generator=torch.Generator().manual_seed(0)).success


def require_agreement(ours: Tensor, theirs: Tensor) -> None:
    """The images on which they differ are at most 5 %, and ours leaves no more than theirs by as much as 2 %."""
    count = len(ours)
    assert 0.1 * count < int(theirs.sum()) < 0.95 * count  # neither side of a trivial budget
    assert int((ours != theirs).sum()) <= 0.05 * count
    assert int(ours.sum()) <= int(theirs.sum()) + 0.02 * count


def test_few_steps_leave_the_images_that_the_official_code_leaves(
    robust_digits_cnn: nn.Module, digits: Dataset
) -> None:
    ball, count, steps, targets, queries = LinfBall(0.1), 60, 10, 3, 60
    x, y = digits.to_images(digits.test_x[:count]), digits.test_y[:count]
    attack = official(robust_digits_cnn, ball)
    attack.apgd.n_iter = attack.apgd_targeted.n_iter = attack.fab.n_iter = steps
    attack.apgd_targeted.n_target_classes = attack.fab.n_target_classes = targets
    attack.square.n_queries = queries
    ours = AutoAttack(ball, steps=steps, targets=targets, queries=queries)
    require_agreement(left_by_us(ours, robust_digits_cnn, x, y), left_by_them(attack, x, y))


@pytest.mark.slow
@each_ball
def test_the_standard_version_leaves_the_images_that_the_official_code_leaves(
    ball: AbstractBall, robust_digits_cnn: nn.Module, digits: Dataset
) -> None:
    x, y = digits.to_images(digits.test_x[:100]), digits.test_y[:100]
    theirs = left_by_them(official(robust_digits_cnn, ball), x, y)
    require_agreement(left_by_us(AutoAttack(ball), robust_digits_cnn, x, y), theirs)
