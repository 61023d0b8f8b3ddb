"""Adversarial training: PGD, TRADES and YOPO."""

from natrob_empirical.training.adversarial.pgd_training import AttackMode as AttackMode
from natrob_empirical.training.adversarial.pgd_training import PGDAdversarialTraining as PGDAdversarialTraining
from natrob_empirical.training.adversarial.trades import TRADES as TRADES
from natrob_empirical.training.adversarial.trades import prediction_divergence as prediction_divergence
from natrob_empirical.training.adversarial.yopo import YOPO as YOPO

__all__ = ["TRADES", "YOPO", "AttackMode", "PGDAdversarialTraining", "prediction_divergence"]
