"""The presets by name."""

from importlib import import_module
from typing import Final

from natrob_empirical.benchmarks.presets.preset import Preset
from natrob_empirical.names.experiment_modules import EXPERIMENT_MODULES
from natrob_empirical.names.near_names import unknown_name

EXPERIMENTS: Final = tuple(EXPERIMENT_MODULES)
"""The figures and tables that there are presets of."""
PRESETS: Final[dict[str, Preset]] = {
    preset.name: preset
    for module in dict.fromkeys(["overview", *EXPERIMENT_MODULES.values()])
    for preset in import_module(f"natrob_empirical.benchmarks.presets.{module}").PRESETS
}


def preset_named(name: str, experiment: str | None = None) -> Preset:
    """The preset of this name, of a figure or table of the paper if one is named.

    Raises:
        ValueError: there is none; near names are offered.
    """
    full = name if experiment is None else f"{experiment}-{name}"
    if full not in PRESETS:
        raise unknown_name("preset", full, PRESETS)
    return PRESETS[full]
