"""Attacks on image classifiers, and the accuracy that is left under one."""

from natrob_empirical.norms import Norm as Norm
from natrob_empirical.runs.run_errors import NonFiniteGradientError as NonFiniteGradientError

from .abstract_attack import AbstractAttack as AbstractAttack
from .active_set import ActiveSet as ActiveSet
from .apgd import APGD as APGD
from .attack_registry import ATTACKS as ATTACKS
from .attack_registry import SETTINGS as SETTINGS
from .attack_registry import RegisteredAttack as RegisteredAttack
from .attack_registry import register_attack as register_attack
from .attack_registry import registered_attack as registered_attack
from .attack_result import AttackResult as AttackResult
from .auto_attack import AutoAttack as AutoAttack
from .auto_attack import PartReport as PartReport
from .averaged_model import AveragedModel as AveragedModel
from .boundary_attack import BoundaryAttack as BoundaryAttack
from .company import CompanyLook as CompanyLook
from .company import OneImageAtATime as OneImageAtATime
from .company import look_at_company as look_at_company
from .counted_model import Classifier as Classifier
from .counted_model import CountedModel as CountedModel
from .di2_fgsm import DI2FGSM as DI2FGSM
from .evaluation import AttackEvaluation as AttackEvaluation
from .evaluation import SampleOutcomes as SampleOutcomes
from .evaluation import attack_accuracy as attack_accuracy
from .evaluation import outcomes_of as outcomes_of
from .fab import FAB as FAB
from .fgsm import FGSM as FGSM
from .losses import DLR as DLR
from .losses import AbstractLoss as AbstractLoss
from .losses import CrossEntropy as CrossEntropy
from .losses import Margin as Margin
from .minimum_norm_attack import AbstractMinimumNormAttack as AbstractMinimumNormAttack
from .minimum_norm_attack import MinimumNormResult as MinimumNormResult
from .model_checks import ModelCheck as ModelCheck
from .model_checks import ProbabilitiesWarning as ProbabilitiesWarning
from .model_checks import RandomisedModelError as RandomisedModelError
from .model_checks import check_model as check_model
from .most_calls import MostCalls as MostCalls
from .move_to_gray import MoveToGray as MoveToGray
from .nearest_search import NearestSearch as NearestSearch
from .paper_settings import paper_boundary as paper_boundary
from .paper_settings import paper_di2_fgsm as paper_di2_fgsm
from .paper_settings import paper_fgsm as paper_fgsm
from .paper_settings import paper_pgd as paper_pgd
from .paper_settings import paper_pgd_20 as paper_pgd_20
from .pgd import PGD as PGD
from .random_noise import RandomNoise as RandomNoise
from .spsa import SPSA as SPSA
from .square import Square as Square
from .targeted_apgd import TargetedAPGD as TargetedAPGD
from .transfer_attack import TransferAttack as TransferAttack

__all__ = [
    "APGD",
    "ATTACKS",
    "DI2FGSM",
    "DLR",
    "FAB",
    "FGSM",
    "PGD",
    "SETTINGS",
    "SPSA",
    "AbstractAttack",
    "AbstractLoss",
    "AbstractMinimumNormAttack",
    "ActiveSet",
    "AttackEvaluation",
    "AttackResult",
    "AutoAttack",
    "AveragedModel",
    "BoundaryAttack",
    "Classifier",
    "CompanyLook",
    "CountedModel",
    "CrossEntropy",
    "Margin",
    "MinimumNormResult",
    "ModelCheck",
    "MostCalls",
    "MoveToGray",
    "NearestSearch",
    "NonFiniteGradientError",
    "Norm",
    "OneImageAtATime",
    "PartReport",
    "ProbabilitiesWarning",
    "RandomNoise",
    "RandomisedModelError",
    "RegisteredAttack",
    "SampleOutcomes",
    "Square",
    "TargetedAPGD",
    "TransferAttack",
    "attack_accuracy",
    "check_model",
    "look_at_company",
    "outcomes_of",
    "paper_boundary",
    "paper_di2_fgsm",
    "paper_fgsm",
    "paper_pgd",
    "paper_pgd_20",
    "registered_attack",
]
