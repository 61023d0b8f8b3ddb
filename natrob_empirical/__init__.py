"""natrob_empirical: train integrator networks, attack them, bound them, and report what holds."""

from natrob_empirical.attacks import FGSM as FGSM
from natrob_empirical.attacks import PGD as PGD
from natrob_empirical.attacks import AttackEvaluation as AttackEvaluation
from natrob_empirical.attacks import AttackResult as AttackResult
from natrob_empirical.attacks import RandomNoise as RandomNoise
from natrob_empirical.attacks import attack_accuracy as attack_accuracy
from natrob_empirical.certification import CertificateRefusedError as CertificateRefusedError
from natrob_empirical.certification import CertifiedAccuracy as CertifiedAccuracy
from natrob_empirical.certification import certified_accuracy as certified_accuracy
from natrob_empirical.datasets import Dataset as Dataset
from natrob_empirical.datasets import load_dataset as load_dataset
from natrob_empirical.models import IntegratorClassifier as IntegratorClassifier
from natrob_empirical.models import ModelSpecification as ModelSpecification
from natrob_empirical.models import build_classifier as build_classifier
from natrob_empirical.random_streams import RandomStreams as RandomStreams
from natrob_empirical.random_streams import SampleStreams as SampleStreams
from natrob_empirical.threat_models import L2Ball as L2Ball
from natrob_empirical.threat_models import LinfBall as LinfBall
from natrob_empirical.training import TrainingSpecification as TrainingSpecification
from natrob_empirical.training import train as train

__all__ = [
    "FGSM",
    "PGD",
    "AttackEvaluation",
    "AttackResult",
    "CertificateRefusedError",
    "CertifiedAccuracy",
    "Dataset",
    "IntegratorClassifier",
    "L2Ball",
    "LinfBall",
    "ModelSpecification",
    "RandomNoise",
    "RandomStreams",
    "SampleStreams",
    "TrainingSpecification",
    "attack_accuracy",
    "build_classifier",
    "certified_accuracy",
    "load_dataset",
    "train",
]
