"""Adversarial training: PGD, TRADES and YOPO, by themselves and as their papers have them."""

from natrob_empirical.training.adversarial.paper_settings import PAPER_TRAININGS as PAPER_TRAININGS
from natrob_empirical.training.adversarial.paper_settings import PaperTraining as PaperTraining
from natrob_empirical.training.adversarial.paper_settings import paper_training as paper_training
from natrob_empirical.training.adversarial.pgd_training import AttackMode as AttackMode
from natrob_empirical.training.adversarial.pgd_training import PGDAdversarialTraining as PGDAdversarialTraining
from natrob_empirical.training.adversarial.trades import TRADES as TRADES
from natrob_empirical.training.adversarial.trades import prediction_divergence as prediction_divergence
from natrob_empirical.training.adversarial.yopo import YOPO as YOPO
from natrob_empirical.training.adversarial.yopo import SplitClassifier as SplitClassifier
