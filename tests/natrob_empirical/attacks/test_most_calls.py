"""What an attack says it spends at most is never exceeded, and reached where nobody is fooled."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from natrob_empirical.attacks import (
    APGD,
    ATTACKS,
    FAB,
    PGD,
    AbstractAttack,
    AbstractMinimumNormAttack,
    ActiveSet,
    AttackResult,
    AutoAttack,
    Margin,
    MinimumNormResult,
    MostCalls,
    TargetedAPGD,
    TransferAttack,
)
from natrob_empirical.threat_models import L2Ball, LinfBall

SETTINGS = {"steps": 4, "restarts": 2, "queries": 30}


def stubborn(num_classes: int) -> Callable[[Tensor], Tensor]:
    """Always class 0, with a gradient towards every other."""

    def model(x: Tensor) -> Tensor:
        brightness = x.flatten(1).mean(dim=1)
        return torch.stack([10 + brightness, *(brightness**k for k in range(2, num_classes + 1))], dim=1)

    return model


def fragile(num_classes: int) -> Callable[[Tensor], Tensor]:
    """Class 0 at grey 0.5, class 1 where brighter and class 2, if there is one, where darker."""

    def model(x: Tensor) -> Tensor:
        change = 100 * (x.flatten(1).mean(dim=1) - 0.5)
        others = (-1 - k + 0.01 * change for k in range(3, num_classes))
        first = [torch.full_like(change, 1e-3), change, -change][:num_classes]
        return torch.stack([*first, *others], dim=1)

    return model


def attacks() -> list[AbstractAttack]:
    found: list[AbstractAttack] = []
    for entry in ATTACKS.values():
        for norm in entry.norms:
            settings = {name: value for name, value in SETTINGS.items() if name in entry.settings}
            found.append(entry.build(norm, 0.1, settings))
    ball = LinfBall(0.1)
    return [
        *found,
        APGD(ball, loss=Margin(), steps=3, restarts=3),
        TargetedAPGD(ball, steps=3, targets=20, restarts=2),
        FAB(L2Ball(0.1), steps=3, targets=2, restarts=3),
        PGD(ball, steps=3, compaction=False),
        AutoAttack(ball, steps=3, targets=1, queries=5),
        TransferAttack(ball, source=fragile(4)),
        *(TransferAttack(one.ball, source=fragile(4), attack=one) for one in found),
    ]


def small(attack: AbstractAttack) -> AbstractAttack:
    """SPSA and DI2-FGSM have no short settings in the registry."""
    return replace(attack, samples=5) if hasattr(attack, "samples") else attack


def numbers_of_classes(attack: AbstractAttack) -> tuple[int, ...]:
    """A transfer has as many classes as its source; the DLR loss has four at least."""
    if isinstance(attack, TransferAttack):
        return (4,)
    return (4, 11) if isinstance(attack, TargetedAPGD) or "DLR" in repr(attack) else (2, 4, 11)


def require_within(result: AttackResult | MinimumNormResult, most: MostCalls) -> None:
    assert int(result.queries.max()) <= most.queries
    assert int(result.gradient_calls.max()) <= most.gradient_calls


@pytest.mark.parametrize(
    ("attack", "num_classes"),
    [(attack, count) for attack in map(small, attacks()) for count in numbers_of_classes(attack)],
    ids=str,
)
@pytest.mark.parametrize("targeted", [None, 1])
@pytest.mark.parametrize("make", [stubborn, fragile])
def test_counted_calls_stay_within(
    attack: AbstractAttack, num_classes: int, targeted: int | None, make: Callable[[int], Callable[[Tensor], Tensor]]
) -> None:
    model = make(num_classes)
    x, y = torch.full((3, 1, 4, 4), 0.5), torch.zeros(3, dtype=torch.int64)
    result = attack(model, x, y, generator=torch.Generator().manual_seed(0), targeted=targeted)
    most = attack.most_calls(num_classes, targeted=targeted is not None)
    require_within(result, most)
    require_within(result, attack.most_calls(targeted=targeted is not None))  # a bound for any number of classes
    if make is stubborn and not isinstance(attack, TransferAttack) and type(attack).__name__ != "BoundaryAttack":
        assert (int(result.queries.min()), int(result.gradient_calls.min())) == most  # nothing is said too large
    if isinstance(attack, AbstractMinimumNormAttack):
        nearest = attack.minimise(model, x, y, generator=torch.Generator().manual_seed(0), targeted=targeted)
        require_within(nearest, most)


def test_the_truth_about_square_and_fab() -> None:
    ball = LinfBall(0.1)
    square, fab = (ATTACKS[name].build("Linf", ball.epsilon) for name in ("square", "fab"))
    assert square.most_calls() == (5002, 0)
    assert fab.most_calls(10) == fab.most_calls() == (1810, 900)
    assert fab.most_calls(2) == (210, 100)
    assert AutoAttack(ball).most_calls() == (7823, 1900)
    assert AutoAttack(ball).most_calls(3) == (14 + 100 + 9 * 101 - 1 + 2 * 100 * 2 + 5000, 1200)
    assert TransferAttack(ball, source=fragile(4)).most_calls() == (9, 0)


def test_mixed_precision_asks_again_at_most_once_a_query() -> None:
    x, y = torch.full((3, 1, 4, 4), 0.5), torch.zeros(3, dtype=torch.int64)
    for name in ("pgd", "square", "random-noise", "autoattack"):
        settings = {key: value for key, value in SETTINGS.items() if key in ATTACKS[name].settings}
        attack = ATTACKS[name].build("Linf", 0.1, settings, mixed_precision=True)
        for make in (stubborn, fragile):
            require_within(attack(make(4), x, y, generator=torch.Generator().manual_seed(0)), attack.most_calls(4))


class Silent(AbstractAttack):
    """An attack of somebody who has not counted."""

    def _perturb(self, active: ActiveSet) -> None:
        active.propose(active.x)


@pytest.mark.usefixtures("unchecked")
def test_an_attack_that_does_not_say_is_named() -> None:
    with pytest.raises(NotImplementedError, match="Silent does not say how many calls it makes"):
        Silent(LinfBall(0.1)).most_calls()
    with pytest.raises(ValueError, match="`num_classes` must be at least 2, got 1"):
        PGD(LinfBall(0.1)).most_calls(1)
