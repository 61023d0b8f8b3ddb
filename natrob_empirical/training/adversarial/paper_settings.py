"""Adversarial training of PreAct-ResNet-18 on CIFAR-10 as the papers behind Table 2 have it.

Learning rates fall by a factor 10 at each milestone; a milestone counts finished epochs.
"""

from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final, final

from natrob_empirical.names.near_names import unknown_name
from natrob_empirical.training.adversarial.pgd_training import PGDAdversarialTraining
from natrob_empirical.training.adversarial.trades import TRADES
from natrob_empirical.training.adversarial.yopo import YOPO
from natrob_empirical.training.specification import TrainingSpecification


@final
@dataclass(frozen=True, kw_only=True)
class PaperTraining:
    """A published training.

    Attributes:
        name: the key.
        specification: the training.
        source: where its numbers are from.
        departures: what the source does that the specification does not; empty where nothing.
    """

    name: str
    specification: TrainingSpecification
    source: str
    departures: str = ""


_stepwise: Final = partial(
    TrainingSpecification, optimiser="sgd", momentum=0.9, schedule="milestones", augmentation="crop_flip"
)
"""SGD with momentum, shifted and mirrored images, and a learning rate that falls at the milestones."""

PAPER_TRAININGS: Final = MappingProxyType(
    {
        training.name: training
        for training in (
            PaperTraining(
                name="pgd-10",
                specification=_stepwise(
                    method=PGDAdversarialTraining(epsilon=8 / 255, step_size=2 / 255, steps=10, attack_mode="eval"),
                    epochs=105,
                    batch_size=256,
                    learning_rate=0.05,
                    weight_decay=5e-4,
                    milestones=(75, 90, 100),
                ),
                source=(
                    "Madry et al., ICLR 2018, with the settings of the PGD-10 baseline for PreAct-ResNet-18 of Zhang "
                    "et al. (YOPO), NeurIPS 2019: a1600012888/YOPO-You-Only-Propagate-Once, "
                    "experiments/CIFAR10/pre-res18.pgd10/config.py"
                ),
                departures=(
                    "the baseline's training loop adds the loss of the clean images to that of the perturbed ones, "
                    "while Madry et al. train on the perturbed ones alone, and so does this; the repository's loops "
                    "run one epoch more than configured"
                ),
            ),
            PaperTraining(
                name="trades-10",
                specification=_stepwise(
                    method=TRADES(epsilon=0.031, step_size=0.007, steps=10, weight=6.0),
                    epochs=76,
                    batch_size=128,
                    learning_rate=0.1,
                    weight_decay=2e-4,
                    milestones=(74,),
                ),
                source=(
                    "Zhang et al. (TRADES), ICML 2019: yaodongyu/TRADES, train_trades_cifar10.py, where epochs count "
                    "from 1 and the rate falls at the start of epoch 75"
                ),
                departures=(
                    "the source trains WideResNet-34-10; it passes the clean images a second time, which moves the "
                    "running statistics once more and changes no loss"
                ),
            ),
            PaperTraining(
                name="yopo-5-3",
                specification=_stepwise(
                    method=YOPO(epsilon=8 / 255, step_size=2 / 255, outer_steps=5, inner_steps=3),
                    epochs=36,
                    batch_size=256,
                    learning_rate=0.1 * 2 / 5,
                    weight_decay=5e-4,
                    milestones=(30, 34),
                ),
                source=(
                    "Zhang et al. (YOPO), NeurIPS 2019: a1600012888/YOPO-You-Only-Propagate-Once, "
                    "experiments/CIFAR10/pre-res18.yopo-5-3/config.py"
                ),
                departures=(
                    "the repository's loops run one epoch more than configured, here at a third milestone, 36; the "
                    "first propagation of a step takes the noisy images before they are clipped to the pixel range"
                ),
            ),
        )
    }
)
"""The published trainings by name: "pgd-10", "trades-10", "yopo-5-3"."""


def paper_training(name: str) -> PaperTraining:
    """The published training of this name. Raises ValueError, with near names, if there is none."""
    if name not in PAPER_TRAININGS:
        raise unknown_name("published training", name, PAPER_TRAININGS)
    return PAPER_TRAININGS[name]
