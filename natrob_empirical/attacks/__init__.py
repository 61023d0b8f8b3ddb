"""Attacks on image classifiers, and the accuracy that is left under one."""

from .abstract_attack import AbstractAttack as AbstractAttack
from .active_set import ActiveSet as ActiveSet
from .attack_result import AttackResult as AttackResult
from .counted_model import Classifier as Classifier
from .counted_model import CountedModel as CountedModel
from .counted_model import NonFiniteGradientError as NonFiniteGradientError
from .evaluation import AttackEvaluation as AttackEvaluation
from .evaluation import attack_accuracy as attack_accuracy
from .fgsm import FGSM as FGSM
from .pgd import PGD as PGD
from .random_noise import RandomNoise as RandomNoise

__all__ = [
    "FGSM",
    "PGD",
    "AbstractAttack",
    "ActiveSet",
    "AttackEvaluation",
    "AttackResult",
    "Classifier",
    "CountedModel",
    "NonFiniteGradientError",
    "RandomNoise",
    "attack_accuracy",
]
