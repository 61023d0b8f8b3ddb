"""Every registered attack, and the variants that are registered under no name, keep the contract of attacks."""

import copy
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import pytest
import torch
from attack_contract import COUNT, AttackCase, AttackContract, generator, small
from torch import Tensor, nn

from natrob_empirical.attack_names import AttackKind
from natrob_empirical.attacks import (
    APGD,
    ATTACKS,
    FAB,
    PGD,
    AbstractAttack,
    ActiveSet,
    Margin,
    MostCalls,
    TransferAttack,
)
from natrob_empirical.threat_models import AbstractBall, L2Ball, LinfBall


def ten_waves(x: Tensor) -> Tensor:
    """A linear source of ten classes for images of any size."""
    pixels = torch.arange(1, x[0].numel() + 1, dtype=x.dtype)  # at 0 all classes weigh alike: a gradient of rounding
    return x.flatten(1) @ torch.cos(pixels[:, None] * torch.arange(1, 11, dtype=x.dtype))


class TestRegisteredAttacks(AttackContract):
    @classmethod
    def cases(cls) -> list[AttackCase]:
        balls = {"Linf": LinfBall(0.15), "L2": L2Ball(0.8)}
        return [
            AttackCase(
                name=name,
                build=partial(small, entry),
                kind=entry.attack.kind,
                ball=balls[norm],
                spends_all=name not in {"square", "autoattack"},  # a move with a known answer costs nothing
            )
            for name, entry in ATTACKS.items()
            for norm in entry.norms
        ]


class TestPGDFromTheImage(AttackContract):
    kind = "gradient"

    @staticmethod
    def build(ball: AbstractBall) -> AbstractAttack:
        return PGD(ball, steps=5, random_start=False)


class TestAPGDOnTheMargin(AttackContract):
    kind = "gradient"
    balls = (LinfBall(0.15),)

    @staticmethod
    def build(ball: AbstractBall) -> AbstractAttack:
        return APGD(ball, loss=Margin(), steps=9, restarts=2)


class TestFABTowardsAllClasses(AttackContract):
    kind = "gradient"
    balls = (L2Ball(0.8),)

    @staticmethod
    def build(ball: AbstractBall) -> AbstractAttack:
        return FAB(ball, steps=3, targets=20, restarts=3)


class TestTransferAttack(AttackContract):
    kind = "transfer"

    @staticmethod
    def build(ball: AbstractBall) -> AbstractAttack:
        return TransferAttack(ball, source=ten_waves)


def test_another_generator_gives_another_result(digits_net: nn.Module, digit_images: tuple[Tensor, Tensor]) -> None:
    random = set()
    for name, entry in ATTACKS.items():
        attack = small(entry, L2Ball(0.8))
        first, other = (attack(digits_net, *digit_images, generator=generator(seed)).adversarial for seed in (0, 1))
        if not torch.equal(first, other):
            random.add(name)
    assert random.isdisjoint({"move-to-gray", "fgsm"})
    assert random >= {"pgd", "di2-fgsm", "apgd-ce", "targeted-apgd", "spsa", "square", "boundary-attack", "autoattack"}


@dataclass(frozen=True)
class Careless(AbstractAttack):
    """One random step, wrong in the way that `flaw` says."""

    kind: ClassVar[AttackKind] = "gradient"
    takes_targets: ClassVar[bool] = True
    flaw: str = ""

    def _most_calls(self, num_classes: int | None, *, targeted: bool) -> MostCalls:
        return MostCalls(2 if self.flaw == "asks more than it says" else 3, 1)

    def _perturb(self, active: ActiveSet) -> None:
        _, gradient = active.model.logits_and_gradient(active.x, active.classes, active.goal.loss)
        if self.flaw == "draws from the global generator":
            gradient = gradient + torch.randn_like(gradient)
        if self.flaw == "mixes the images of a batch":
            gradient = gradient + gradient.mean(dim=0)
        if self.flaw == "alters the model" and isinstance(active.model.classifier, nn.Module):
            next(active.model.classifier.parameters()).data += 1.0
        active.propose(active.x + self.ball.epsilon * self.ball.steepest_ascent(gradient))


@pytest.mark.parametrize(
    ("flaw", "test"),
    [
        ("asks more than it says", "test_calls_are_counted_and_never_more_than_it_says"),
        ("draws from the global generator", "test_a_generator_decides_everything"),
        ("mixes the images of a batch", "test_an_image_fares_alone_and_at_any_place_as_in_company"),
        ("alters the model", "test_the_model_is_left_as_it_was"),
    ],
)
def test_the_contract_finds_a_flaw(
    flaw: str, test: str, digits_net: nn.Module, digit_images: tuple[Tensor, Tensor]
) -> None:
    images: Any = digit_images[0][:COUNT].double(), digit_images[1][:COUNT]
    given = {} if "calls" in test else {"net": _double(digits_net), "images": images}
    for chosen, wrong in (("", False), (flaw, True)):
        case = AttackCase(name=flaw, build=partial(Careless, flaw=chosen), kind="gradient", ball=L2Ball(0.8))
        if wrong:
            with pytest.raises(AssertionError):
                getattr(AttackContract(), test)(case, **given)
        else:
            getattr(AttackContract(), test)(case, **given)


def _double(net: nn.Module) -> nn.Module:
    return copy.deepcopy(net).double()
