"""Training: methods that supply gradients, and the engine that steps."""

from natrob_empirical.training.abstract_method import AbstractTrainingMethod as AbstractTrainingMethod
from natrob_empirical.training.abstract_method import StepOutcome as StepOutcome
from natrob_empirical.training.accuracy import accuracy as accuracy
from natrob_empirical.training.adversarial import PAPER_TRAININGS as PAPER_TRAININGS
from natrob_empirical.training.adversarial import TRADES as TRADES
from natrob_empirical.training.adversarial import YOPO as YOPO
from natrob_empirical.training.adversarial import PaperTraining as PaperTraining
from natrob_empirical.training.adversarial import PGDAdversarialTraining as PGDAdversarialTraining
from natrob_empirical.training.adversarial import paper_training as paper_training
from natrob_empirical.training.engine import train as train
from natrob_empirical.training.errors import TrainingDivergedError as TrainingDivergedError
from natrob_empirical.training.errors import TrainingMemoryError as TrainingMemoryError
from natrob_empirical.training.errors import TrainingStateError as TrainingStateError
from natrob_empirical.training.errors import TrainingWarning as TrainingWarning
from natrob_empirical.training.field_samples import FieldSample as FieldSample
from natrob_empirical.training.field_samples import field_sample as field_sample
from natrob_empirical.training.lipschitz_penalty import LipschitzPenalty as LipschitzPenalty
from natrob_empirical.training.margin_method import MarginTraining as MarginTraining
from natrob_empirical.training.method_registry import TRAINING_METHODS as TRAINING_METHODS
from natrob_empirical.training.method_registry import training_method_named as training_method_named
from natrob_empirical.training.progress import EpochSummary as EpochSummary
from natrob_empirical.training.progress import TrainingProgress as TrainingProgress
from natrob_empirical.training.progress import TrainingResult as TrainingResult
from natrob_empirical.training.specification import EngineOptions as EngineOptions
from natrob_empirical.training.specification import TrainingSpecification as TrainingSpecification
from natrob_empirical.training.spectral_normalisation import SpectralNormalisation as SpectralNormalisation
from natrob_empirical.training.standard_method import StandardTraining as StandardTraining
from natrob_empirical.training.state_file import previous_state as previous_state
from natrob_empirical.training.training_log import LogPaths as LogPaths
from natrob_empirical.training.weight_constraint import AbstractConstrainedTraining as AbstractConstrainedTraining
from natrob_empirical.training.weight_constraint import AbstractWeightConstraint as AbstractWeightConstraint

__all__ = [
    "PAPER_TRAININGS",
    "TRADES",
    "TRAINING_METHODS",
    "YOPO",
    "AbstractConstrainedTraining",
    "AbstractTrainingMethod",
    "AbstractWeightConstraint",
    "EngineOptions",
    "EpochSummary",
    "FieldSample",
    "LipschitzPenalty",
    "LogPaths",
    "MarginTraining",
    "PGDAdversarialTraining",
    "PaperTraining",
    "SpectralNormalisation",
    "StandardTraining",
    "StepOutcome",
    "TrainingDivergedError",
    "TrainingMemoryError",
    "TrainingProgress",
    "TrainingResult",
    "TrainingSpecification",
    "TrainingStateError",
    "TrainingWarning",
    "accuracy",
    "field_sample",
    "paper_training",
    "previous_state",
    "train",
    "training_method_named",
]
