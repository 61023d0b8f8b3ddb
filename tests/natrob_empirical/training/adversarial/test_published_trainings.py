import json

import pytest

from natrob_empirical.training import PAPER_TRAININGS, TRADES, YOPO, PGDAdversarialTraining, paper_training


def test_the_settings_are_the_published_ones() -> None:
    pgd, trades, yopo = (paper_training(name).specification for name in ("pgd-10", "trades-10", "yopo-5-3"))
    assert pgd.method == PGDAdversarialTraining(epsilon=8 / 255, step_size=2 / 255, steps=10, attack_mode="eval")
    assert (pgd.learning_rate, pgd.weight_decay, pgd.batch_size) == (0.05, 5e-4, 256)
    assert (pgd.epochs, pgd.milestones) == (105, (75, 90, 100))
    assert trades.method == TRADES(epsilon=0.031, step_size=0.007, steps=10, weight=6.0)
    assert (trades.learning_rate, trades.weight_decay, trades.batch_size) == (0.1, 2e-4, 128)
    assert (trades.epochs, trades.milestones) == (76, (74,))
    assert yopo.method == YOPO(epsilon=8 / 255, step_size=2 / 255, outer_steps=5, inner_steps=3)
    assert yopo.learning_rate == pytest.approx(0.04)
    assert (yopo.weight_decay, yopo.batch_size) == (5e-4, 256)
    assert (yopo.epochs, yopo.milestones) == (36, (30, 34))
    for specification in (pgd, trades, yopo):
        assert (specification.optimiser, specification.momentum) == ("sgd", 0.9)
        assert (specification.schedule, specification.augmentation) == ("milestones", "crop_flip")


def test_each_says_where_it_is_from_and_can_go_on_record() -> None:
    for name, training in PAPER_TRAININGS.items():
        assert training.name == name
        assert "/" in training.source
        settings = json.loads(json.dumps(training.specification.settings()))
        assert settings["method"]["name"] == name.split("-")[0]


def test_unknown_names_are_answered_with_near_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown published training 'yopo-5-10'; did you mean yopo-5-3"):
        paper_training("yopo-5-10")
