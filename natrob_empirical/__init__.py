"""natrob_empirical: train integrator networks, attack them, bound them, and report what holds.

It judges the claims of "Towards Natural Robustness Against Adversarial Examples" by Haoyu Chu, Shikui Wei and Yao Zhao,
https://arxiv.org/abs/2012.02452.
"""

from typing import TYPE_CHECKING

from natrob_empirical.names.lazy_names import lazy_names

if TYPE_CHECKING:
    from natrob_empirical import masking as masking
    from natrob_empirical.attacks import APGD as APGD
    from natrob_empirical.attacks import DI2FGSM as DI2FGSM
    from natrob_empirical.attacks import FAB as FAB
    from natrob_empirical.attacks import FGSM as FGSM
    from natrob_empirical.attacks import PGD as PGD
    from natrob_empirical.attacks import SPSA as SPSA
    from natrob_empirical.attacks import AttackEvaluation as AttackEvaluation
    from natrob_empirical.attacks import AttackResult as AttackResult
    from natrob_empirical.attacks import AutoAttack as AutoAttack
    from natrob_empirical.attacks import AveragedModel as AveragedModel
    from natrob_empirical.attacks import BoundaryAttack as BoundaryAttack
    from natrob_empirical.attacks import MoveToGray as MoveToGray
    from natrob_empirical.attacks import RandomNoise as RandomNoise
    from natrob_empirical.attacks import Square as Square
    from natrob_empirical.attacks import TargetedAPGD as TargetedAPGD
    from natrob_empirical.attacks import TransferAttack as TransferAttack
    from natrob_empirical.attacks import attack_accuracy as attack_accuracy
    from natrob_empirical.attacks import check_model as check_model
    from natrob_empirical.ceiling import Ceiling as Ceiling
    from natrob_empirical.ceiling import robustness_ceiling as robustness_ceiling
    from natrob_empirical.ceiling import robustness_ceilings as robustness_ceilings
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
    from natrob_empirical.smoothing import SmoothedAccuracy as SmoothedAccuracy
    from natrob_empirical.smoothing import randomised_smoothing as randomised_smoothing
    from natrob_empirical.threat_models import L1Ball as L1Ball
    from natrob_empirical.threat_models import L2Ball as L2Ball
    from natrob_empirical.threat_models import LinfBall as LinfBall
    from natrob_empirical.training import TrainingSpecification as TrainingSpecification
    from natrob_empirical.training import train as train
    from natrob_empirical.version import __version__ as __version__
else:
    __getattr__, __dir__ = lazy_names(__name__)
