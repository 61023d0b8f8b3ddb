"""Attacks towards a class of one's choice."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from natrob_empirical.attacks import (
    APGD,
    DI2FGSM,
    DLR,
    FAB,
    PGD,
    SPSA,
    AbstractAttack,
    ActiveSet,
    AutoAttack,
    BoundaryAttack,
    Margin,
    RandomNoise,
    Square,
    TargetedAPGD,
    TransferAttack,
    attack_accuracy,
)
from natrob_empirical.threat_models import L2Ball, LinfBall

Images = tuple[Tensor, Tensor]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def strong(ball: Any) -> list[AbstractAttack]:
    return [
        PGD(ball, steps=30),
        DI2FGSM(ball, steps=20),
        APGD(ball, steps=30),
        APGD(ball, loss=DLR(), steps=30),
        APGD(ball, loss=Margin(), steps=30),
        TargetedAPGD(ball, steps=30),
        FAB(ball, steps=20),
        SPSA(ball, steps=15, samples=16, learning_rate=0.05),
        Square(ball, queries=300),
        AutoAttack(ball, steps=10, queries=50),
    ]


STRONG = [attack for ball in (LinfBall(0.3), L2Ball(2.0)) for attack in strong(ball)]


@pytest.fixture
def far_targets(digits_net: nn.Module, digit_images: Images) -> Tensor:
    """The class after the label's."""
    return (digit_images[1] + 1) % 10


@pytest.mark.parametrize("attack", STRONG, ids=str)
def test_most_images_can_be_taken_for_any_class(
    attack: AbstractAttack, digits_net: nn.Module, digit_images: Images, far_targets: Tensor
) -> None:
    """Noise of this size hardly ever lands in the chosen class."""
    x, y = digit_images[0][:30], digit_images[1][:30]
    result = attack(digits_net, x, y, generator=generator(), targeted=far_targets[:30])
    noise = RandomNoise(attack.ball, 10)(digits_net, x, y, generator=generator(), targeted=far_targets[:30])
    assert int(noise.success.sum()) <= 3
    assert int(result.success.sum()) >= 20


def test_a_linear_model_is_taken_for_the_target_exactly_where_it_can_be() -> None:
    """In an L-inf ball the lead of t over j grows by at most eps·‖w_t − w_j‖₁, and three classes share one gradient."""
    weight = torch.randn(16, generator=generator(), dtype=torch.float64)
    bias = torch.tensor([0.0, -0.3, -0.6], dtype=torch.float64)
    slopes = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64)

    def model(x: Tensor) -> Tensor:
        return (x.flatten(1) - 0.5) @ weight[:, None] * slopes + bias

    x = torch.full((1, 1, 4, 4), 0.5, dtype=torch.float64)
    for target in (1, 2):
        # class 1 wins where the score is above 0.3 and below 0.3 + 0, class 2 above 0.3: only 2 can be reached
        reach = 0.3 / float(weight.abs().sum())
        for factor, reached in ((0.9, False), (1.1, target == 2)):
            attack = PGD(LinfBall(reach * factor), steps=50)
            result = attack(model, x, torch.zeros(1, dtype=torch.int64), generator=generator(), targeted=target)
            assert bool(result.success) == reached


def test_an_image_taken_for_its_target_already_comes_back_as_it_is(digits_net: nn.Module, digit_images: Images) -> None:
    x = digit_images[0][:10]
    answers = digits_net(x).argmax(dim=1)
    labels = (answers + 1) % 10
    result = PGD(LinfBall(0.1))(digits_net, x, labels, generator=generator(), targeted=answers)
    assert result.success.all()
    assert torch.equal(result.adversarial, x)
    assert result.queries.tolist() == [1] * 10


def test_a_wrong_answer_is_no_success_until_it_is_the_target(digits_net: nn.Module, digit_images: Images) -> None:
    x = digit_images[0][:10]
    answers = digits_net(x).argmax(dim=1)
    labels, targets = (answers + 1) % 10, (answers + 2) % 10
    result = PGD(LinfBall(0.4), steps=40)(digits_net, x, labels, generator=generator(), targeted=targets)
    assert bool((result.queries > 1).all())
    assert torch.equal(result.success, digits_net(result.adversarial).argmax(dim=1) == targets)
    assert result.success.any()


@pytest.mark.parametrize("attack", [FAB(L2Ball(0.1), steps=30), BoundaryAttack(L2Ball(0.1), queries=300)])
def test_the_nearest_image_of_the_target_is_no_nearer_than_the_nearest_wrong_one(
    attack: Any, digits_net: nn.Module, digit_images: Images, far_targets: Tensor
) -> None:
    x, y = digit_images[0][:12], digit_images[1][:12]
    chosen = attack
    if isinstance(attack, BoundaryAttack):
        chosen = BoundaryAttack(attack.ball, queries=300, starts=digit_images[0])
    aimed = chosen.minimise(digits_net, x, y, generator=generator(), targeted=far_targets[:12])
    free = FAB(L2Ball(0.1), steps=30).minimise(digits_net, x, y, generator=generator())
    assert int(aimed.found.sum()) >= 8
    assert bool((digits_net(aimed.adversarial).argmax(dim=1) == far_targets[:12])[aimed.found].all())
    assert bool((aimed.distance >= free.distance - 0.02).all())


def test_one_class_for_all_and_an_evaluation(digits_net: nn.Module, digit_images: Images) -> None:
    rows = (digit_images[1] != 3).nonzero().flatten()
    x, y = digit_images[0][rows], digit_images[1][rows]
    attack = PGD(LinfBall(0.3), steps=30)
    one = attack_accuracy(attack, digits_net, x, y, generator=generator(), targeted=3, batch_size=16)
    each = attack_accuracy(attack, digits_net, x, y, generator=generator(), targeted=torch.full_like(y, 3))
    assert one.targeted
    assert torch.equal(one.success, each.success)
    untargeted = attack_accuracy(attack, digits_net, x, y, generator=generator())
    assert not untargeted.targeted
    assert one.accuracy >= untargeted.accuracy


def test_a_transfer_aims_on_its_source(digits_net: nn.Module, digit_images: Images, far_targets: Tensor) -> None:
    attack = TransferAttack(LinfBall(0.3), source=digits_net, attack=PGD(LinfBall(0.3), steps=30))
    result = attack(digits_net, *digit_images, generator=generator(), targeted=far_targets)
    assert float(result.success.double().mean()) > 0.6


class Untargeted(AbstractAttack):
    """An attack written before there were goals."""

    def _perturb(self, active: ActiveSet) -> None:
        active.propose(active.x)


@pytest.mark.usefixtures("unchecked")
def test_wrong_targets_are_refused(digits_net: nn.Module, digit_images: Images, far_targets: Tensor) -> None:
    x, y = digit_images
    cases: list[tuple[Any, type[Exception], str]] = [
        (y, ValueError, "`targeted` must differ from the label of every image, got the label itself for 60 of 60"),
        (10, ValueError, "`targeted` must hold labels from 0 to 9, as the model has 10 logits, got 10"),
        (-1, ValueError, "`targeted` must hold class numbers from 0 up, got -1"),
        (True, TypeError, "`targeted` must be a class number or an int64 tensor of one per image, got bool"),
        (far_targets.float(), TypeError, r"got torch\.float32"),
        (far_targets[:5], ValueError, r"`targeted` must have shape \(60,\), one class per image, got \(5,\)"),
        (far_targets.to("meta"), ValueError, "`targeted` must be on the device of `y`, cpu, got meta"),
    ]
    for attack in (PGD(LinfBall(0.1)), FAB(L2Ball(0.1))):
        for targeted, error, message in cases:
            with pytest.raises(error, match=message):
                attack(digits_net, x, y, generator=generator(), targeted=targeted)
    with pytest.raises(ValueError, match="Untargeted takes no target class"):
        Untargeted(LinfBall(0.1))(digits_net, x, y, generator=generator(), targeted=far_targets)
    transfer = TransferAttack(LinfBall(0.1), source=digits_net, attack=Untargeted(LinfBall(0.1)))
    with pytest.raises(ValueError, match="`attack` must take target classes"):
        transfer(digits_net, x, y, generator=generator(), targeted=far_targets)
