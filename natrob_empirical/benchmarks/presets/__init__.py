"""Presets: which models, how trained, which attacks, over which budgets."""

from natrob_empirical.benchmarks.presets.preset import AttackSpecification as AttackSpecification
from natrob_empirical.benchmarks.presets.preset import Budget as Budget
from natrob_empirical.benchmarks.presets.preset import Preset as Preset
from natrob_empirical.benchmarks.presets.preset import PresetModel as PresetModel
from natrob_empirical.benchmarks.presets.preset import PublishedResult as PublishedResult
from natrob_empirical.benchmarks.presets.preset import StepSizeSweep as StepSizeSweep
from natrob_empirical.benchmarks.presets.preset import budgets_of as budgets_of
from natrob_empirical.benchmarks.presets.registry import EXPERIMENTS as EXPERIMENTS
from natrob_empirical.benchmarks.presets.registry import PRESETS as PRESETS
from natrob_empirical.benchmarks.presets.registry import preset_named as preset_named
