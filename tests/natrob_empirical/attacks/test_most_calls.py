"""Attacks say how many calls they make at most; transfers say it of the model, and their attack of the source."""

import pytest
from attack_contract import GRAY, fragile, generator, small, stubborn
from torch import Tensor

from natrob_empirical.attacks import (
    ATTACKS,
    PGD,
    AbstractAttack,
    ActiveSet,
    AutoAttack,
    TransferAttack,
    look_at_company,
)
from natrob_empirical.threat_models import L2Ball, LinfBall


def test_the_truth_about_square_and_fab() -> None:
    ball = LinfBall(0.1)
    square, fab = (ATTACKS[name].build("Linf", ball.epsilon) for name in ("square", "fab"))
    assert square.most_calls() == (5002, 0)
    assert fab.most_calls(10) == fab.most_calls() == (1810, 900)
    assert fab.most_calls(2) == (210, 100)
    assert AutoAttack(ball).most_calls() == (7823, 1900)
    assert AutoAttack(ball).most_calls(3) == (14 + 100 + 9 * 101 - 1 + 2 * 100 * 2 + 5000, 1200)
    assert TransferAttack(ball, source=fragile(4)).most_calls() == (9, 0)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_transfer_asks_the_source_what_its_attack_says_and_the_model_what_it_says_itself(name: str) -> None:
    ball, rows = L2Ball(0.1), 0
    model = fragile(4)

    def source(x: Tensor) -> Tensor:
        nonlocal rows
        rows += len(x)
        return model(x)

    attack = small(ATTACKS[name], ball)
    transfer = TransferAttack(ball, source=source, attack=attack)
    look_at_company(source, GRAY[0])
    looked, rows = rows, 0
    for make in (stubborn, fragile):
        result = transfer(make(4), *GRAY, generator=generator())
        assert int(result.queries.max()) <= transfer.most_calls(4).queries
        assert int(result.gradient_calls.max()) == 0
        assert rows - looked <= len(GRAY[0]) * attack.most_calls(4).queries
        rows = 0


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
