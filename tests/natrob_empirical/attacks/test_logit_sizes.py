"""The unit of the logits decides nothing: results are those of logits near 1, or name the overflow."""

import pytest
import torch
from torch import Tensor

from natrob_empirical.attacks import (
    APGD,
    DLR,
    FAB,
    SPSA,
    AbstractAttack,
    AutoAttack,
    BoundaryAttack,
    Margin,
    NonFiniteGradientError,
    RandomNoise,
    Square,
    TargetedAPGD,
)
from natrob_empirical.attacks.margin import power_of_two_near
from natrob_empirical.threat_models import L2Ball, LinfBall

WEIGHT = torch.randn(5, 16, generator=torch.Generator().manual_seed(0))
WEIGHT /= WEIGHT.abs().sum(dim=1).max()  # logits of at most 1
X = torch.rand(6, 1, 4, 4, generator=torch.Generator().manual_seed(1))


def of_size(scale: float) -> tuple[torch.nn.Module, Tensor]:
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 5, bias=False))
    model[1].weight.data = WEIGHT * scale
    return model, model(X).argmax(dim=1)


ATTACKS = [
    attack
    for ball in (LinfBall(0.1), L2Ball(0.3))
    for attack in (
        SPSA(ball, steps=5, samples=8, learning_rate=0.03),
        APGD(ball, loss=DLR(), steps=6),
        APGD(ball, loss=Margin(), steps=6),
        TargetedAPGD(ball, steps=6),
        FAB(ball, steps=5, targets=2),
        Square(ball, queries=60),
        RandomNoise(ball, 5),
        AutoAttack(ball, steps=5, queries=30),
    )
] + [BoundaryAttack(L2Ball(0.3), queries=60)]


@pytest.mark.parametrize(
    ("scale", "targeted"),
    [(2.0**-100, False), (2.0**66, False), (2.0**125, False), (2.0**-100, True), (2.0**125, True)],
)
@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_the_result_is_that_of_logits_near_one(attack: AbstractAttack, targeted: bool, scale: float) -> None:
    found: list[Tensor] = []
    for size in (1.0, scale):
        model, y = of_size(size)
        targets = (y + 1) % 5 if targeted else None
        result = attack(model, X, y, generator=torch.Generator().manual_seed(0), targeted=targets)
        found.append(result.success)
    assert torch.equal(*found)


def test_spsa_attacks_logits_of_1e20() -> None:
    weight = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))

    def big(z: Tensor) -> Tensor:
        return z.flatten(1) @ weight.T * 1e20

    x = torch.rand(2, 1, 2, 2, generator=torch.Generator().manual_seed(3))
    attack = SPSA(LinfBall(0.4), steps=20, samples=16, learning_rate=0.05)
    result = attack(big, x, big(x).argmax(1), generator=torch.Generator().manual_seed(0))
    assert result.success.all()


@pytest.mark.parametrize("exponent", [-120, -30, 0, 66, 127])
def test_dividing_by_the_power_of_two_is_exact(exponent: int) -> None:
    logits = torch.randn(4, 5, generator=torch.Generator().manual_seed(0)).clamp(-0.9, 0.9) * 2.0**exponent
    unit = power_of_two_near(logits)[:, None]
    assert torch.equal(logits / unit * unit, logits)
    assert 0.1 < float((logits / unit).abs().max()) <= 2
    assert power_of_two_near(torch.zeros(1, 3)).tolist() == [1.0]


def test_an_overflowing_gradient_is_laid_to_the_logits() -> None:
    def overflowing(z: Tensor) -> Tensor:
        low = 3e38 * ((z.flatten(1) - 0.5).clamp(min=1e-3) * 1e3).tanh().mean(dim=1)
        return torch.stack([low, -low], dim=1)

    x = torch.full((2, 1, 2, 2), 0.5 + 1.2e-3)
    attack = APGD(LinfBall(1e-4), loss=Margin())  # the cross-entropy of such logits is flat
    with pytest.raises(NonFiniteGradientError, match=r"logits of up to 2\.\d*e\+38 may make it overflow"):
        attack(overflowing, x, torch.zeros(2, dtype=torch.int64), generator=torch.Generator())
