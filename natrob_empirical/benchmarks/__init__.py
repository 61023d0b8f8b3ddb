"""Benchmarks: presets turned into cells, cells run into records, finished ones skipped."""

from natrob_empirical.benchmarks.cells import Cell as Cell
from natrob_empirical.benchmarks.cells import cells_of as cells_of
from natrob_empirical.benchmarks.presets import PRESETS as PRESETS
from natrob_empirical.benchmarks.presets import AttackSpecification as AttackSpecification
from natrob_empirical.benchmarks.presets import Preset as Preset
from natrob_empirical.benchmarks.presets import StepSizeSweep as StepSizeSweep
from natrob_empirical.benchmarks.presets import preset_named as preset_named
from natrob_empirical.benchmarks.runner import RunEvent as RunEvent
from natrob_empirical.benchmarks.runner import run_preset as run_preset

__all__ = [
    "PRESETS",
    "AttackSpecification",
    "Cell",
    "Preset",
    "RunEvent",
    "StepSizeSweep",
    "cells_of",
    "preset_named",
    "run_preset",
]
