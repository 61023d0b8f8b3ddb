"""Benchmarks: presets turned into cells, cells run into records, finished ones skipped."""

from natrob_empirical.benchmarks.attack_run import AttackProgress as AttackProgress
from natrob_empirical.benchmarks.attack_run import AttackRun as AttackRun
from natrob_empirical.benchmarks.attack_run import FinishedAttack as FinishedAttack
from natrob_empirical.benchmarks.attack_run import run_attack as run_attack
from natrob_empirical.benchmarks.attack_run import weights_fingerprint as weights_fingerprint
from natrob_empirical.benchmarks.cells import Cell as Cell
from natrob_empirical.benchmarks.cells import cells_of as cells_of
from natrob_empirical.benchmarks.cells import fingerprint_of_tests as fingerprint_of_tests
from natrob_empirical.benchmarks.cells import fitted_to_images as fitted_to_images
from natrob_empirical.benchmarks.checkpoints import Checkpoint as Checkpoint
from natrob_empirical.benchmarks.checkpoints import CheckpointError as CheckpointError
from natrob_empirical.benchmarks.checkpoints import CheckpointStore as CheckpointStore
from natrob_empirical.benchmarks.checkpoints import load_checkpoint as load_checkpoint
from natrob_empirical.benchmarks.plan import PresetTooLargeError as PresetTooLargeError
from natrob_empirical.benchmarks.plan import device_rate as device_rate
from natrob_empirical.benchmarks.plan import planned_cells as planned_cells
from natrob_empirical.benchmarks.presets import EXPERIMENTS as EXPERIMENTS
from natrob_empirical.benchmarks.presets import PRESETS as PRESETS
from natrob_empirical.benchmarks.presets import AttackSpecification as AttackSpecification
from natrob_empirical.benchmarks.presets import Preset as Preset
from natrob_empirical.benchmarks.presets import PresetModel as PresetModel
from natrob_empirical.benchmarks.presets import PublishedResult as PublishedResult
from natrob_empirical.benchmarks.presets import StepSizeSweep as StepSizeSweep
from natrob_empirical.benchmarks.presets import preset_named as preset_named
from natrob_empirical.benchmarks.runner import RunEvent as RunEvent
from natrob_empirical.benchmarks.runner import run_preset as run_preset
from natrob_empirical.benchmarks.trained_models import TrainedModels as TrainedModels

__all__ = [
    "EXPERIMENTS",
    "PRESETS",
    "AttackProgress",
    "AttackRun",
    "AttackSpecification",
    "Cell",
    "Checkpoint",
    "CheckpointError",
    "CheckpointStore",
    "FinishedAttack",
    "Preset",
    "PresetModel",
    "PresetTooLargeError",
    "PublishedResult",
    "RunEvent",
    "StepSizeSweep",
    "TrainedModels",
    "cells_of",
    "device_rate",
    "fingerprint_of_tests",
    "fitted_to_images",
    "load_checkpoint",
    "planned_cells",
    "preset_named",
    "run_attack",
    "run_preset",
    "weights_fingerprint",
]
